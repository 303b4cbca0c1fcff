#pragma once
// A process that several actors share: each on a thread of its own, with a connection of its own to the broker, so that
// for everybody but the process itself they are as apart as in processes of their own. The broker says which actors to
// run, and hears of each that ends. Owned by run_process(), the main thread.

#include <actor/epoll_loop.hpp>
#include <actor/run.hpp>
#include <control/channel.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <process/options.hpp>
#include <string>
#include <thread>
#include <vector>

namespace actor {

/// The class that is asked for; "": the only one. REQUIRES: there is one.
const ActorClass& find_class(const std::vector<ActorClass>& classes, std::string_view label);
std::vector<std::string> labels_of(const std::vector<ActorClass>& classes);

class SharedProcess {
 public:
  /// `classes`: what the program holds; outlives this. `program`: for messages.
  SharedProcess(const std::vector<ActorClass>& classes, std::string program, Fd control);
  ~SharedProcess();

  /// Until the broker says Stop, or is gone, and all actors have ended. The exit code for main(). Throws Error when the
  /// broker talks nonsense.
  int run();

 private:
  struct Member {
    std::string name;
    std::uint32_t incarnation = 0;
    Fd stop_bell;
    std::thread thread;
  };
  struct Ended {
    std::uint64_t member = 0;
    int exit_code = 0;
  };

  bool may_end() const;
  Loop::Clock::time_point wakes_at() const;
  void read_commands();
  control::ReceiveResult receive(control::Packet& packet, bool& lacks_descriptors);
  void run_actor(control::RunActor order, Fd control);
  std::optional<ProcessOptions> options_of(control::RunActor& order) const;
  int live(const ProcessOptions& options, std::uint32_t incarnation, Fd control, Fd stop_signals) const;
  void on_signal();
  void stop_all();
  void report_ended();
  void report(const std::string& name, std::uint32_t incarnation, int exit_code);

  const std::vector<ActorClass>& classes_;
  std::string program_;
  Fd signals_;
  EpollLoop loop_;
  LoopWaker waker_{loop_};
  control::Channel channel_;
  Fd reserve_;  // given up for a moment when there are no others
  bool stop_ = false;
  bool leaves_ = false;  // SIGTERM has come
  Loop::Clock::time_point leaves_at_{};
  bool broker_gone_ = false;
  std::map<std::uint64_t, Member> members_;
  std::uint64_t next_member_ = 1;

  std::mutex mutex_;          // guards:
  std::vector<Ended> ended_;  // said by their threads, not yet to the broker
};

}  // namespace actor
