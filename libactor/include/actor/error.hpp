#pragma once
// The library's one exception type. Thrown in the public API when the environment or the caller's input is at fault;
// bugs in the library itself are assertions (ACTOR_ASSERT), which stay on in release builds.

#include <chrono>
#include <cstddef>
#include <exception>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>

namespace actor {

enum class ErrorCode {
  MailboxClosed,       ///< an actor is added while stopping; in a test, what an event is sent to has gone
  MailboxFull,         ///< the outbox is at its limit: return from the handler and let it drain
  AlreadyStarted,      ///< the operation is only possible before start
  DuplicateActorName,  ///< two actors of one runtime asked for the same name
  PayloadTooLarge,     ///< an event that could never fit the actor's memory budget
  TopicNotAllowed,     ///< the manifest does not let this actor publish to that topic
  Incompatible,        ///< two sides disagree on the protocol version, a schema or a topic's policy
  Refused,             ///< a request, or a configuration, was refused; the message says why
  External,            ///< an exception that came out of user code
  Io,                  ///< a system call failed: `sys_errno()` says how
  Internal,            ///< broken invariant or hostile peer
  SettleTimeout,       ///< a test waited for a condition that did not come
  Stalled,             ///< deterministic mode: join() would wait for ever, for no actor can go on
  NoSuchActor,         ///< no actor of the runtime has that name
};

std::string_view to_string(ErrorCode code);

/// What was being done, to what, why it failed and what to do about it; plus a fixed code and errno for programs.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, int sys_errno = 0);

  /// What was caught from code that is not the library's, while `doing` something; an Error stays what it is.
  static Error external(const std::string& doing, const std::exception& caught);
  /// "`waited_for` was not met within 1s: 3 events recorded; ...".
  static Error settle_timeout(const std::string& waited_for, std::chrono::nanoseconds waited, std::size_t recorded);

  ErrorCode code() const { return code_; }
  int sys_errno() const { return errno_; }

  friend bool operator==(const Error& a, const Error& b);

 private:
  ErrorCode code_;
  int errno_;
};

/// "mailbox full: <message>", and errno when there is one.
std::ostream& operator<<(std::ostream& out, const Error& error);
std::ostream& operator<<(std::ostream& out, ErrorCode code);

/// Throws Error(Io) for a failed system call: "`doing`: <strerror>".
[[noreturn]] void throw_errno(const std::string& doing);

namespace detail {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line, const char* why);
}

/// An assertion that stays on in release builds. `why` says which rule was broken.
#define ACTOR_ASSERT(condition, why) \
  ((condition) ? void(0) : ::actor::detail::assertion_failed(#condition, __FILE__, __LINE__, why))

}  // namespace actor
