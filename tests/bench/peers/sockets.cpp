// What the kernel has: a pipe, and a Unix seqpacket socket. One for each writer and reader, since a pipe mixes up what
// several write at once. Spinning cases poll them without blocking.

#include "sockets.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace bench {
namespace {

/// As many messages as the case's capacity, as far as an ordinary user may.
constexpr std::uint64_t most_pipe_bytes = 1 << 20;
constexpr std::uint64_t most_socket_bytes = 4 << 20;
/// What the kernel charges a socket for a small message beside its bytes.
constexpr std::uint64_t socket_overhead_bytes = 768;

[[noreturn]] void fail(const char* doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

struct Pair {
  int from = -1;
  int to = -1;
};

Pair make_pipe(const Case& what) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | (what.mode == Mode::Spin ? O_NONBLOCK : 0)) != 0) fail("making a pipe");
  fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(std::min(most_pipe_bytes, what.capacity * Message(what).bytes())));
  return {ends[0], ends[1]};
}

Pair make_seqpacket(const Case& what) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | (what.mode == Mode::Spin ? SOCK_NONBLOCK : 0), 0, ends) != 0)
    fail("making a pair of sockets");
  // The kernel doubles it. One message must fit; beyond the system's limit only root may ask.
  const auto bytes = static_cast<int>(
      std::min(most_socket_bytes, what.capacity * (Message(what).bytes() + socket_overhead_bytes)) / 2);
  if (setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  return {ends[0], ends[1]};
}

bool is_again() {
  return errno == EAGAIN || errno == EINTR;
}

class FdWriter : public Writer {
 public:
  FdWriter(const Case& what, std::vector<int> fds) : fds_(std::move(fds)), bytes_(Message(what).bytes()) {}
  void write(Message& message, std::uint64_t number) override {
    message.write(bytes_.data(), number);
    for (const int fd : fds_) write_all(fd);
  }

 private:
  void write_all(int fd) {
    for (std::size_t done = 0; done < bytes_.size();) {
      const ssize_t wrote = ::write(fd, bytes_.data() + done, bytes_.size() - done);
      if (wrote < 0 && !is_again()) fail("writing a message");
      if (wrote > 0) done += static_cast<std::size_t>(wrote);
    }
  }
  std::vector<int> fds_;
  std::vector<char> bytes_;
};

class FdReader : public Reader {
 public:
  FdReader(const Case& what, const std::vector<int>& fds, bool spin) : spin_(spin), bytes_(Message(what).bytes()) {
    for (const int fd : fds) polled_.push_back({fd, POLLIN, 0});
  }
  std::uint64_t read(Message& message) override {
    for (std::size_t done = 0; done < bytes_.size();) {
      if (done == 0 && polled_.size() > 1 && !spin_) wait();
      const ssize_t got = ::read(polled_[turn_].fd, bytes_.data() + done, bytes_.size() - done);
      if (got < 0 && !is_again()) fail("reading a message");
      if (got > 0) done += static_cast<std::size_t>(got);
      if (got < 0 && done == 0) next();
    }
    const std::uint64_t number = message.read(bytes_.data());
    next();
    return number;
  }

 private:
  void next() { turn_ = (turn_ + 1) % polled_.size(); }
  /// Turns to a source that has something.
  void wait() {
    for (;;) {
      for (std::size_t i = 0; i < polled_.size(); ++i, next()) {
        if (std::exchange(polled_[turn_].revents, short{0}) & POLLIN) return;
      }
      if (poll(polled_.data(), polled_.size(), -1) < 0 && errno != EINTR) fail("waiting for a message");
    }
  }
  bool spin_;
  std::size_t turn_ = 0;
  std::vector<pollfd> polled_;
  std::vector<char> bytes_;
};

class FdLink : public Link {
 public:
  FdLink(const Case& what, Pair (*make)(const Case&)) : what_(what) {
    for (unsigned i = 0; i < what.writers * what.readers; ++i) there_.push_back(make(what));
    if (what.kind == Kind::Latency) back_.push_back(make(what));
  }
  ~FdLink() override {
    for (const auto* pairs : {&there_, &back_}) {
      for (const Pair& pair : *pairs) {
        close(pair.from);
        close(pair.to);
      }
    }
  }
  std::unique_ptr<Writer> writer(Direction direction, unsigned index) override {
    if (direction == Direction::Back) return std::make_unique<FdWriter>(what_, std::vector{back_[0].to});
    std::vector<int> fds;
    for (unsigned reader = 0; reader < what_.readers; ++reader)
      fds.push_back(there_[index * what_.readers + reader].to);
    return std::make_unique<FdWriter>(what_, std::move(fds));
  }
  std::unique_ptr<Reader> reader(Direction direction, unsigned index) override {
    const bool spin = what_.mode == Mode::Spin;
    if (direction == Direction::Back) return std::make_unique<FdReader>(what_, std::vector{back_[0].from}, spin);
    std::vector<int> fds;
    for (unsigned writer = 0; writer < what_.writers; ++writer)
      fds.push_back(there_[writer * what_.readers + index].from);
    return std::make_unique<FdReader>(what_, fds, spin);
  }

 private:
  const Case what_;
  std::vector<Pair> there_;  // of writer w to reader r: w * readers + r
  std::vector<Pair> back_;
};

}  // namespace

std::unique_ptr<Link> open_pipe(const Case& what) {
  return std::make_unique<FdLink>(what, make_pipe);
}
std::unique_ptr<Link> open_seqpacket(const Case& what) {
  return std::make_unique<FdLink>(what, make_seqpacket);
}

}  // namespace bench
