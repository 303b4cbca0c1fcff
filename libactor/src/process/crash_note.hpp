#pragma once
// In a process that several actors share: which of them crashed? The handler of a deadly signal tells the broker whose
// thread has raised it, and the signal then does what it would have done.

#include <control/channel.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace actor {

/// Once for the process, before there are threads. `socket`: that of the process, as long as it runs.
void note_crashes(int socket);

/// While it lives, crashes of this thread are those of this actor. Has a stack for the handler, so that an endless
/// recursion is told too. One for a thread.
class CrashNote {
 public:
  CrashNote(const std::string& actor, std::uint32_t incarnation);
  ~CrashNote();
  CrashNote(const CrashNote&) = delete;
  CrashNote& operator=(const CrashNote&) = delete;

 private:
  control::PacketBytes message_;
  std::unique_ptr<std::byte[]> stack_;
};

}  // namespace actor
