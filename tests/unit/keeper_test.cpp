#include "keeper/keeper.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
#include <random>
#include <sstream>

#include "keeper/client.hpp"
#include "keeper/wire.hpp"
#include "lingering.hpp"

namespace actor::broker {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

void wait_readable(int fd) {
  pollfd polled{fd, POLLIN, 0};
  while (::poll(&polled, 1, -1) < 0 && errno == EINTR) {
  }
}

bool is_readable(int fd) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

/// Everything until the writers are gone, or only the first line.
std::string read_text(int fd, bool first_line = false) {
  std::string text;
  char byte = 0;
  for (;;) {
    wait_readable(fd);
    const ssize_t count = ::read(fd, &byte, 1);
    if (count == 0 || (first_line && byte == '\n')) return text;
    if (count == 1) text += byte;
  }
}

Fd pidfd_of(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

std::size_t descriptors_of(pid_t pid) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

SpawnSpec shell(const std::string& script) {
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
    const std::string host = fs::read_symlink("/proc/self/exe").parent_path() / "keeper_host";
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
    fs::remove_all(place_, ignored);
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

  fs::path place_;
  pid_t keeper_ = -1;
  int brain_ = -1;
  Fd host_;
  std::optional<KeeperClient> client_;
  std::optional<FdSafe> safe_;
  std::uint64_t barriers_ = 0;
};

/// What the keeper says nobody reads, and there is no room left for it: a terminal that was stopped with Ctrl-S.
class UnheardKeeper : public KeeperTest {
 protected:
  UnheardKeeper() : KeeperTest(full_pipe()) {}

 private:
  static int full_pipe() {
    static Fd reader, writer;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
    const Fd filler(
        ::open(("/proc/self/fd/" + std::to_string(writer.get())).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    while (::write(filler.get(), "x", 1) == 1) {
    }
    return writer.get();
  }
};

TEST_F(UnheardKeeper, MakesAnotherBrainAllTheSameAndKillsOneThatHangs) {
  ASSERT_EQ(::kill(brain_, SIGKILL), 0);
  be_the_brain();
  client_->say_running();
  ASSERT_EQ(::kill(brain_, SIGSTOP), 0);
  be_the_brain();
}

TEST_F(KeeperTest, AChildRunsAndItsOutputAndExitStatusAreTold) {
  const Spawned child = spawn(shell("echo hello; echo oops >&2; exit 7"));
  EXPECT_EQ(read_text(child.out.get()), "hello\n");
  EXPECT_EQ(read_text(child.err.get()), "oops\n");
  const auto exited = expect_event<Exited>();
  EXPECT_EQ(exited.serial, child.serial);
  EXPECT_EQ(exited.pid, child.pid);
  ASSERT_TRUE(WIFEXITED(exited.status));
  EXPECT_EQ(WEXITSTATUS(exited.status), 7);
  wait_readable(child.pidfd.get());
}

TEST_F(KeeperTest, AChildGetsItsNameEnvironmentDirectoryAndArguments) {
  SpawnSpec spec = shell("echo \"$ACTOR_NAME $ACTOR_CONTROL_FD $EXTRA $0 $1\"; pwd; echo \"[$EMPTY]\"");
  spec.args.insert(spec.args.end(), {"zero", "one two"});
  spec.env = {{"EXTRA", "first"}, {"EXTRA", "a=b c"}, {"EMPTY", ""}, {"ACTOR_NAME", "forged"}};
  spec.cwd = "/usr";
  const Spawned child = spawn(spec);
  EXPECT_EQ(read_text(child.out.get()), "worker 3 a=b c zero one two\n/usr\n[]\n");
  EXPECT_EQ(WEXITSTATUS(expect_event<Exited>().status), 0);
}

TEST_F(KeeperTest, AChildHasFourDescriptorsItsOwnGroupAndNoSignalBlocked) {
  const Spawned list = spawn({.name = "ls", .exec = "/bin/ls", .args = {"/proc/self/fd"}, .env = {}, .cwd = {}});
  EXPECT_EQ(read_text(list.out.get()), "0\n1\n2\n3\n4\n") << "4 is the directory that ls reads";
  expect_event<Exited>();
  const Spawned grep = spawn({.name = "grep",
                              .exec = "/bin/grep",
                              .args = {"-E", "^Sig(Blk|Ign)", "/proc/self/status"},
                              .env = {},
                              .cwd = {}});
  std::istringstream masks(read_text(grep.out.get()));
  std::string label;
  for (std::uint64_t mask = 0; masks >> label >> std::hex >> mask;) {
    // 32 and 33 are the C library's own: nobody else can set or reset them.
    EXPECT_EQ(mask & ~0x180000000u, 0u) << label;
  }
  expect_event<Exited>();
  const Spawned cat = spawn(shell("exec cat <&3"));
  EXPECT_EQ(::getpgid(cat.pid), cat.pid);
  client_->kill(cat.serial, SIGKILL, false);
  expect_event<Exited>();
}

TEST_F(KeeperTest, TheControlSocketIsTheChildsThirdDescriptor) {
  const Spawned child = spawn(shell("exec cat <&3"));
  const std::string_view text = "to the child\n";
  ASSERT_EQ(control::send_seqpacket(child.control.get(), std::as_bytes(std::span(text))), control::SendResult::Sent);
  EXPECT_EQ(read_text(child.out.get(), true), "to the child");
  client_->kill(child.serial, SIGTERM, false);
  const auto exited = expect_event<Exited>();
  ASSERT_TRUE(WIFSIGNALED(exited.status));
  EXPECT_EQ(WTERMSIG(exited.status), SIGTERM);
}

TEST_F(KeeperTest, ASignalReachesTheWholeGroupWhenAskedTo) {
  const Spawned child = spawn(shell("sleep 1000 & echo $!; wait"));
  const Fd grandchild = pidfd_of(std::stoi(read_text(child.out.get(), true)));
  ASSERT_TRUE(grandchild);
  client_->kill(child.serial, SIGTERM, true);
  EXPECT_EQ(WTERMSIG(expect_event<Exited>().status), SIGTERM);
  wait_readable(grandchild.get());
}

TEST_F(KeeperTest, WhatADeadChildHasStartedDiesWithIt) {
  const Spawned child = spawn(shell("sleep 1000 & echo $!; exec cat <&3"));
  const Fd grandchild = pidfd_of(std::stoi(read_text(child.out.get(), true)));
  ASSERT_TRUE(grandchild);
  client_->kill(child.serial, SIGKILL, false);
  expect_event<Exited>();
  wait_readable(grandchild.get());
}

TEST_F(KeeperTest, AProgramThatCannotBeExecutedIsToldWithItsReason) {
  SpawnSpec spec = shell("");
  spec.exec = "/nonexistent/program";
  std::uint64_t serial = start(spec);
  auto failed = expect_event<SpawnFailed>();
  EXPECT_EQ(failed.serial, serial);
  EXPECT_EQ(failed.error, ENOENT);
  EXPECT_EQ(to_string(failed.step), "executing the program");
  spec.exec = "/etc/passwd";
  start(spec);
  EXPECT_EQ(expect_event<SpawnFailed>().error, EACCES);
  spec = shell("");
  spec.cwd = "/nonexistent";
  start(spec);
  failed = expect_event<SpawnFailed>();
  EXPECT_EQ(failed.error, ENOENT);
  EXPECT_EQ(failed.step, SpawnStep::Directory);
  // No exit follows: the next event is the next child's.
  spawn(shell("exit 3"));
  EXPECT_EQ(WEXITSTATUS(expect_event<Exited>().status), 3);
}

TEST_F(KeeperTest, ATextWithANulIsRefusedBeforeItIsSent) {
  EXPECT_THROW(start(shell(std::string("a\0b", 3))), std::exception);
  EXPECT_THROW(start(shell(std::string(max_blob_bytes, 'x'))), std::exception);
  barrier();
}

TEST_F(KeeperTest, AManyChildrenLeaveNothingBehindInTheKeeper) {
  client_->say_running();
  barrier();
  const std::size_t before = descriptors_of(keeper_);
  constexpr int children = 60;
  for (int i = 0; i < children; ++i) start(shell("exit 0"));
  std::map<std::uint64_t, int> spawned;
  for (int ends = 0; ends < children;) {
    wait_readable(client_->fd());
    auto event = client_->next();
    ASSERT_TRUE(event);
    if (const auto* start = std::get_if<Spawned>(&*event)) {
      EXPECT_EQ(spawned[start->serial]++, 0);
    } else if (const auto* end = std::get_if<Exited>(&*event)) {
      EXPECT_EQ(spawned[end->serial]++, 1) << "the start is told before the end";
      client_->ack_exit(end->serial);
      ++ends;
    } else {
      FAIL() << "unexpected event " << event->index();
    }
  }
  barrier();
  EXPECT_EQ(descriptors_of(keeper_), before);
}

TEST_F(KeeperTest, ASerialIsNeverStartedTwice) {
  const Spawned child = spawn(shell("exec cat <&3"));
  send_fixed(client_->fd(), KeeperRequest{.kind = RequestKind::Spawn, .id = child.serial});
  barrier();
  EXPECT_FALSE(is_readable(child.pidfd.get()));
  client_->kill(child.serial, SIGKILL, true);
  expect_event<Exited>();
}

TEST_F(KeeperTest, AStoredDescriptorLivesUntilItIsDropped) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  client_->store(77, ends[1]);
  ::close(ends[1]);
  barrier();
  EXPECT_FALSE(is_readable(reader.get())) << "the keeper holds the writing end";
  client_->drop(77);
  wait_readable(reader.get());
}

/// Whoever closes it last, by closing the socket that it is in, waits.
TEST_F(KeeperTest, ADescriptorThatLingersInADeadChildsSocketsHoldsUpNobody) {
  client_->say_running();
  fault::Lingering lingering;
  {
    const Spawned child = spawn(shell("exec cat <&3"));
    const Fd childs_end(static_cast<int>(::syscall(SYS_pidfd_getfd, child.pidfd.get(), 3, 0)));
    if (!childs_end) GTEST_SKIP() << "this test may not act in its child's name: " << std::strerror(errno);
    const int fds[] = {std::exchange(lingering.fd, Fd()).release()};
    ASSERT_EQ(control::send_seqpacket(childs_end.get(), std::as_bytes(std::span("hello")), fds),
              control::SendResult::Sent);
    ::close(fds[0]);
    client_->kill(child.serial, SIGKILL, true);
    expect_event<Exited>();
    client_->ack_exit(child.serial);
  }
  spawn(shell("exit 0"));
  EXPECT_EQ(WEXITSTATUS(expect_event<Exited>().status), 0);
}

TEST_F(KeeperTest, OrInASocketThatItKeeps) {
  client_->say_running();
  fault::Lingering lingering;
  {
    auto [here, there] = control::socket_pair();
    const int fds[] = {lingering.fd.get()};
    ASSERT_EQ(control::send_seqpacket(there.get(), std::as_bytes(std::span("hello")), fds), control::SendResult::Sent);
    client_->store(77, here.get());
    lingering.fd.reset();
    barrier();
  }
  client_->drop(77);
  barrier();
  spawn(shell("exit 0"));
  EXPECT_EQ(WEXITSTATUS(expect_event<Exited>().status), 0);
}

TEST_F(KeeperTest, GarbageIsRefusedAndNothingLeaks) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  barrier();
  const std::size_t before = descriptors_of(keeper_);
  const Fd memfd(::memfd_create("garbage", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(memfd.get(), 4096), 0);
  const Fd device(::open("/dev/null", O_RDWR | O_CLOEXEC));
  std::uint64_t serial = 5000;
  for (int round = 0; round < 500; ++round) {
    std::array<std::byte, 64> noise = {};
    for (auto& byte : noise) byte = std::byte(random() % 3 == 0 ? random() % 256 : 0);
    ASSERT_EQ(::pwrite(memfd.get(), noise.data(), noise.size(), 0), ssize_t{noise.size()});
    const int fds[] = {random() % 4 == 0 ? device.get() : memfd.get(), memfd.get()};
    // Counts that do not fit: more texts than the blob can hold, or none.
    const KeeperRequest request{
        .kind = RequestKind::Spawn,
        .blob_bytes = static_cast<std::uint32_t>(random() % 3 == 0 ? random() : random() % 64),
        .id = serial++,
        .arguments = static_cast<std::uint32_t>(random() % 2 == 0 ? 0 : 0xffffffff - random() % 9),
        .environment = static_cast<std::uint32_t>(random())};
    const std::size_t count = random() % 3;
    while (send_fixed(client_->fd(), request, std::span(fds).first(count)) == control::SendResult::Full) {
    }
    EXPECT_EQ(expect_event<SpawnFailed>().error, EBADMSG);
    std::array<std::byte, 100> bytes = {};  // a kind that does not exist, of any size
    bytes.fill(std::byte{0x7f});
    while (control::send_seqpacket(client_->fd(), std::span(bytes).first(1 + random() % bytes.size()),
                                   std::span(fds).first(count)) == control::SendResult::Full) {
    }
  }
  barrier();
  EXPECT_EQ(descriptors_of(keeper_), before);
  spawn(shell("exit 0"));
  expect_event<Exited>();
}

TEST_F(KeeperTest, SignalsToTheKeeperAreToldToTheBrain) {
  ASSERT_EQ(::kill(keeper_, SIGTERM), 0);
  EXPECT_EQ(expect_event<ShutdownRequested>().signal, SIGTERM);
  ASSERT_EQ(::kill(keeper_, SIGINT), 0);
  EXPECT_EQ(expect_event<ShutdownRequested>().signal, SIGINT);
  ASSERT_EQ(::kill(brain_, SIGTERM), 0);
  ASSERT_EQ(::kill(brain_, SIGINT), 0);
  EXPECT_EQ(end_brain(0), 0) << "the brain itself does not die of them";
}

TEST_F(KeeperTest, ABrainThatDoesNotListenIsKilledAtTheFourthRequest) {
  const Spawned child = spawn(shell("exec cat <&3"));
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(::kill(keeper_, SIGTERM), 0);
    expect_event<ShutdownRequested>();
  }
  EXPECT_EQ(wait_for_keeper(), 1);
  EXPECT_TRUE(is_readable(child.pidfd.get()));
}

TEST_F(KeeperTest, ChildrenThatAreLeftBehindGetTheTimeThatABrainHasSaid) {
  client_->set_stop_timeout(std::chrono::hours(1));
  const Spawned child =
      spawn(shell("trap 'sleep 0.5; echo stopped; exit' TERM; echo ready; while :; do sleep 1000 & wait $!; done"));
  EXPECT_EQ(read_text(child.out.get(), true), "ready");
  EXPECT_EQ(end_brain(0), 0);
  EXPECT_EQ(read_text(child.out.get()), "stopped\n") << "keeper_host alone would have given it 200 ms";
}

TEST_F(KeeperTest, TheBrainsExitCodeIsTheBrokers) {
  EXPECT_TRUE(control::is_held(control::runtime_directory("test")));
  const Spawned child = spawn(shell("exec cat <&3"));
  EXPECT_EQ(end_brain(42), 42);
  EXPECT_TRUE(is_readable(child.pidfd.get())) << "what the brain leaves behind is ended";
  EXPECT_FALSE(fs::exists(control::runtime_directory("test")));
}

TEST_F(KeeperTest, TheNextBrainIsToldEverything) {
  const Spawned lives = spawn(shell("exec cat <&3"));
  const Spawned ended = spawn(shell("exit 7"));
  expect_event<Exited>();
  const Spawned forgotten = spawn(shell("exit 8"));
  expect_event<Exited>();
  client_->ack_exit(forgotten.serial);
  const std::uint64_t failed = start({.name = "x", .exec = "/nonexistent", .args = {}, .env = {}, .cwd = {}});
  expect_event<SpawnFailed>();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  client_->store(77, ends[1]);
  client_->store(78, ends[1]);
  client_->drop(78);
  ::close(ends[1]);
  ASSERT_EQ(::kill(keeper_, SIGTERM), 0);
  expect_event<ShutdownRequested>();
  // A last request, which the keeper has not seen when the brain dies.
  const std::uint64_t last = start(shell("exec cat <&3"));
  ASSERT_EQ(::kill(brain_, SIGKILL), 0);

  const auto told = be_the_brain();
  std::map<std::uint64_t, std::string> story;
  std::uint64_t shutdowns = 0;
  for (const KeeperEvent& event : told) {
    if (const auto* child = std::get_if<Spawned>(&event)) story[child->serial] += child->pidfd ? "spawned " : "? ";
    if (const auto* child = std::get_if<SpawnFailed>(&event)) story[child->serial] += "failed ";
    if (const auto* child = std::get_if<Exited>(&event))
      story[child->serial] += "exited " + std::to_string(WEXITSTATUS(child->status));
    if (const auto* request = std::get_if<ShutdownRequested>(&event)) shutdowns += request->count;
  }
  if (!story.contains(last)) {  // it was still on its way to exec
    EXPECT_EQ(expect_event<Spawned>().serial, last);
    story[last] = "spawned ";
  }
  const std::map<std::uint64_t, std::string> expected = {
      {lives.serial, "spawned "}, {ended.serial, "spawned exited 7"}, {failed, "failed "}, {last, "spawned "}};
  EXPECT_EQ(story, expected);
  EXPECT_EQ(shutdowns, 1U);
  EXPECT_TRUE(safe_->find(77));
  EXPECT_FALSE(safe_->find(78));
  client_->drop(77);
  safe_.reset();
  wait_readable(reader.get());
}

TEST_F(KeeperTest, ABrainThatHangsIsKilledAndTheNextOneIsToldEverything) {
  const Spawned child = spawn(shell("exec sleep 1000"));
  const auto next_brain = [&] {
    const pid_t old = brain_;
    const auto told = be_the_brain();
    EXPECT_NE(brain_, old);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(std::get<Spawned>(told[0]).serial, child.serial);
    client_->say_running();
  };
  for (const int how : {200, 201}) {  // see keeper_host.cpp
    const auto byte = static_cast<std::byte>(how);
    control::send_seqpacket(host_.get(), std::span(&byte, 1));
    next_brain();
  }
  ASSERT_EQ(::kill(brain_, SIGSTOP), 0);
  next_brain();
}

TEST_F(KeeperTest, WhenBrainsDieAsSoonAsTheyBeginEverythingEnds) {
  ASSERT_TRUE(fs::exists(control::runtime_directory("test")));
  const Spawned polite = spawn(shell("exec cat <&3"));
  const Spawned stubborn = spawn(shell("trap '' TERM HUP; echo ready; while :; do read x <&3; done"));
  EXPECT_EQ(read_text(stubborn.out.get(), true), "ready");
  const Spawned runaway = spawn(shell("setsid sleep 1000 & echo $!; wait"));
  const Fd stray = pidfd_of(std::stoi(read_text(runaway.out.get(), true)));
  ASSERT_TRUE(stray);
  const auto next_brain = [&](int signal, bool runs) {
    if (runs) client_->say_running();
    ASSERT_EQ(::kill(brain_, signal), 0);
    be_the_brain();
  };
  for (int brains = 0; brains < 9; ++brains) next_brain(SIGKILL, false);
  for (int brains = 0; brains < 20; ++brains) next_brain(SIGKILL, true);  // begun and killed: as often as one likes
  for (int brains = 0; brains < 5; ++brains) next_brain(SIGKILL, false);
  for (int brains = 0; brains < 5; ++brains) next_brain(SIGABRT, true);  // crashed
  ASSERT_EQ(::kill(brain_, SIGKILL), 0);
  EXPECT_EQ(wait_for_keeper(), 1);
  for (const int pidfd : {polite.pidfd.get(), stubborn.pidfd.get(), runaway.pidfd.get(), stray.get()}) {
    EXPECT_TRUE(is_readable(pidfd));
  }
  EXPECT_FALSE(fs::exists(control::runtime_directory("test")));
}

TEST_F(KeeperTest, WhenTheKeeperIsKilledTheBrainIsToldAndTheChildrenHangUp) {
  const Spawned child = spawn(shell("exec cat <&3"));
  ASSERT_EQ(::kill(keeper_, SIGKILL), 0);
  EXPECT_EQ(wait_for_keeper(), -SIGKILL);
  expect_event<KeeperGone>();
  EXPECT_FALSE(client_->next());
  client_->kill(child.serial, SIGTERM, true);
  wait_readable(child.pidfd.get());
  EXPECT_TRUE(control::is_held(control::runtime_directory("test"))) << "the brain lives, and has the lock as well";
  const Fd brain = pidfd_of(brain_);
  host_.reset();  // ends the brain
  wait_readable(brain.get());
  control::remove_if_dead(control::runtime_directory("test"));
  EXPECT_FALSE(fs::exists(control::runtime_directory("test")));
}

}  // namespace
}  // namespace actor::broker
