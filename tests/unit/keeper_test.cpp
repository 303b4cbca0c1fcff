// The keeper's children, and what it keeps for its brains.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <random>
#include <sstream>

#include "keeper_fixture.hpp"
#include "lingering.hpp"

namespace actor::broker {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

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
  std::uint64_t serial = 0;
  {
    const Spawned child = spawn(shell("exec cat <&3"));
    const Fd childs_end(static_cast<int>(::syscall(SYS_pidfd_getfd, child.pidfd.get(), 3, 0)));
    if (!childs_end) GTEST_SKIP() << "this test may not act in its child's name: " << std::strerror(errno);
    const int fds[] = {std::exchange(lingering.fd, Fd()).release()};
    ASSERT_EQ(control::send_seqpacket(childs_end.get(), std::as_bytes(std::span("hello")), fds),
              control::SendResult::Sent);
    ::close(fds[0]);
    serial = child.serial;
    client_->kill(serial, SIGKILL, true);
    expect_event<Exited>();
  }
  client_->ack_exit(serial);  // not before: the last copies are the keeper's to close
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

}  // namespace
}  // namespace actor::broker
