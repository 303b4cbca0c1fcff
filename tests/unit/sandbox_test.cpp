// What a child is when its program begins to run: asked of the program itself, through /proc. Most of it takes root.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "keeper/child.hpp"
#include "sandbox/orders.hpp"
#include "sandbox/system_calls.hpp"

namespace actor::broker {
namespace {

using ::testing::HasSubstr;

#define NEEDS_ROOT() \
  if (::geteuid() != 0) GTEST_SKIP() << "only root may change its user, its capabilities and its priority"

std::optional<ChildProgram> shell(const std::string& script, const Orders& orders) {
  std::string blob;
  for (const std::string& text : {std::string("/bin/sh"), std::string(), std::string("/bin/sh"), std::string("-c"),
                                  script, std::string("PATH=/usr/bin:/bin")}) {
    blob.append(text).push_back('\0');
  }
  blob.append(reinterpret_cast<const char*>(&orders), sizeof orders);
  const Fd memfd(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::write(memfd.get(), blob.data(), blob.size()), static_cast<ssize_t>(blob.size()));
  return read_program({.kind = RequestKind::Spawn,
                       .blob_bytes = static_cast<std::uint32_t>(blob.size()),
                       .arguments = 3,
                       .environment = 1,
                       .number = sizeof(Orders)},
                      memfd.get());
}

struct Ran {
  std::string said;
  std::optional<StartFailure> failure;
  int status = 0;
};

std::string read_all(int fd) {
  std::string text;
  char bytes[4096];
  for (;;) {
    pollfd polled{fd, POLLIN, 0};
    (void)::poll(&polled, 1, -1);
    const ssize_t count = ::read(fd, bytes, sizeof bytes);
    if (count == 0) return text;
    if (count > 0) text.append(bytes, static_cast<std::size_t>(count));
  }
}

Ran run(const std::string& script, const Orders& orders) {
  Ran ran;
  const auto program = shell(script, orders);
  if (!program) throw std::runtime_error("the request was not understood");
  StartFailure failure;
  const auto child = start_child(*program, {1024, 1024}, failure);
  if (!child) throw std::runtime_error(std::strerror(failure.error));
  ran.said = read_all(child->out.get()) + read_all(child->err.get());
  EXPECT_EQ(::waitpid(child->pid, &ran.status, 0), child->pid);
  ran.failure = take_exec_result(child->exec_result.get());
  return ran;
}

Orders orders_of(const Sandbox& sandbox) {
  SandboxProblem problem;
  const auto orders = make_orders(sandbox, false, problem);
  if (!orders) throw std::runtime_error(problem.key + ": " + problem.text);
  return *orders;
}

std::string say(const std::string& script, const Sandbox& sandbox) {
  const Ran ran = run(script, orders_of(sandbox));
  EXPECT_FALSE(ran.failure) << to_string(static_cast<SandboxStep>(static_cast<std::uint32_t>(ran.failure->step) -
                                                                  first_sandbox_step))
                            << ": " << std::strerror(ran.failure->error);
  return ran.said;
}

/// "NoNewPrivs:\t1" → "1"
std::string status_line(const std::string& name, const Sandbox& sandbox) {
  const std::string said = say("grep ^" + name + ": /proc/self/status", sandbox);
  const std::size_t tab = said.find('\t');
  return tab == std::string::npos ? said : said.substr(tab + 1, said.size() - tab - 2);
}

TEST(SandboxTest, NothingIsOrderedWithoutASandboxButNoNewPrivileges) {
  EXPECT_EQ(status_line("NoNewPrivs", {}), "1");
  EXPECT_EQ(status_line("NoNewPrivs", {.no_new_privs = false}), "0");
  EXPECT_EQ(orders_of({}).flags, Orders::set_no_new_privs);
}

TEST(SandboxTest, LimitsAreTheChildsOwn) {
  const Limits limits{.memory_bytes = 64u << 20, .open_files = 99, .core_bytes = 0, .processes = {}, .cpu_percent = {}};
  EXPECT_EQ(say("ulimit -n; ulimit -d; ulimit -c; ulimit -H -n", {.limits = limits}), "99\n65536\n0\n99\n");
  EXPECT_EQ(say("ulimit -n", {}), "1024\n") << "else the broker's own";
  SandboxProblem problem;
  EXPECT_EQ(make_orders({.limits = limits}, true, problem)->limit_count, 2u) << "the cgroup limits its memory";
}

TEST(SandboxTest, MemoryBeyondTheLimitIsNotGiven) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the child is a shell, but what it inherits of a sanitizer's mappings is more than the limit";
#endif
  const Limits limits{
      .memory_bytes = 32u << 20, .open_files = {}, .core_bytes = {}, .processes = {}, .cpu_percent = {}};
  const Ran ran = run("exec dd if=/dev/zero of=/dev/null bs=256M count=1 2>&1", orders_of({.limits = limits}));
  EXPECT_THAT(ran.said, HasSubstr("memory exhausted"));
  EXPECT_NE(ran.status, 0);
}

TEST(SandboxTest, NiceSchedulingAndProcessorsAreSet) {
  EXPECT_EQ(say("nice", {.nice = 7}), "7\n");
  EXPECT_EQ(say("cut -d' ' -f41 /proc/self/stat", {.scheduling = Scheduling{Scheduling::Kind::Batch, 0}}),
            std::to_string(SCHED_BATCH) + "\n");
  EXPECT_EQ(say("cut -d' ' -f41 /proc/self/stat", {.scheduling = Scheduling{Scheduling::Kind::Idle, 0}}),
            std::to_string(SCHED_IDLE) + "\n");
  EXPECT_EQ(status_line("Cpus_allowed_list", {.cpus = {0}}), "0");
}

TEST(SandboxTest, RealTimeSchedulingHasItsPriority) {
  NEEDS_ROOT();
  EXPECT_EQ(say("cut -d' ' -f40,41 /proc/self/stat", {.scheduling = Scheduling{Scheduling::Kind::RoundRobin, 10}}),
            "10 " + std::to_string(SCHED_RR) + "\n");
}

TEST(SandboxTest, AUserComesWithItsGroupsAndWithoutCapabilities) {
  NEEDS_ROOT();
  const Sandbox nobody{.user = "nobody"};
  EXPECT_EQ(say("id -un; id -Gn", nobody), "nobody\nnogroup\n");
  for (const char* set : {"CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(status_line(set, nobody), "0000000000000000") << set;
  }
  EXPECT_EQ(say("id -u; id -g; id -G", {.user = "12345"}), "12345\n12345\n12345\n") << "a number needs no account";
  EXPECT_EQ(say("id -un; id -gn; id -Gn", {.user = "nobody", .group = "daemon"}), "nobody\ndaemon\ndaemon\n");
  EXPECT_EQ(say("id -u; id -gn", {.group = "daemon"}), "0\ndaemon\n");
}

TEST(SandboxTest, CapabilitiesThatAreListedAreKeptAndNoOthers) {
  NEEDS_ROOT();
  const Sandbox user{.user = "nobody", .capabilities = {{"net_raw", "sys_nice"}}};
  const std::string both = "0000000000802000";
  for (const char* set : {"CapPrm", "CapEff", "CapBnd", "CapAmb"}) EXPECT_EQ(status_line(set, user), both) << set;
  const Sandbox root{.capabilities = {{"net_raw", "sys_nice"}}};
  for (const char* set : {"CapPrm", "CapEff", "CapBnd"}) EXPECT_EQ(status_line(set, root), both) << set;
  const Sandbox none{.capabilities = {{}}};
  for (const char* set : {"CapPrm", "CapEff", "CapBnd"}) {
    EXPECT_EQ(status_line(set, none), "0000000000000000") << set;
  }
}

TEST(SandboxTest, OfDevicesOnlyThoseThatAreListedAreThere) {
  NEEDS_ROOT();
  if (::access("/dev/tty", F_OK) != 0) GTEST_SKIP() << "this machine has no /dev/tty to list";
  if (!root_is_a_mount()) {
    SandboxProblem chroot;
    EXPECT_FALSE(make_orders({.devices = {{}}}, false, chroot));
    EXPECT_THAT(chroot.text, HasSubstr("chroot"));
    GTEST_SKIP() << "not in a chroot";
  }
  EXPECT_EQ(say("echo `ls /dev`", {.devices = {{}}}), "fd full null random shm stderr stdin stdout urandom zero\n");
  EXPECT_EQ(say("echo `ls /dev`; echo gone > /dev/null; head -c 3 /dev/zero | wc -c", {.devices = {{"/dev/tty"}}}),
            "fd full null random shm stderr stdin stdout tty urandom zero\n3\n");
  EXPECT_EQ(say(": > /dev/more; mknod /dev/more c 1 1", {.devices = {{}}}).find("Read-only") == std::string::npos,
            false);
  SandboxProblem problem;
  EXPECT_FALSE(make_orders({.devices = {{"/dev/no-such-thing"}}}, false, problem));
  EXPECT_EQ(problem.key, "devices");
  EXPECT_THAT(problem.text, HasSubstr("there is no /dev/no-such-thing"));
  EXPECT_EQ(::access("/dev/tty", F_OK), 0) << "others notice nothing";
}

TEST(SandboxTest, AKeeperThatDiesIsStillNoticedAfterAChangeOfTheUser) {
  NEEDS_ROOT();
  int report[2];
  ASSERT_EQ(::pipe2(report, O_CLOEXEC), 0);
  const auto program = shell("echo ready; exec sleep 1000", orders_of({.user = "nobody"}));
  ASSERT_TRUE(program);
  const pid_t keeper = ::fork();
  if (keeper == 0) {
    StartFailure failure;
    const auto child = start_child(*program, {1024, 1024}, failure);
    pollfd said{child->out.get(), POLLIN, 0};
    (void)::poll(&said, 1, -1);
    (void)!::write(report[1], &child->pid, sizeof child->pid);
    for (;;) ::pause();
  }
  pid_t orphan = 0;
  ASSERT_EQ(::read(report[0], &orphan, sizeof orphan), static_cast<ssize_t>(sizeof orphan));
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, orphan, 0)));
  ASSERT_TRUE(pidfd);
  ::kill(keeper, SIGKILL);
  ASSERT_EQ(::waitpid(keeper, nullptr, 0), keeper);
  pollfd ended{pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, -1), 1);
  ::close(report[0]);
  ::close(report[1]);
}

