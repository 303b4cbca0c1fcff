#include "output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <span>

namespace actor::broker {
namespace {

std::int64_t wall_ns() {
  timespec now = {};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// "2024-05-01T12:00:00.123Z"
std::string time_text() {
  timespec now = {};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  tm parts = {};
  (void)::gmtime_r(&now.tv_sec, &parts);
  char text[64];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string milliseconds = std::to_string(now.tv_nsec / 1'000'000);
  return std::string(text, length) + "." + std::string(3 - milliseconds.size(), '0') + milliseconds + "Z";
}

}  // namespace

// Why open it again? O_NONBLOCK belongs to the open file, which the shell and other programs share: setting it there
// would break them. An open file of our own has flags of its own. A regular file never blocks, and a second one would
// have a position of its own; a socket cannot be opened, but has MSG_DONTWAIT.
Output::Output(int fd, LogFormat format, KeptLines& kept) : fd_(fd), format_(format), kept_(kept) {
  struct stat info = {};
  if (::fstat(fd, &info) != 0) {
    closed_ = true;
  } else if (S_ISREG(info.st_mode)) {
    sink_ = Sink::File;
  } else if (S_ISSOCK(info.st_mode)) {
    sink_ = Sink::Socket;
  } else {
    const std::string again = "/proc/self/fd/" + std::to_string(fd);
    own_fd_ = Fd(::open(again.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    sink_ = own_fd_ ? Sink::NonBlocking : Sink::Polled;
  }
}

std::string Output::format_line(const std::string& actor, pid_t pid, std::string_view stream,
                                std::string_view line) const {
  if (format_ == LogFormat::Json) {
    nlohmann::ordered_json object;
    object["time"] = time_text();
    object["actor"] = actor;
    object["pid"] = pid;
    object["stream"] = stream;
    object["line"] = line;
    // Actors print what they like: bytes that are no UTF-8 are replaced.
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  std::string text = actor.empty() ? "broker" : actor + "[" + std::to_string(pid) + "]";
  return text.append(stream == "stderr" ? " ! " : " | ").append(line).append("\n");
}

void Output::add_line(const std::string& actor, pid_t pid, OutputStream stream, std::string_view line) {
  kept_.add(actor, pid, stream, line, wall_ns());
  enqueue(format_line(actor, pid, stream == OutputStream::Err ? "stderr" : "stdout", line));
}

void Output::note(std::string_view text) {
  enqueue(format_line({}, ::getpid(), "broker", text));
  flush();
}

void Output::enqueue(std::string line) {
  if (closed_ || queue_.size() + line.size() > max_queued_bytes) {
    ++dropped_;
    ++dropped_unsaid_;
    return;
  }
  if (dropped_unsaid_ > 0) {
    const std::string count = std::to_string(std::exchange(dropped_unsaid_, 0));
    queue_ += format_line({}, ::getpid(), "broker", count + " lines are missing here: the output is read too slowly");
  }
  queue_ += line;
}

ssize_t Output::write_some(std::string_view text) const {
  switch (sink_) {
    case Sink::File:
      return ::write(fd_, text.data(), text.size());
    case Sink::Socket:
      return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Sink::NonBlocking:
      return ::write(own_fd_.get(), text.data(), text.size());
    case Sink::Polled:
      break;
  }
  // A pipe that says it is writable has room for PIPE_BUF bytes.
  pollfd polled{fd_, POLLOUT, 0};
  if (::poll(&polled, 1, 0) != 1) {
    errno = EAGAIN;
    return -1;
  }
  return ::write(fd_, text.data(), std::min<std::size_t>(text.size(), 4096));
}

void Output::flush() {
  while (!queue_.empty()) {
    const ssize_t count = write_some(queue_);
    if (count > 0) {
      queue_.erase(0, static_cast<std::size_t>(count));
    } else if (count < 0 && errno == EINTR) {
      continue;
    } else if (count < 0 && errno == EAGAIN) {
      return;
    } else {
      // EPIPE, EIO: the reader is gone for good. Anything else (a full disk) may pass.
      closed_ = errno == EPIPE || errno == EIO || errno == EBADF;
      drop_queue();
    }
  }
}

void Output::drop_queue() {
  const auto lines = static_cast<std::uint64_t>(std::count(queue_.begin(), queue_.end(), '\n'));
  dropped_ += lines;
  dropped_unsaid_ += lines;
  queue_.clear();
}

void Output::finish(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (flush(); has_queued(); flush()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    pollfd polled{fd(), POLLOUT, 0};
    (void)::poll(&polled, 1, static_cast<int>(left.count()));
  }
}

// SUBTLE: a byte that is out of band is not shown to who looks, and is thrown away, with its descriptors, by who reads.
OutputPipe::OutputPipe(Output& output, std::string actor, pid_t pid, OutputStream stream, Fd fd)
    : output_(output), actor_(std::move(actor)), pid_(pid), stream_(stream), fd_(std::move(fd)) {
  const int in_band = 1;
  (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_OOBINLINE, &in_band, sizeof in_band);
}

namespace {

/// What recvmsg() would read now, but nothing is taken. `flags`: MSG_CTRUNC when a descriptor comes with it.
ssize_t look(int socket, std::span<char> room, int& flags) {
  iovec data{room.data(), room.size()};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  ssize_t count = 0;
  do {
    count = ::recvmsg(socket, &header, MSG_PEEK | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  flags = header.msg_flags;
  return count;
}

}  // namespace

/// Why look first? Who takes a descriptor out, even without wanting it, may have to wait for its close()
/// (keeper/grave.hpp).
OutputPipe::Read OutputPipe::read_some() {
  std::vector<char> room(std::size_t{64} * 1024);
  int flags = 0;
  ssize_t count = look(fd_.get(), room, flags);
  if (count < 0 && errno == EAGAIN) return Read::Some;
  if (count > 0 && (flags & MSG_CTRUNC) != 0) return Read::Descriptor;
  if (count > 0) count = ::recv(fd_.get(), room.data(), static_cast<std::size_t>(count), MSG_DONTWAIT);
  if (count > 0) {
    take({room.data(), static_cast<std::size_t>(count)});
  } else if (!line_.empty()) {
    end_line();
  }
  output_.flush();
  return count > 0 ? Read::Some : Read::End;
}

void OutputPipe::finish() {
  // It holds some 100 KiB, or what the actor has made of it; who goes on printing after 1 MiB was not the actor.
  for (int i = 0; i < 16; ++i) {
    pollfd polled{fd_.get(), POLLIN, 0};
    if (::poll(&polled, 1, 0) != 1 || read_some() != Read::Some) break;
  }
  if (!line_.empty()) end_line();
  output_.flush();
}

void OutputPipe::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::size_t room = Output::max_line_bytes - line_.size();
    if (newline != std::string_view::npos && newline <= room) {
      line_.append(bytes.substr(0, newline));
      bytes.remove_prefix(newline + 1);
      end_line();
    } else if (bytes.size() <= room) {
      line_.append(bytes);
      return;
    } else {
      line_.append(bytes.substr(0, room));
      bytes.remove_prefix(room);
      end_line();
    }
  }
}

void OutputPipe::end_line() {
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  output_.add_line(actor_, pid_, stream_, line_);
  line_.clear();
}

}  // namespace actor::broker
