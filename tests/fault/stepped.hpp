#pragma once
// A child process that does one operation between two marks, single-stepped by ptrace and killed at any instruction of
// it. Made by fork(): what the child maps of its own must be made there, and its parent's segments are not mapped in it
// (MADV_DONTFORK). Used by one thread, which is the tracer.

#include <sys/types.h>

#include <atomic>
#include <control/fd.hpp>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace actor::fault {

/// Shared with the child.
struct Marks {
  std::atomic<std::uint32_t> begun;
  std::atomic<std::uint32_t> finished;
  std::atomic<std::uint32_t> effects[256];  // what handlers did, by value
};

/// What the two sides say to each other: a letter, a number, descriptors.
struct Note {
  char kind = 0;
  std::uint64_t number = 0;
  std::vector<Fd> fds;
};
void send_note(int socket, char kind, std::uint64_t number = 0, std::span<const int> fds = {});
/// Waits for one. Kind 0: the other side is gone. With `wait` false also: nothing is there.
Note receive_note(int socket, bool wait = true);

class Stepped {
 public:
  /// Runs in the child: gets everything ready and returns the operation.
  using Prepare = std::function<std::function<void()>(int socket, Marks& marks)>;

  /// Throws Error(Io) when ptrace is not permitted here.
  explicit Stepped(const Prepare& prepare);
  ~Stepped();
  Stepped(const Stepped&) = delete;
  Stepped& operator=(const Stepped&) = delete;

  int socket() const { return socket_.get(); }
  const Marks& marks() const { return *marks_; }

  /// Goes to the first instruction of the operation, once the child has prepared itself.
  void begin();
  /// Executes that many instructions, and those that are left of a look at the clock. Returns how many it were: fewer
  /// when the operation came to its end.
  std::uint64_t step(std::uint64_t instructions);
  bool finished() const { return marks_->finished.load() != 0; }
  /// kill -9, and waits until it is dead.
  void kill();

 private:
  void single_step();
  bool is_reading_the_clock() const;

  Marks* marks_;
  Fd socket_;
  pid_t child_ = -1;
};

}  // namespace actor::fault
