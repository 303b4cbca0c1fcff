#pragma once
// The tools that observe this actor: each has a socket through which it is told every hook of the actor's monitors, and
// may send in the actor's name. Owned by the Process, the actor's thread. Nothing here waits for a tool, and nothing
// that a tool sends does more than end its observation.

#include <actor/epoll_loop.hpp>
#include <actor/event.hpp>
#include <actor/host.hpp>
#include <control/fd.hpp>
#include <control/messages.hpp>
#include <map>
#include <memory>
#include <optional>
#include <span>

namespace actor {

class Observer;

class Observers {
 public:
  /// All outlive it. Until the first add() nothing is watched.
  Observers(Host& host, std::span<const EventType* const> types, EpollLoop& loop);
  ~Observers();
  Observers(const Observers&) = delete;
  Observers& operator=(const Observers&) = delete;

  Monitors& monitors() { return monitors_; }
  void add(control::Observe wishes, Fd socket);
  /// The actor has started: from now on events are sent in its name.
  void start();
  /// The actor has ended: what the tools have not taken yet gets a last chance.
  void finish();

 private:
  struct Member {
    std::shared_ptr<Observer> observer;
    std::optional<MonitorHandle> handle;
    WatchId watch = 0;
    Loop::Interest watching = Loop::Interest::Read;
  };
  void serve(std::uint64_t number);
  void watch(std::uint64_t number, Member& member);

  Host& host_;
  std::span<const EventType* const> types_;
  EpollLoop& loop_;
  Monitors monitors_;
  std::map<std::uint64_t, Member> members_;
  std::uint64_t next_number_ = 1;
  bool started_ = false;
};

}  // namespace actor
