#pragma once
// A keeper whose brain the test is. Used by the tests of the keeper; one thread.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <control/channel.hpp>
#include <control/runtime_path.hpp>
#include <control/seqpacket.hpp>
#include <cstring>
#include <filesystem>

#include "keeper/client.hpp"
#include "keeper/keeper.hpp"
#include "keeper/wire.hpp"

namespace actor::broker {

inline void wait_readable(int fd) {
  pollfd polled{fd, POLLIN, 0};
  while (::poll(&polled, 1, -1) < 0 && errno == EINTR) {
  }
}

inline bool is_readable(int fd) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

/// Everything until the writers are gone, or only the first line.
inline std::string read_text(int fd, bool first_line = false) {
  std::string text;
  char byte = 0;
  for (;;) {
    wait_readable(fd);
    const ssize_t count = ::read(fd, &byte, 1);
    if (count == 0 || (first_line && byte == '\n')) return text;
    if (count == 1) text += byte;
  }
}

inline Fd pidfd_of(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

inline std::size_t descriptors_of(pid_t pid) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

inline SpawnSpec shell(const std::string& script) {
  return {.name = "worker", .exec = "/bin/sh", .args = {"-c", script}, .env = {}, .cwd = {}};
}

/// A keeper in a process of its own, whose brain this test is.
class KeeperTest : public ::testing::Test {
 protected:
  explicit KeeperTest(int its_stderr = STDERR_FILENO) {
    char place[] = "/tmp/actor-keeper-XXXXXX";
    if (::mkdtemp(place) == nullptr) throw std::runtime_error("mkdtemp");
    place_ = place;
    ::setenv("XDG_RUNTIME_DIR", place, 1);
    auto [here, there] = control::socket_pair();
    (void)::fcntl(there.get(), F_SETFD, 0);
    const std::string host = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "keeper_host";
    const std::string socket = std::to_string(there.get());
    const char* const arguments[] = {host.c_str(), socket.c_str(), "test", nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, its_stderr, STDERR_FILENO);
    const int failed = ::posix_spawn(&keeper_, host.c_str(), &actions, nullptr, const_cast<char**>(arguments), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("cannot start " + host);
    there.reset();
    host_ = std::move(here);
    be_the_brain();
  }

  /// Takes the place of the brain that the keeper has just made. What that is told.
  std::vector<KeeperEvent> be_the_brain() {
    wait_readable(host_.get());
    std::vector<Fd> fds;
    const auto received = control::receive_seqpacket(host_.get(), std::as_writable_bytes(std::span(&brain_, 1)), fds);
    if (received.state != control::Received::State::Packet) throw std::runtime_error("keeper_host has failed");
    client_.emplace(std::move(fds.at(0)));
    safe_.emplace();
    return client_->await_handover(*safe_);
  }

  ~KeeperTest() override {
    if (keeper_ > 0) end_brain(0);
    std::error_code ignored;
    std::filesystem::remove_all(place_, ignored);
  }

  template <class Expected>
  Expected expect_event() {
    wait_readable(client_->fd());
    auto event = client_->next();
    if (!event || !std::holds_alternative<Expected>(*event)) {
      throw std::runtime_error("another event came: " + std::to_string(event ? event->index() : 99));
    }
    return std::get<Expected>(std::move(*event));
  }

  std::uint64_t start(const SpawnSpec& spec) {
    const std::uint64_t serial = client_->new_serial();
    client_->spawn(spec, serial);
    return serial;
  }

  Spawned spawn(const SpawnSpec& spec) {
    const std::uint64_t serial = start(spec);
    auto spawned = expect_event<Spawned>();
    EXPECT_EQ(spawned.serial, serial);
    return spawned;
  }

  /// When this returns, the keeper has done all that was asked before.
  void barrier() {
    send_fixed(client_->fd(), KeeperRequest{.kind = RequestKind::Spawn, .id = 1'000'000 + barriers_++});
    EXPECT_EQ(expect_event<SpawnFailed>().error, EBADMSG);
  }

  /// The broker's exit code, or minus the signal that ended it.
  int wait_for_keeper() {
    int status = 0;
    EXPECT_EQ(::waitpid(keeper_, &status, 0), keeper_);
    keeper_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  int end_brain(int code) {
    const auto byte = static_cast<std::byte>(code);
    control::send_seqpacket(host_.get(), std::span(&byte, 1));
    return wait_for_keeper();
  }

  std::filesystem::path place_;
  pid_t keeper_ = -1;
  int brain_ = -1;
  Fd host_;
  std::optional<KeeperClient> client_;
  std::optional<FdSafe> safe_;
  std::uint64_t barriers_ = 0;
};

}  // namespace actor::broker
