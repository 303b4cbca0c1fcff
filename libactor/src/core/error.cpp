#include <actor/error.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace actor {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::MailboxClosed:
      return "mailbox closed";
    case ErrorCode::MailboxFull:
      return "mailbox full";
    case ErrorCode::AlreadyStarted:
      return "already started";
    case ErrorCode::DuplicateActorName:
      return "duplicate actor name";
    case ErrorCode::PayloadTooLarge:
      return "payload too large";
    case ErrorCode::TopicNotAllowed:
      return "topic not allowed";
    case ErrorCode::Incompatible:
      return "incompatible";
    case ErrorCode::Refused:
      return "refused";
    case ErrorCode::External:
      return "exception in user code";
    case ErrorCode::Io:
      return "system call failed";
    case ErrorCode::Internal:
      return "internal error";
    case ErrorCode::SettleTimeout:
      return "settle timeout";
  }
  return "unknown error";
}

Error::Error(ErrorCode code, const std::string& message, int sys_errno)
    : std::runtime_error(message), code_(code), errno_(sys_errno) {}

void throw_errno(const std::string& doing) {
  const int error = errno;
  throw Error(ErrorCode::Io, doing + ": " + std::strerror(error), error);
}

namespace detail {

void assertion_failed(const char* condition, const char* file, int line, const char* why) {
  std::fprintf(stderr, "libactor: %s:%d: %s (broken: %s)\n", file, line, why, condition);
  std::abort();
}

}  // namespace detail
}  // namespace actor
