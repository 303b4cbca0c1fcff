#pragma once
// One actor beside others that are somewhere else: the conversation with the broker around a Runner. Owned by
// run_process(), or by the SharedProcess that it is in; one thread.

#include <actor/run.hpp>
#include <control/channel.hpp>
#include <core/runner.hpp>
#include <memory>
#include <process/link.hpp>
#include <process/observers.hpp>
#include <process/options.hpp>

namespace actor {

class Process {
 public:
  /// The exit code of a program that the broker refused: restarting it would change nothing.
  static constexpr int refused_exit = 78;

  /// `control`: the connection to the broker. `stop_signals`: readable when the actor shall stop (a signalfd or an
  /// eventfd, non-blocking). What else the broker has to know, `options` say; `actor_class` outlives this.
  Process(const ActorClass& actor_class, const ProcessOptions& options, Fd control, Fd stop_signals);
  ~Process();

  /// The whole life; the exit code for main(). Throws Error when the broker talks nonsense.
  int run();

 private:
  void say_hello();
  /// Handles what the broker has sent. Called whenever the socket is readable or the command epoch has risen.
  void read_commands();
  void receive_commands();
  void on_message(control::ToActor& message, std::vector<Fd>& fds);
  void on_broker_gone();
  bool connect_again();
  void on_signal();
  void watch_channel();
  void start_actor(const control::Welcome& welcome);
  void observe(const control::Observe& wishes, Fd socket);
  void stop();
  int finish();

  ProcessOptions options_;
  const ActorClass& class_;
  std::unique_ptr<ActorBase> actor_;
  EpollLoop loop_;
  LoopWaker waker_{loop_};
  Fd signals_;
  control::Channel channel_;
  std::unique_ptr<ProcessLink> link_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<Observers> observers_;  // none until a tool observes; outlives the runner, whose end may be seen
  std::unique_ptr<Runner> runner_;
  RunnerOptions runner_options_;
  std::uint64_t seen_epoch_ = 0;
  WatchId channel_watch_ = 0;
  bool watching_writes_ = false;
  std::string runtime_directory_;
  bool start_ = false;
  bool stop_ = false;
  bool broker_gone_ = false;
  unsigned connections_ = 1;
  bool reading_ = false;
  int exit_code_ = 0;
};

}  // namespace actor
