// actorctl: one request to a running broker, and its answer.

#include <poll.h>

#include <actor/error.hpp>
#include <cerrno>
#include <control/channel.hpp>
#include <control/runtime_path.hpp>
#include <cstdio>
#include <exception>

#include "ctl/command.hpp"
#include "ctl/reply.hpp"

namespace actor::ctl {
namespace {

constexpr int refused = 1;
constexpr int no_broker = 3;

void wait_for(const control::Channel& channel) {
  pollfd polled{channel.fd(), static_cast<short>(channel.has_queued() ? POLLIN | POLLOUT : POLLIN), 0};
  while (::poll(&polled, 1, -1) < 0 && errno == EINTR) {
  }
}

/// The JSON of the broker's Reply. Throws Error(Io) when the broker goes away, Error(Incompatible) when it is of
/// another version.
std::string ask(const std::string& path, const std::string& request) {
  control::Channel channel(control::connect_to(path));
  bool alive = channel.send<control::ToBroker>(control::Request{request});
  control::Packet packet;
  while (alive) {
    wait_for(channel);
    alive = channel.flush();
    const control::ReceiveResult received = channel.receive(packet);
    if (received == control::ReceiveResult::Nothing) continue;
    if (received == control::ReceiveResult::Closed) break;
    std::string error;
    const auto message = control::decode_to_actor(packet, error);
    if (!message) throw Error(ErrorCode::Incompatible, "cannot read the broker's answer: " + error);
    if (const auto* reply = std::get_if<control::Reply>(&*message)) return reply->json;
    if (const auto* refusal = std::get_if<control::Refused>(&*message)) {
      throw Error(ErrorCode::Incompatible, "the broker refuses this actorctl: " + refusal->reason);
    }
  }
  throw Error(ErrorCode::Io, "the broker at " + path + " hung up without an answer; it has probably ended");
}

int run(const Command& command) {
  std::string json;
  try {
    json = ask(control::find_broker(command.broker), command.request());
  } catch (const Error& error) {
    std::fprintf(stderr, "actorctl: %s\n", error.what());
    return no_broker;
  }
  const Answer answer = read_reply(command.verb, json);
  if (command.json) {
    std::printf("%s\n", json.c_str());
  } else {
    std::fputs(answer.text.c_str(), stdout);
  }
  if (answer.ok) return 0;
  std::fprintf(stderr, "actorctl: %s\n", answer.error.c_str());
  return refused;
}

}  // namespace
}  // namespace actor::ctl

int main(int argc, char** argv) {
  try {
    int exit_code = 0;
    const auto command = actor::ctl::parse_command(argc, argv, exit_code);
    return command ? actor::ctl::run(*command) : exit_code;
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "actorctl: %s\n", exception.what());
    return 1;
  }
}
