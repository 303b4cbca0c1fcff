#include "ctl/watch.hpp"

#include <poll.h>

#include <actor/error.hpp>
#include <algorithm>
#include <cerrno>
#include <control/runtime_path.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "ctl/connection.hpp"
#include "ctl/field.hpp"

namespace actor::ctl {
namespace {

/// Packets read from one socket before the others get their turn.
constexpr int packets_per_turn = 1000;

std::int64_t time_of(const control::ToTool& message) {
  return std::visit([](const auto& held) { return held.at_ns; }, message);
}

std::string request_of(const WatchWishes& wishes) {
  Json request = {{"command", "observe"}, {"topics", wishes.topics}, {"actors", wishes.actors}};
  request["seen"] = Json::array();
  const auto add = [&](control::SeenAs as, const char* name) {
    if (wishes.seen.contains(as)) request["seen"].push_back(name);
  };
  add(control::SeenAs::Dispatched, "dispatched");
  add(control::SeenAs::Delivered, "delivered");
  add(control::SeenAs::Handled, "handled");
  add(control::SeenAs::Overflow, "overflow");
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

ActorWatch::ActorWatch(std::string broker, const WatchWishes& wishes)
    : broker_(std::move(broker)), request_(request_of(wishes)), channel_(Fd()) {
  begin();
}

void ActorWatch::begin() {
  try {
    path_ = control::find_broker(broker_, control::Asker::Tool);
    channel_ = control::Channel(control::connect_to(path_));
    channel_.send<control::ToBroker>(control::Request{request_});
  } catch (const Error& error) {
    throw NoBroker(error.what());
  }
  lives_.clear();
  reply_.clear();
  agreed_ = false;
  while (!agreed_) {
    pollfd polled{channel_.fd(), POLLIN, 0};
    if (::poll(&polled, 1, -1) < 0 && errno != EINTR) throw_errno("waiting for the broker (poll)");
    if (!read_broker()) throw NoBroker("the broker at " + path_ + " hung up; it has probably ended");
  }
}

/// False when it hung up.
bool ActorWatch::read_broker() {
  control::Packet packet;
  channel_.flush();
  for (;;) {
    const auto received = channel_.receive(packet);
    if (received == control::ReceiveResult::Nothing) return true;
    if (received == control::ReceiveResult::Closed) return false;
    std::string error;
    auto message = control::decode_to_actor(packet, error);
    if (!message) throw NoBroker("cannot read what the broker says: " + error);
    on_broker(*message, packet.fds);
  }
}

void ActorWatch::on_broker(control::ToActor& message, std::vector<Fd>& fds) {
  if (const auto* reply = std::get_if<control::Reply>(&message)) {
    reply_ += reply->json;
    if (reply->more) return;
    (void)parse_answer(std::exchange(reply_, {}));
    agreed_ = true;
  } else if (const auto* refused = std::get_if<control::Refused>(&message)) {
    throw NoBroker("the broker refuses this actorctl: " + refused->reason);
  } else if (const auto* observed = std::get_if<control::Observed>(&message)) {
    lives_.push_back({observed->name, control::Channel(std::move(fds.at(0))), false});
  }
}

/// False when the time is over.
bool ActorWatch::poll_all(int timeout_ms) {
  std::vector<pollfd> polled{{channel_.fd(), POLLIN, 0}};
  for (const Life& life : lives_)
    polled.push_back({life.channel.fd(), static_cast<short>(life.channel.has_queued() ? POLLIN | POLLOUT : POLLIN), 0});
  const int ready = ::poll(polled.data(), polled.size(), timeout_ms);
  if (ready < 0 && errno != EINTR) throw_errno("waiting for actors (poll)");
  return ready != 0;
}

std::vector<ActorWatch::News> ActorWatch::wait(int timeout_ms) {
  for (;;) {
    if (!poll_all(timeout_ms)) return {};
    const bool connected = read_broker();
    std::vector<News> news;
    for (Life& life : lives_) read_life(life, news);
    const bool ended = std::erase_if(lives_, [](const Life& life) { return life.over; }) != 0;
    std::stable_sort(news.begin(), news.end(),
                     [](const News& a, const News& b) { return time_of(a.what) < time_of(b.what); });
    if (!connected) {
      begin();
      std::fprintf(stderr, "actorctl: the broker's brain is another one now; events of this moment may be missing\n");
    }
    if (!news.empty() || ended) return news;
  }
}

void ActorWatch::read_life(Life& life, std::vector<News>& news) {
  life.channel.flush();
  control::Packet packet;
  for (int i = 0; i < packets_per_turn; ++i) {
    const auto received = life.channel.receive(packet);
    if (received == control::ReceiveResult::Nothing) return;
    std::string error;
    std::optional<control::ToTool> message;
    if (received == control::ReceiveResult::Packet) {
      message = control::decode_to_tool(packet, error);
      if (!message)
        std::fprintf(stderr, "actorctl: %s says what cannot be read: %s\n", life.actor.c_str(), error.c_str());
    }
    if (!message) {
      life.over = true;
      return;
    }
    news.push_back({life.actor, std::move(*message)});
  }
}

void ActorWatch::send_as(const std::string& actor, const control::SendAs& message) {
  const auto found =
      std::find_if(lives_.rbegin(), lives_.rend(), [&](const Life& life) { return life.actor == actor; });
  if (found == lives_.rend()) throw Refusal("'" + actor + "' does not run now: nothing can be sent in its name");
  try {
    found->channel.send<control::ToObserved>(message);
  } catch (const Error& error) {
    throw Refusal("sending as " + actor + ": " + error.what());
  }
}

bool ActorWatch::runs(const std::string& actor) const {
  return std::any_of(lives_.begin(), lives_.end(), [&](const Life& life) { return life.actor == actor; });
}

}  // namespace actor::ctl
