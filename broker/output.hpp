#pragma once
// What actors print, line by line, on the broker's own stdout: `cpu[4711] | text`, stderr as `cpu[4711] ! text`, or one
// JSON object a line. Owned by the brain, one thread. Never waits: when stdout is slow, lines are queued up to a bound
// and then dropped and counted; when it is closed, they are dropped.

#include <sys/types.h>

#include <chrono>
#include <control/fd.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "kept_lines.hpp"
#include "manifest/manifest.hpp"

namespace actor::broker {

class Output {
 public:
  static constexpr std::size_t max_line_bytes = 4096;  ///< longer lines are cut into several
  static constexpr std::size_t max_queued_bytes = std::size_t{256} * 1024;

  /// Writes to `fd` (1, as a rule), which stays the caller's and keeps its flags. The last lines go to `kept`, too.
  Output(int fd, LogFormat format, KeptLines& kept);

  /// One line of an actor, without its newline. Queued; flush() writes.
  void add_line(const std::string& actor, pid_t pid, OutputStream stream, std::string_view line);
  /// A line of the broker's own. Written at once, when possible.
  void note(std::string_view text);

  /// Writes what can be written now.
  void flush();
  /// Watch fd() for writing while this holds, and call flush().
  bool has_queued() const { return !queue_.empty(); }
  int fd() const { return own_fd_ ? own_fd_.get() : fd_; }
  /// The last flush: waits for a slow reader, but no longer than `patience`.
  void finish(std::chrono::milliseconds patience);

  std::uint64_t dropped_lines() const { return dropped_; }
  /// What the actors printed last.
  const KeptLines& kept() const { return kept_; }
  /// The actor is no more: its lines are not kept any longer.
  void forget(const std::string& actor) { kept_.forget(actor); }

 private:
  enum class Sink { File, Socket, NonBlocking, Polled };

  std::string format_line(const std::string& actor, pid_t pid, std::string_view stream, std::string_view line) const;
  void enqueue(std::string line);
  ssize_t write_some(std::string_view text) const;
  void drop_queue();

  int fd_;
  Fd own_fd_;  // the same file with flags of our own
  Sink sink_ = Sink::File;
  LogFormat format_;
  std::string queue_;  // whole lines, but for the first, which may be half written
  bool closed_ = false;
  std::uint64_t dropped_ = 0;
  std::uint64_t dropped_unsaid_ = 0;
  KeptLines& kept_;
};

/// What an actor prints to: one of its two sockets (keeper/child.cpp says why).
class OutputPipe {
 public:
  /// `fd`: the reading end, non-blocking. `output` outlives this.
  OutputPipe(Output& output, std::string actor, pid_t pid, OutputStream stream, Fd fd);

  int fd() const { return fd_.get(); }
  Fd take_fd() { return std::move(fd_); }
  enum class Read {
    Some,
    End,        ///< nobody can print to it any more: the caller stops watching it
    Descriptor  ///< a descriptor came along, which must stay where it is: nothing more can be read
  };
  /// Takes what has been printed, at most 64 KiB so that others get their turn.
  Read read_some();
  /// Takes all that is there, and the last line even without a newline: for a process that has ended.
  void finish();

 private:
  void take(std::string_view bytes);
  void end_line();

  Output& output_;
  std::string actor_;
  pid_t pid_;
  OutputStream stream_;
  Fd fd_;
  std::string line_;  // begun, not ended
};

}  // namespace actor::broker
