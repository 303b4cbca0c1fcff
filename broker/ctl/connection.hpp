#pragma once
// actorctl's connection to a broker: requests and their answers. One thread.

#include <control/channel.hpp>
#include <optional>
#include <stdexcept>
#include <string>

namespace actor::ctl {

/// There is no broker to talk to, or none that understands: exit code 3.
struct NoBroker : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Connection {
 public:
  /// For those who ask again and again: should the broker hang up, its brain may just have been replaced. Then the
  /// request is made once more, so it must be one that only looks.
  enum class HangUp : bool { IsTheEnd, IsTriedAgain };

  /// `broker` as --broker has it; empty: the only one that this user runs. Throws NoBroker.
  explicit Connection(const std::string& broker, HangUp hang_up = HangUp::IsTheEnd);

  /// The JSON of the broker's answer; nothing when `interrupt` became readable first. Throws NoBroker when the broker
  /// goes away or is of another version.
  std::optional<std::string> ask(const std::string& request, int interrupt = -1);

 private:
  void connect();
  bool wait(int interrupt);
  std::optional<std::string> ask_once(const std::string& request, int interrupt);

  const std::string broker_;
  const HangUp hang_up_;
  bool interrupted_ = false;
  std::string path_;
  control::Channel channel_;
};

/// One request over a connection of its own. Throws NoBroker.
std::string ask(const std::string& broker, const std::string& request);

}  // namespace actor::ctl
