// The actors that torture kills: sources of numbered events, sinks, and a relay between them. What they do is written
// to the account right after it is done.

#include <unistd.h>

#include <actor/run.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fault/torture.hpp"

namespace torture {
namespace {

Account* account = nullptr;

/// A life of an actor begins: before its name is known to be its own, or, in a process with others, in on_start().
void begins(unsigned actor) {
  ActorAccount& mine = account->actor[actor];
  const auto pid = static_cast<std::uint64_t>(getpid());
  if (mine.pid.load() == pid) return;
  mine.first_ns.store(0);
  mine.pid.store(pid);
}

void did_something(ActorAccount& mine) {
  if (mine.first_ns.load(std::memory_order_relaxed) == 0)
    mine.first_ns.store(static_cast<std::uint64_t>(monotonic_ns()));
}

std::uint64_t last_digit(std::string_view name) {
  return static_cast<std::uint64_t>(name.back() - '0');
}

/// Writes down that `number` was handled, and whether that could be.
void note(Stream& stream, std::uint64_t number, bool marked, bool sent_again) {
  const std::uint64_t last = stream.last.load(std::memory_order_relaxed);
  if (number > last + 1) account->misordered.fetch_add(1);
  const std::uint8_t before = stream.times[number].load(std::memory_order_relaxed);
  if (before != 0 && !marked && !sent_again) account->unmarked.fetch_add(1);
  stream.times[number].store(static_cast<std::uint8_t>(before + 1), std::memory_order_relaxed);
  if (number > last) stream.last.store(number, std::memory_order_relaxed);
  stream.handled.store(stream.handled.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

/// What a retried handler sends again has the id that it had the first time.
void note_id(Ids& ids, std::uint64_t number, std::uint64_t id, bool marked, bool sent_again) {
  const std::uint32_t before = ids[number].load(std::memory_order_relaxed);
  const auto now = static_cast<std::uint32_t>(id);
  if (before == 0)
    ids[number].store(now, std::memory_order_relaxed);
  else if (marked && !sent_again && before != now)
    account->renumbered.fetch_add(1);
}

}  // namespace

class Source : public actor::Actor<Events> {
 public:
  void on_start() override {
    number_ = last_digit(ctx().actor_name());
    begins(static_cast<unsigned>(number_));
    random_ = actor::fault::mix(static_cast<std::uint64_t>(getpid()));
  }

  actor::StepAction step() override {
    SourceAccount& mine = account->source[number_];
    did_something(account->actor[number_]);
    // A step comes when nothing is staged: what this process sent in the last one is committed.
    if (sent_) mine.done.store(mine.intent.load());
    const std::uint64_t done = mine.done.load();
    if (!sent_) {
      // The last incarnation may have sent these or not, and so may those before it that came no further.
      for (std::uint64_t n = done + 1; n <= mine.intent.load(); ++n) mine.again[n].fetch_add(1);
    } else if (account->stop.load() != 0 || done + 16 >= max_events) {
      return actor::StepAction::Backoff(std::chrono::milliseconds(20));
    } else {
      mine.intent.store(done + 1 + next() % 8);
    }
    sent_ = true;
    for (std::uint64_t n = done + 1; n <= mine.intent.load(); ++n) send(n);
    return actor::StepAction::Continue();
  }

 private:
  std::uint64_t next() { return random_ = actor::fault::mix(random_ + 0x9e3779b97f4a7c15u); }

  /// The size follows from the number.
  void send(std::uint64_t n) {
    const std::uint64_t size = check_of(number_, n) % 64;
    if (size == 0)
      ctx().send(make_event<Huge>(number_, n, 12'800));
    else if (size < 6)
      ctx().send(make_event<Large>(number_, n));
    else if (size < 24)
      ctx().send(make_event<Small>(number_, n));
    else
      ctx().send(make_event<Tiny>(number_, n));
  }

  std::uint64_t number_ = 0;
  std::uint64_t random_ = 0;
  bool sent_ = false;  // by this incarnation
};

class Sink : public actor::Actor<Events> {
 public:
  void on_start() override {
    number_ = last_digit(ctx().actor_name());
    begins(static_cast<unsigned>(sources + number_));
  }

  void handle_event(const actor::Envelope<Events>& envelope) override {
    did_something(account->actor[sources + number_]);
    const actor::Meta meta = envelope.meta();
    envelope.visit([&]<class T>(const T& event) {
      if (!is_whole(event)) {
        account->corrupted.fetch_add(1);
        return;
      }
      const bool again = account->source[event.source].again[event.number].load() != 0;
      const bool marked = meta.redelivered || meta.maybe_duplicate;
      if constexpr (std::is_same_v<T, Relayed>) {
        note_id(account->relayed_ids[number_][event.source], event.number, meta.id.counter, meta.maybe_duplicate,
                again);
        note(account->relayed[number_][event.source], event.number, marked, again);
      } else {
        note(account->direct[number_][event.source], event.number, marked, again);
      }
    });
  }

 private:
  std::uint64_t number_ = 0;
};

class Relay : public actor::Actor<Events> {
 public:
  void on_start() override { begins(sources + relay); }

  void handle_event(const actor::Envelope<Events>& envelope) override {
    did_something(account->actor[sources + relay]);
    const bool marked = envelope.redelivered();
    const actor::EventId id = envelope.id();
    envelope.visit([&]<class T>(const T& event) {
      if (!is_whole(event)) {
        account->corrupted.fetch_add(1);
        return;
      }
      const bool again = account->source[event.source].again[event.number].load() != 0;
      note(account->direct[relay][event.source], event.number, marked, again);
      ctx().send_child_event(make_event<Relayed>(event.source, event.number, event.check % 12), id);
    });
  }
};

}  // namespace torture

int main(int argc, char** argv) {
  using namespace torture;
  account = map_account(std::getenv(account_variable));
  if (account == nullptr) {
    std::fprintf(stderr, "torture_actor: %s does not name the account: this is started by torture\n", account_variable);
    return 78;
  }
  const char* name = std::getenv("ACTOR_NAME");
  for (unsigned i = 0; name != nullptr && i < actors; ++i) {
    if (std::strcmp(name, actor_names[i]) == 0) begins(i);
  }
  return actor::run<Source, Sink, Relay>(argc, argv);
}
