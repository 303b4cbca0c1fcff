#pragma once
// Watches what actors print to and the broker's own stdout that their lines go to. Owned by the brain.

#include <actor/epoll_loop.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "output.hpp"

namespace actor::broker {

/// Told by ActorOutputs.
class OutputHandler {
 public:
  virtual ~OutputHandler() = default;
  /// The process has sent a descriptor where it should print.
  virtual void sent_descriptor(pid_t pid) = 0;
  /// It is not read any more: to be closed, as that of a session is.
  virtual void let_go(Fd output) = 0;
};

class ActorOutputs {
 public:
  ActorOutputs(EpollLoop& loop, LogFormat format, KeptLines& kept, OutputHandler& handler);
  ~ActorOutputs();
  ActorOutputs(const ActorOutputs&) = delete;
  ActorOutputs& operator=(const ActorOutputs&) = delete;

  /// A new process. Takes the reading ends of its output.
  void add(const std::string& actor, pid_t pid, Fd out, Fd err);
  /// The process has ended: prints the rest of what it said.
  void finish(pid_t pid);
  /// What a process that goes on has printed until now.
  void look(pid_t pid);
  /// Before the broker exits: gives a slow reader of stdout a moment.
  void finish_all();
  /// What the actors printed last.
  const KeptLines& kept() const { return output_.kept(); }
  void forget(const std::string& actor) { output_.forget(actor); }

 private:
  struct Pipe {
    OutputPipe pipe;
    WatchId watch;
  };
  void add_pipe(const std::string& actor, pid_t pid, OutputStream stream, Fd fd);
  void readable(std::uint64_t id);
  void drop(std::map<std::uint64_t, Pipe>::iterator found);
  void watch_sink();

  EpollLoop& loop_;
  OutputHandler& handler_;
  Output output_;
  WatchId sink_watch_ = 0;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Pipe> pipes_;
  std::multimap<pid_t, std::uint64_t> by_pid_;
};

}  // namespace actor::broker
