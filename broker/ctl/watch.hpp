#pragma once
// A tool's ear at the actors of a broker: it asks the broker to observe, and hears on a socket for each actor's life
// what that actor does; and its mouth: an actor sends what it is asked to. The actors never wait for it. When the
// broker's brain has died and another has taken over, it asks again. One thread.

#include <control/channel.hpp>
#include <cstdint>
#include <deque>
#include <list>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace actor::ctl {

/// What is to be seen, of whom.
struct WatchWishes {
  std::vector<std::string> topics;      ///< empty: all
  std::vector<std::string> actors;      ///< empty: all
  std::set<control::SeenAs> seen = {};  ///< empty: nothing
};

class ActorWatch {
 public:
  struct News {
    std::string actor;
    control::ToTool what;
  };

  /// Returns when the broker has agreed. Throws NoBroker, and Refusal when it says no.
  ActorWatch(std::string broker, const WatchWishes& wishes);

  /// Waits until something was heard, and returns it in the order in which it happened as far as that is known; nothing
  /// when a life has ended, or the time is over. Throws NoBroker when the broker has ended.
  std::vector<News> wait(int timeout_ms = -1);
  /// Asks a life of the actor, answered by Sent or NotSent. Throws Refusal when it has none now.
  void send_as(const std::string& actor, const control::SendAs& message);
  /// Does a life of it run, as far as was heard?
  bool runs(const std::string& actor) const;

 private:
  struct Life {
    std::string actor;
    control::Channel channel;
    bool over = false;
  };

  void begin();
  bool poll_all(int timeout_ms);
  bool read_broker();
  void on_broker(control::ToActor& message, std::vector<Fd>& fds);
  void read_life(Life& life, std::vector<News>& news);

  std::string broker_;
  std::string path_;
  std::string request_;
  control::Channel channel_;
  std::list<Life> lives_;
  std::string reply_;
  bool agreed_ = false;
};

}  // namespace actor::ctl
