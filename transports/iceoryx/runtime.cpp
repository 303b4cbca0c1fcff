#include "iceoryx/runtime.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <iceoryx_hoofs/cxx/generic_raii.hpp>
#include <iceoryx_hoofs/error_handling/error_handling.hpp>
#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <iostream>
#include <mutex>
#include <set>
#include <streambuf>
#include <string_view>

namespace actor::iceoryx {
namespace {

std::set<int> open_descriptors() {
  std::set<int> open;
  DIR* const directory = opendir("/proc/self/fd");
  if (!directory) return open;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.' && std::atoi(entry->d_name) != dirfd(directory)) open.insert(std::atoi(entry->d_name));
  }
  closedir(directory);
  return open;
}

/// iceoryx 2.0 opens its sockets without O_CLOEXEC: what the actor starts would hold them open.
void close_on_exec(const std::set<int>& but) {
  for (const int fd : open_descriptors()) {
    if (but.contains(fd)) continue;
    if (const int flags = fcntl(fd, F_GETFD); flags >= 0) fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}

/// iceoryx tells std::cerr of each system call that fails, and repeats some of them without a pause: while RouDi hangs
/// that is 25 000 lines a second. Lines that begin as its do are left out, all others go on.
class WithoutItsLines final : public std::streambuf {
 public:
  explicit WithoutItsLines(std::streambuf* next) : next_(next) {}

 private:
  int overflow(int c) override {
    const std::scoped_lock lock(mutex_);
    if (c != traits_type::eof()) put(static_cast<char>(c));
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    const std::scoped_lock lock(mutex_);
    for (std::streamsize i = 0; i < count; ++i) put(text[i]);
    return count;
  }
  int sync() override { return next_->pubsync(); }

  void put(char c) {
    if (line_ == Line::New) {
      begun_ += c;
      line_ = what_begins(begun_);
      if (line_ == Line::Another) next_->sputn(begun_.data(), static_cast<std::streamsize>(begun_.size()));
    } else if (line_ == Line::Another) {
      next_->sputc(c);
    }
    if (c != '\n') return;
    line_ = Line::New;
    begun_.clear();
  }

  enum class Line { New, Its, Another };
  static Line what_begins(std::string_view begun) {
    for (const std::string_view its : {"./iceoryx_", "internal logic error in unix domain socket"}) {
      if (begun == its) return Line::Its;
      if (its.starts_with(begun)) return Line::New;  // it cannot be told yet
    }
    return Line::Another;
  }

  std::streambuf* next_;
  std::mutex mutex_;
  Line line_ = Line::New;
  std::string begun_;  // of a new line, held back until it can be told
};

/// For ever: it may be needed by threads that end after main(). `used`: else the store is left out, and it is a leak.
[[gnu::used]] iox::cxx::GenericRAII* kept_handler = nullptr;

std::string advice(iox::Error error) {
  if (error == iox::Error::kICEORYX_ROUDI_MEMORY_MANAGER__ROUDI_STILL_RUNNING)
    return "another RouDi runs on this machine, and there can be one only: stop it (fuser -v "
           "/tmp/iox-unique-roudi.lock)";
  if (error == iox::Error::kIPC_INTERFACE__REG_ROUDI_NOT_AVAILABLE)
    return "RouDi does not answer: is the actor \"roudi\" of this broker ready?";
  return "the broker starts it again; if this goes on, docs/iceoryx.md lists iceoryx's limits";
}

}  // namespace

void report_errors(const std::string& what) {
  static std::once_flag once;
  std::call_once(once, [&] {
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kOff,
                                                             iox::log::LogLevelOutput::kHideLogLevel);
    kept_handler = new iox::cxx::GenericRAII(iox::ErrorHandler::setTemporaryErrorHandler(
        [what](const iox::Error error, const std::function<void()>&, const iox::ErrorLevel level) {
          if (level == iox::ErrorLevel::MODERATE) return;  // the call that met it returns an error
          const std::string text =
              what + ": iceoryx cannot go on (" + iox::ErrorHandler::toString(error) + "); " + advice(error) + "\n";
          [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
          // Not exit(): the thread that comes here may hold any lock, and iceoryx's own end needs them.
          _exit(lost_exit);
        }));
  });
}

void join(const std::string& runtime_name) {
  static std::once_flag once;
  std::call_once(once, [&] {
    report_errors(runtime_name);
    std::cerr.rdbuf(new WithoutItsLines(std::cerr.rdbuf()));  // for ever: iceoryx's threads end after main()
    const std::set<int> before = open_descriptors();
    iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, runtime_name));
    close_on_exec(before);
  });
}

}  // namespace actor::iceoryx
