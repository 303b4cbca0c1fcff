#pragma once
// In a process that several actors share: which of them crashed? The handler of a deadly signal writes its number into
// the status segment of the actor whose thread has raised it, and the signal then does what it would have done. The
// broker reads that after the process's death.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace actor {

/// Once for the process, before there are threads.
void note_crashes();

/// While it lives, crashes of this thread are noted in `word`, which outlives it. Has a stack for the handler, so that
/// an endless recursion is noted too. One for a thread.
class CrashNote {
 public:
  explicit CrashNote(std::atomic<std::uint64_t>& word);
  ~CrashNote();
  CrashNote(const CrashNote&) = delete;
  CrashNote& operator=(const CrashNote&) = delete;

 private:
  std::unique_ptr<std::byte[]> stack_;
};

}  // namespace actor
