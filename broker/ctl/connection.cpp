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

}  // namespace

Connection::Connection(const std::string& broker, HangUp hang_up) : broker_(broker), hang_up_(hang_up), channel_(Fd()) {
  connect();
}

void Connection::connect() {
  try {
    path_ = control::find_broker(broker_, control::Asker::Tool);
    channel_ = control::Channel(control::connect_to(path_));
  } catch (const Error& error) {  // to the user it is all the same: there is none to talk to
    throw NoBroker(error.what());
  }
}

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
  auto answer = ask_once(request, interrupt);
  if (!answer && !interrupted_ && hang_up_ == HangUp::IsTriedAgain) {
    connect();
    answer = ask_once(request, interrupt);
  }
  if (!answer && !interrupted_)
    throw NoBroker("the broker at " + path_ + " hung up without an answer; it has probably ended");
  return answer;
}

/// Nothing when it hung up, or when the asker was interrupted.
std::optional<std::string> Connection::ask_once(const std::string& request, int interrupt) {
  bool alive = channel_.send<control::ToBroker>(control::Request{request});
  std::string json;
  control::Packet packet;
  while (alive) {
    interrupted_ = !wait(interrupt);
    if (interrupted_) return std::nullopt;
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
  return std::nullopt;
}

std::string ask(const std::string& broker, const std::string& request) {
  return *Connection(broker).ask(request);
}

}  // namespace actor::ctl