TEST(SandboxTest, TheFilterRefusesWhatChangesTheMachine) {
  if (refused_system_calls().empty()) GTEST_SKIP() << "built without libseccomp";
  EXPECT_EQ(status_line("Seccomp", {.system_calls = SystemCallFilter::Default}), "2");
  EXPECT_EQ(status_line("Seccomp", {}), "0");
  EXPECT_EQ(
      say("unshare -U true 2>/dev/null || echo refused; echo still alive", {.system_calls = SystemCallFilter::Default}),
      "refused\nstill alive\n");
}

TEST(SandboxTest, WithoutNoNewPrivilegesTheFilterTakesRoot) {
  NEEDS_ROOT();
  if (refused_system_calls().empty()) GTEST_SKIP() << "built without libseccomp";
  const Ran ran =
      run("true", orders_of({.user = "nobody", .no_new_privs = false, .system_calls = SystemCallFilter::Default}));
  ASSERT_TRUE(ran.failure);
  EXPECT_EQ(ran.failure->step, spawn_step(SandboxStep::SystemCalls));
  EXPECT_EQ(ran.failure->error, EACCES);
}

TEST(SandboxTest, AStepThatFailsIsToldWithItsReason) {
  const Limits too_much{
      .memory_bytes = {}, .open_files = 1u << 20, .core_bytes = {}, .processes = {}, .cpu_percent = {}};
  Orders orders = orders_of({.limits = too_much});
  orders.limits.at(0).value = ~std::uint64_t{0} - 1;  // beyond what any kernel gives
  const Ran ran = run("true", orders);
  ASSERT_TRUE(ran.failure);
  EXPECT_EQ(ran.failure->step, spawn_step(SandboxStep::ResourceLimits));
  EXPECT_EQ(ran.failure->error, EPERM);
  EXPECT_EQ(to_string(SandboxStep::ResourceLimits), "setting its limits");
}

