#include "ctl/connection.hpp"

#include <poll.h>

#include <actor/error.hpp>
#include <array>
#include <cerrno>
#include <control/runtime_path.hpp>
#include <cstdio>

namespace actor::ctl {
namespace {

/// After so long without an answer the user is told what is being waited for.
constexpr int patience_ms = 5000;

/// What libactor throws on the way to a broker is the same to the user: there is none to talk to.
template <class Function>
auto reaching_it(Function&& function) {
  try {
    return function();
  } catch (const Error& error) {
    throw NoBroker(error.what());
  }
}

}  // namespace

Connection::Connection(const std::string& broker)
    : path_(reaching_it([&] { return control::find_broker(broker); })),
      channel_(reaching_it([&] { return control::connect_to(path_); })) {}

/// False: `interrupt` is readable.
bool Connection::wait(int interrupt) {
  bool told = false;
  for (;;) {
    const auto events = static_cast<short>(channel_.has_queued() ? POLLIN | POLLOUT : POLLIN);
    std::array<pollfd, 2> polled{pollfd{channel_.fd(), events, 0}, pollfd{interrupt, POLLIN, 0}};
    const int ready = ::poll(polled.data(), polled.size(), told || interrupt >= 0 ? -1 : patience_ms);
    if (ready > 0) return polled[0].revents != 0 || polled[1].revents == 0;
    if (ready < 0 && errno != EINTR) throw_errno("waiting for the broker (poll)");
    if (ready == 0) {
      std::fprintf(stderr, "actorctl: the broker at %s has not answered yet; is it stopped, or very busy?\n",
                   path_.c_str());
      told = true;
    }
  }
}

std::optional<std::string> Connection::ask(const std::string& request, int interrupt) {
  bool alive = channel_.send<control::ToBroker>(control::Request{request});
  std::string json;
  control::Packet packet;
  while (alive) {
    if (!wait(interrupt)) return std::nullopt;
    alive = channel_.flush();
    const control::ReceiveResult received = channel_.receive(packet);
    if (received == control::ReceiveResult::Nothing) continue;
    if (received == control::ReceiveResult::Closed) break;
    std::string error;
    const auto message = control::decode_to_actor(packet, error);
    if (!message) throw NoBroker("cannot read the broker's answer: " + error);
    if (const auto* reply = std::get_if<control::Reply>(&*message)) {
      json += reply->json;
      if (!reply->more) return json;
    } else if (const auto* refusal = std::get_if<control::Refused>(&*message)) {
      throw NoBroker("the broker refuses this actorctl: " + refusal->reason);
    }
  }
  throw NoBroker("the broker at " + path_ + " hung up without an answer; it has probably ended");
}

std::string ask(const std::string& broker, const std::string& request) {
  return *Connection(broker).ask(request);
}

}  // namespace actor::ctl
