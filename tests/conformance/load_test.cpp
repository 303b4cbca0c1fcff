// Many threads at once: random senders, readers and policies with exact accounting; coming and going under load.

#include <algorithm>
#include <random>

#include "conformance/conformance.hpp"

CONFORMANCE_SUITE(Load);

namespace actor::conformance {
namespace {

using Turn = Peer::Turn;

/// A number that says which event of which topic of its sender it is.
constexpr std::uint64_t stamp(std::uint64_t topic, std::uint64_t count) {
  return topic << 32 | count;
}

/// What one reader has seen; used on its thread, read after it.
struct Seen {
  std::map<std::string, std::uint64_t> next_counter;                    // by sender: FIFO across topics
  std::map<std::pair<std::string, std::string>, std::uint64_t> events;  // by sender and topic
  std::map<std::pair<std::string, std::string>, std::uint64_t> next_in_topic;
  std::uint64_t out_of_order = 0;

  void note(const Receipt& receipt) {
    const std::pair key(receipt.sender, receipt.topic);
    const std::uint64_t count = receipt.value & 0xffffffff;
    out_of_order += count < next_in_topic[key];
    next_in_topic[key] = count + 1;
    ++events[key];
    if (receipt.topic == "drop-oldest") return;  // in order within the topic only
    out_of_order += receipt.id.counter < next_counter[receipt.sender];
    next_counter[receipt.sender] = receipt.id.counter + 1;
  }
};

std::function<Turn(Peer&)> note_into(Seen& seen) {
  return [&seen](Peer& peer) {
    Receipt receipt;
    if (!peer.receive(receipt)) return Turn::Idle;
    seen.note(receipt);
    return Turn::Worked;
  };
}

}  // namespace

TEST_P(Load, ManySendersAndReadersWithEveryPolicyAreAccountedForExactly) {
  std::mt19937_64 random(test_seed());
  const std::vector<std::string> names = {"block", "timed", "fail", "drop", "drop-oldest"};
  make_world({.topics = {{"block", OverflowPolicy::block(), 8},
                         {"timed", OverflowPolicy::block_for(std::chrono::microseconds(200)), 4},
                         {"fail", OverflowPolicy::fail(), 16},
                         {"drop", OverflowPolicy::drop(), 4},
                         {"drop-oldest", OverflowPolicy::drop_oldest(), 4}},
              .first_sequence = (std::uint64_t{1} << 32) - random() % 1000});
  constexpr std::size_t senders = 4;
  constexpr std::uint64_t per_sender = 4000;
  const std::size_t readers = 2 + random() % 3;

  std::vector<Seen> seen(readers);
  std::vector<Peer*> reading;
  std::map<std::string, std::uint64_t> readers_of;
  for (std::size_t i = 0; i < readers; ++i) {
    std::vector<std::string> topics;
    for (const std::string& name : names) {
      if (i == 0 || random() % 2) topics.push_back(name);
    }
    for (const std::string& name : topics) ++readers_of[name];
    reading.push_back(&add("reader " + std::to_string(i), topics));
  }
  std::vector<Peer*> sending;
  for (std::size_t i = 0; i < senders; ++i) sending.push_back(&add("sender " + std::to_string(i), {}));

  for (std::size_t i = 0; i < readers; ++i) reading[i]->start(note_into(seen[i]));
  std::vector<std::map<std::string, std::uint64_t>> sent(senders);
  for (std::size_t i = 0; i < senders; ++i) {
    sending[i]->start([&, i, own = std::mt19937_64(random()), left = per_sender](Peer& peer) mutable {
      if (left-- == 0) return Turn::Finished;
      const std::size_t topic = own() % names.size();
      peer.send_number(names[topic], stamp(topic, sent[i][names[topic]]++));
      return Turn::Worked;
    });
  }
  for (Peer* peer : sending) peer->join();
  for (Peer* peer : reading) peer->stop();

  std::uint64_t expected_sent = 0;
  for (const auto& by_topic : sent) {
    for (const auto& [topic, count] : by_topic) expected_sent += count * readers_of[topic];
  }
  std::uint64_t events_seen = 0;
  for (std::size_t r = 0; r < readers; ++r) {
    EXPECT_EQ(seen[r].out_of_order, 0u);
    for (const auto& [key, count] : seen[r].events) {
      events_seen += count;
      const std::size_t from = static_cast<std::size_t>(key.first.back() - '0');
      EXPECT_LE(count, sent[from][key.second]);
      if (key.second == "block") {
        EXPECT_EQ(count, sent[from]["block"]) << "from " << key.first;
      }
    }
  }
  const PortCounters sum = totals();
  EXPECT_EQ(sum.published, senders * per_sender);
  EXPECT_EQ(sum.sent, expected_sent);
  EXPECT_EQ(sum.handled, events_seen);
  EXPECT_EQ(sum.received, sum.handled);
  EXPECT_EQ(sum.skipped, 0u);
  EXPECT_EQ(sum.staged, 0u);
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Load, ReadersComeAndGoWhileSendersSend) {
  std::mt19937_64 random(test_seed());
  make_world({.topics = one_topic_per_policy(8)});
  Seen witness;
  Peer& constant = add("constant", {"block"});
  constant.start(note_into(witness));
  std::atomic<bool> enough = false;
  std::vector<std::uint64_t> sent(3);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    add("sender " + std::to_string(i), {}).start([&, i](Peer& peer) {
      if (enough) return Turn::Finished;
      peer.send_number(sent[i] % 3 ? "block" : "drop-oldest", stamp(sent[i] % 3 ? 0 : 1, sent[i]));
      ++sent[i];
      return Turn::Worked;
    });
  }
  for (int round = 0; round < 60; ++round) {
    Seen seen;
    Peer& guest = add("guest " + std::to_string(round), {"block", "drop-oldest"});
    const std::uint64_t enough_for_guest = random() % 40;
    guest.start([&seen, enough_for_guest, count = std::uint64_t{0}](Peer& peer) mutable {
      if (count == enough_for_guest) return Turn::Finished;
      Receipt receipt;
      if (!peer.receive(receipt)) return Turn::Idle;
      seen.note(receipt);
      ++count;
      return Turn::Worked;
    });
    guest.join();
    EXPECT_EQ(seen.out_of_order, 0u);
    world().remove(guest);  // with events queued, and senders blocked by it
  }
  enough = true;
  for (Peer* peer : world().peers()) {
    if (peer != &constant) peer->join();
  }
  constant.stop();
  EXPECT_EQ(witness.out_of_order, 0u);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const std::uint64_t blocks = sent[i] - (sent[i] + 2) / 3;
    EXPECT_EQ((witness.events[{"sender " + std::to_string(i), "block"}]), blocks) << "nobody's going loses an event";
  }
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Load, SendersComeAndGoWhileAReaderReads) {
  make_world({.topics = one_topic_per_policy(8)});
  Seen seen;
  Peer& reader = add("reader", {"block"});
  reader.start(note_into(seen));
  constexpr std::uint64_t per_sender = 30;
  for (int round = 0; round < 60; ++round) {
    const std::string name = "sender " + std::to_string(round);
    Peer& sender = add(name, {});
    sender.start([sent = std::uint64_t{0}](Peer& peer) mutable {
      if (sent == per_sender) return Turn::Finished;
      peer.send_number("block", sent++);
      return Turn::Worked;
    });
    sender.join();
    world().remove(sender);  // what it has sent stays
  }
  reader.stop();
  EXPECT_EQ(seen.out_of_order, 0u);
  EXPECT_EQ(seen.events.size(), 60u);
  for (const auto& [key, count] : seen.events) EXPECT_EQ(count, per_sender) << key.first;
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Load, PeersMayLeaveInAnyOrderAndTheWorldWithThem) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 20; ++round) {
    make_world();
    for (int i = 0; i < 5; ++i) add("peer " + std::to_string(i), {"block", "drop", "drop-oldest"});
    std::vector<Peer*> peers = world().peers();
    for (int i = 0; i < 100; ++i) {
      Peer& peer = *peers[random() % peers.size()];
      if (!peer.port().has_staged()) peer.send_number(random() % 2 ? "block" : "drop-oldest", 1);
      Receipt receipt;
      if (random() % 3 == 0) peer.receive(receipt);
      if (random() % 9 == 0) peers[random() % peers.size()]->port().push_staged();
    }
    std::shuffle(peers.begin(), peers.end(), random);
    const std::size_t leaving = random() % (peers.size() + 1);
    for (std::size_t i = 0; i < leaving; ++i) world().remove(*peers[i]);
    if (leaving == peers.size()) {
      EXPECT_EQ(queued(), 0u);
    }
    destroy_world();
  }
}

}  // namespace actor::conformance
