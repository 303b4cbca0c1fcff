#pragma once
// The keeper's insides. Internal to keeper*.cpp: keeper.cpp (its life, that of the brain, and the end of both) and
// keeper_requests.cpp (what it and the brain say to each other). One thread.

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <control/fd.hpp>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "keeper/brain_watch.hpp"
#include "keeper/child.hpp"
#include "keeper/grave.hpp"
#include "keeper/keeper.hpp"
#include "keeper/pulse.hpp"
#include "keeper/wire.hpp"

namespace actor::broker {

/// A line on stderr, or none: never waits for room there, as a terminal that was stopped with Ctrl-S has none, and
/// there is more to do than to talk.
[[gnu::format(printf, 1, 2)]] void say(const char* format, ...);

class Keeper {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Keeper(const KeeperOptions& options)
      : options_(options),
        stop_timeout_(options.stop_timeout),
        pulse_(BrainWatch::patience(options.brain_watchdog)),
        watch_(options.brain_watchdog) {}

  int run(const std::function<int(Fd, Pulse&)>& brain);

 private:
  /// One life of an actor, kept until the brain has acknowledged its end.
  struct Child {
    enum class State { Starting, Running, Failed, Exited };
    State state = State::Starting;
    pid_t pid = -1;  // -1: never was, or Failed and reaped
    Fd pidfd;
    Fd control;
    Fd out;
    Fd err;
    Fd exec_result;
    StartFailure failure;
    int status = 0;
    bool start_told = false;
    bool end_told = false;

    bool is_alive() const { return state == State::Starting || state == State::Running; }
    void leave_to(Grave& grave);
  };

  void set_up();
  void start_brain(const std::function<int(Fd, Pulse&)>& brain);
  bool may_have_another_brain();
  void turn();
  int patience_ms() const;
  void suspect_brain();
  void look_at_brain();
  void take_signals();
  void shutdown_requested(int signal);
  void look_for_a_stop();
  void reap();
  void ended(Child& child, int status);
  void take_exec_result_of(Child& child);
  void take_requests();
  void bury_what_is_over();
  void complain(const char* what);
  void refuse(const KeeperRequest& request);
  void obey(const KeeperRequest& request, std::vector<Fd>& fds);
  void spawn(const KeeperRequest& request, const std::vector<Fd>& fds);
  void tell_brain();
  bool tell(const KeeperNotice& notice, std::span<const int> fds = {});
  bool tell_start(std::uint64_t serial, Child& child);
  int brain_verdict() const;
  void end_children();
  void signal_children(int signal);
  bool any_alive() const;
  Child* find_pid(pid_t pid);

  const KeeperOptions& options_;
  std::chrono::nanoseconds stop_timeout_;
  rlimit childrens_files_ = {};
  sigset_t original_mask_ = {};
  Fd signals_;
  Fd brain_;
  pid_t brain_pid_ = -1;
  std::optional<int> brain_status_;
  Pulse pulse_;
  BrainWatch watch_;
  bool is_hung_ = false;  // the brain was killed for that
  bool brain_full_ = false;
  bool complained_ = false;
  std::map<std::uint64_t, Child> children_;
  Grave grave_;
  struct Stored {
    Fd fd;
    bool told = false;
  };
  std::map<std::uint64_t, Stored> stored_;
  bool handed_over_ = false;  // this brain has been told everything that there was when it began
  std::optional<Clock::time_point> brain_running_;
  int brains_in_vain_ = 0;  // that died, one after the other, too soon
  bool lost_patience_ = false;
  std::vector<int> shutdowns_;  // the signals that have come
  std::size_t shutdowns_told_ = 0;
  int shutdown_count_ = 0;
  Clock::time_point last_shutdown_{};
};

}  // namespace actor::broker