TEST(SandboxTest, AUserThatIsNoneIsAProblemBeforeAnythingIsStarted) {
  SandboxProblem problem;
  EXPECT_FALSE(make_orders({.user = "nobody-of-that-name"}, false, problem));
  EXPECT_EQ(problem.key, "user");
  EXPECT_THAT(problem.text, HasSubstr("there is no user \"nobody-of-that-name\""));
  EXPECT_FALSE(make_orders({.group = "nobody-of-that-name"}, false, problem));
  EXPECT_EQ(problem.key, "group");
}

TEST(SandboxTest, ARequestWhoseOrdersAreCutOffIsRefused) {
  const Fd memfd(::memfd_create("test", MFD_CLOEXEC));
  const std::string texts("/bin/sh\0\0/bin/sh\0", 17);
  ASSERT_EQ(::write(memfd.get(), texts.data(), texts.size()), static_cast<ssize_t>(texts.size()));
  const KeeperRequest request{.kind = RequestKind::Spawn,
                              .blob_bytes = static_cast<std::uint32_t>(texts.size()),
                              .arguments = 1,
                              .number = sizeof(Orders)};
  EXPECT_FALSE(read_program(request, memfd.get()));
  KeeperRequest odd = request;
  odd.number = 5;
  EXPECT_FALSE(read_program(odd, memfd.get()));
  odd.number = 0;
  EXPECT_TRUE(read_program(odd, memfd.get()));
}

}  // namespace
}  // namespace actor::broker
