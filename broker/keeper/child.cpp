#include "keeper/child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace actor::broker {
namespace {

constexpr int control_fd = 3;
constexpr int result_fd = 4;  // close-on-exec: the program never sees it

struct Pipe {
  Fd read;
  Fd write;
};

/// The reader does not block; the writer, which is the child's, does.
std::optional<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) return std::nullopt;
  return pipe;
}

/// The same for what a child prints. Why not a pipe? Whoever moves data from a socket into one (splice, sendfile) has
/// it locked while he waits for that data, and then a read of it waits, O_NONBLOCK or not, and cannot even be killed.
std::optional<Pipe> make_output() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
  Pipe output{Fd(ends[0]), Fd(ends[1])};
  if (::fcntl(output.read.get(), F_SETFL, O_NONBLOCK) != 0) return std::nullopt;
  if (::shutdown(output.write.get(), SHUT_RD) != 0) return std::nullopt;
  return output;
}

/// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void fail_in_child(int result, SpawnStep step) {
  const StartFailure failure{step, errno};
  (void)!::write(result, &failure, sizeof failure);
  ::_exit(127);
}

void close_from(int first, const rlimit& files) {
  if (::syscall(SYS_close_range, first, ~0u, 0u) == 0) return;
  // Linux before 5.9. The keeper's limit may be higher than this one, but its descriptors are close-on-exec anyway.
  for (int fd = first; fd < static_cast<int>(std::min<rlim_t>(files.rlim_cur, 65536)); ++fd) ::close(fd);
}

/// Puts descriptors where the program expects them. SUBTLE: first all out of the way, so that none overwrites another.
bool place_descriptors(const std::array<int, 5>& fds) {
  std::array<int, 5> high = {};
  for (std::size_t i = 0; i < fds.size(); ++i) {
    high[i] = ::fcntl(fds[i], F_DUPFD_CLOEXEC, 10);
    if (high[i] < 0) return false;
  }
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const int place = static_cast<int>(i);
    if (::dup3(high[i], place, place == result_fd ? O_CLOEXEC : 0) < 0) return false;
  }
  return true;
}

void reset_signals() {
  struct sigaction fallback = {};
  fallback.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) (void)::sigaction(signal, &fallback, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// "0" is whoever writes it.
bool enter_cgroup(int cgroup) {
  return cgroup < 0 || ::write(cgroup, "0", 1) == 1;
}

[[noreturn]] void become(const ChildProgram& program, const std::array<int, 5>& fds, pid_t keeper,
                         const rlimit& files) {
  (void)::setpgid(0, 0);
  if (!enter_cgroup(program.cgroup)) fail_in_child(fds[result_fd], spawn_step(SandboxStep::Cgroup));
  if (!place_descriptors(fds)) fail_in_child(fds[result_fd], SpawnStep::Descriptors);
  close_from(result_fd + 1, files);
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  SandboxStep step = SandboxStep::None;
  if (!carry_out(program.orders, step)) fail_in_child(result_fd, spawn_step(step));
  // SUBTLE: here and no earlier, because the kernel forgets it when the user changes.
  (void)::prctl(PR_SET_PDEATHSIG, SIGHUP);
  if (::getppid() != keeper) ::_exit(127);  // the keeper died before the line above: nobody would tell
  if (*program.cwd != '\0' && ::chdir(program.cwd) != 0) fail_in_child(result_fd, SpawnStep::Directory);
  reset_signals();
  if (!install_filter(program.orders)) fail_in_child(result_fd, spawn_step(SandboxStep::SystemCalls));
  ::execve(program.exec, program.arguments.data(), program.environment.data());
  fail_in_child(result_fd, SpawnStep::Exec);
}

}  // namespace

std::optional<ChildProgram> read_program(const KeeperRequest& request, int memfd) {
  // Each text has its NUL at least: a count that makes no sense is refused before anything is allocated for it.
  const std::uint64_t texts = std::uint64_t{2} + request.arguments + request.environment;
  const std::size_t orders_bytes = request.number == 0 ? 0 : sizeof(Orders);
  if (request.number != 0 && request.number != std::int32_t{sizeof(Orders)}) return std::nullopt;
  if (request.blob_bytes > max_blob_bytes || texts + orders_bytes > request.blob_bytes || request.arguments == 0)
    return std::nullopt;
  ChildProgram program;
  program.blob.resize(request.blob_bytes);
  const ssize_t count = ::pread(memfd, program.blob.data(), program.blob.size(), 0);
  if (count != static_cast<ssize_t>(program.blob.size())) return std::nullopt;
  if (orders_bytes != 0) {
    const std::size_t texts_bytes = program.blob.size() - orders_bytes;
    std::memcpy(&program.orders, program.blob.data() + texts_bytes, orders_bytes);
    program.blob.resize(texts_bytes);
  }
  if (program.blob.back() != '\0') return std::nullopt;
  if (static_cast<std::uint64_t>(std::count(program.blob.begin(), program.blob.end(), '\0')) != texts) {
    return std::nullopt;
  }
  char* at = program.blob.data();
  const auto next = [&at] {
    char* text = at;
    while (*at++ != '\0') {
    }
    return text;
  };
  program.exec = next();
  program.cwd = next();
  for (std::uint32_t i = 0; i < request.arguments; ++i) program.arguments.push_back(next());
  for (std::uint32_t i = 0; i < request.environment; ++i) program.environment.push_back(next());
  program.arguments.push_back(nullptr);
  program.environment.push_back(nullptr);
  return program;
}

std::optional<StartedChild> start_child(const ChildProgram& program, const rlimit& files, StartFailure& failure) {
  failure.step = SpawnStep::Descriptors;
  const auto failed = [&failure] {
    failure.error = errno;
    return std::nullopt;
  };
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  auto out = make_output();
  auto err = make_output();
  auto result = make_pipe();
  int sockets[2];
  if (!null || !out || !err || !result || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    return failed();
  }
  StartedChild child{.pidfd = {},
                     .control = Fd(sockets[0]),
                     .out = std::move(out->read),
                     .err = std::move(err->read),
                     .exec_result = std::move(result->read)};
  const Fd childs_control(sockets[1]);
  if (::fcntl(child.control.get(), F_SETFL, O_NONBLOCK) != 0) return failed();
  failure.step = SpawnStep::Process;
  const pid_t keeper = ::getpid();
  child.pid = ::fork();
  if (child.pid < 0) return failed();
  if (child.pid == 0) {
    become(program, {null.get(), out->write.get(), err->write.get(), childs_control.get(), result->write.get()}, keeper,
           files);
  }
  // On both sides: whoever comes first. The child may have executed already (EACCES), which is fine.
  (void)::setpgid(child.pid, child.pid);
  // Not reaped yet, so the number is still this child's.
  child.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd) {
    failure.error = errno;
    (void)::kill(-child.pid, SIGKILL);
    return std::nullopt;  // the keeper reaps it as a stranger
  }
  return child;
}

std::optional<StartFailure> take_exec_result(int exec_result) {
  StartFailure failure;
  const ssize_t count = ::read(exec_result, &failure, sizeof failure);
  if (count != static_cast<ssize_t>(sizeof failure)) return std::nullopt;
  return failure;
}

}  // namespace actor::broker
