#include <actor/detail/text.hpp>
#include <actor/error.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ostream>

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
    case ErrorCode::Stalled:
      return "stalled";
    case ErrorCode::NoSuchActor:
      return "no such actor";
  }
  return "unknown error";
}

Error::Error(ErrorCode code, const std::string& message, int sys_errno)
    : std::runtime_error(message), code_(code), errno_(sys_errno) {}

Error Error::external(const std::string& doing, const std::exception& caught) {
  if (const auto* error = dynamic_cast<const Error*>(&caught)) return *error;
  return Error(ErrorCode::External, doing + ": " + caught.what());
}

Error Error::settle_timeout(const std::string& waited_for, std::chrono::nanoseconds waited, std::size_t recorded) {
  std::string duration;
  detail::append_brief_duration(duration, waited);
  return Error(ErrorCode::SettleTimeout, waited_for + " was not met within " + duration + ": " +
                                             std::to_string(recorded) + (recorded == 1 ? " event" : " events") +
                                             " recorded; look at them with dump(), or wait longer with within()");
}

bool operator==(const Error& a, const Error& b) {
  return a.code_ == b.code_ && a.errno_ == b.errno_ && std::string_view(a.what()) == b.what();
}

std::ostream& operator<<(std::ostream& out, ErrorCode code) {
  return out << to_string(code);
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
  out << to_string(error.code()) << ": " << error.what();
  if (error.sys_errno() != 0) out << " (errno " << error.sys_errno() << ")";
  return out;
}

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
