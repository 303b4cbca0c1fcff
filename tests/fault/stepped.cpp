#include "fault/stepped.hpp"

#include <elf.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>

#include "control/seqpacket.hpp"

namespace actor::fault {
namespace {

constexpr std::uint64_t steps_to_begin = 100'000;  // of raise() on its way back

[[noreturn]] void run_child(int socket, Marks& marks, const Stepped::Prepare& prepare) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
      send_note(socket, 'P', static_cast<std::uint64_t>(errno));
      _exit(3);
    }
    const std::function<void()> operation = prepare(socket, marks);
    raise(SIGSTOP);
    marks.begun.store(1);
    operation();
    marks.finished.store(1);
    raise(SIGSTOP);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "step: the child failed: %s\n", error.what());
  }
  _exit(4);
}

}  // namespace

void send_note(int socket, char kind, std::uint64_t number, std::span<const int> fds) {
  std::array<std::byte, 9> bytes;
  bytes[0] = static_cast<std::byte>(kind);
  std::memcpy(&bytes[1], &number, sizeof number);
  if (control::send_seqpacket(socket, bytes, fds) != control::SendResult::Sent)
    throw Error(ErrorCode::Io, "the other side of a stepped process does not listen", EPIPE);
}

Note receive_note(int socket, bool wait) {
  Note note;
  std::array<std::byte, 9> bytes;
  for (;;) {
    const auto received = control::receive_seqpacket(socket, bytes, note.fds);
    if (received.state == control::Received::State::Packet && received.bytes == bytes.size()) {
      note.kind = static_cast<char>(bytes[0]);
      std::memcpy(&note.number, &bytes[1], sizeof note.number);
      if (note.kind == 'P')
        throw Error(ErrorCode::Io,
                    "single-stepping a child: ptrace is not permitted here; allow it (capability SYS_PTRACE, a seccomp "
                    "profile that lets ptrace through, kernel.yama.ptrace_scope below 3)",
                    static_cast<int>(note.number));
      return note;
    }
    if (received.state != control::Received::State::Nothing || !wait) return note;
    pollfd readable{socket, POLLIN, 0};
    poll(&readable, 1, -1);
  }
}

Stepped::Stepped(const Prepare& prepare) {
  void* page = mmap(nullptr, sizeof(Marks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw_errno("mapping the marks of a stepped process");
  marks_ = new (page) Marks{};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("making a pair of sockets");
  socket_ = Fd(ends[0]);
  Fd theirs(ends[1]);
  child_ = fork();
  if (child_ < 0) throw_errno("forking a process to be stepped");
  if (child_ == 0) {
    socket_.reset();
    run_child(theirs.release(), *marks_, prepare);
  }
}

Stepped::~Stepped() {
  kill();
  munmap(marks_, sizeof(Marks));
}

void Stepped::kill() {
  if (child_ < 0) return;
  ::kill(child_, SIGKILL);
  int status = 0;
  do {
    if (waitpid(child_, &status, 0) < 0 && errno != EINTR) break;
  } while (!WIFEXITED(status) && !WIFSIGNALED(status));
  child_ = -1;
}

void Stepped::single_step() {
  int status = 0;
  if (ptrace(PTRACE_SINGLESTEP, child_, nullptr, nullptr) != 0) throw_errno("single-stepping a child (ptrace)");
  if (waitpid(child_, &status, 0) < 0) throw_errno("waiting for a stepped child");
  if (WIFSTOPPED(status) && (WSTOPSIG(status) == SIGTRAP || finished())) return;
  throw Error(ErrorCode::External,
              "a stepped child came to a stop by itself, wait status " + std::to_string(status) + ": it crashed");
}

void Stepped::begin() {
  int status = 0;
  if (waitpid(child_, &status, 0) < 0) throw_errno("waiting for a child to be stepped");
  if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP) {
    receive_note(socket_.get(), false);  // says why, if it could
    throw Error(ErrorCode::External, "a child to be stepped ended too soon, wait status " + std::to_string(status));
  }
  for (std::uint64_t i = 0; marks_->begun.load() == 0 && i < steps_to_begin; ++i) single_step();
}

std::uint64_t Stepped::step(std::uint64_t instructions) {
  std::uint64_t done = 0;
  // The kernel's clock page starts over when it was updated meanwhile: with a pause after each instruction it would
  // never come to its end. It writes no memory of ours.
  for (; !finished() && (done < instructions || is_reading_the_clock()); ++done) single_step();
  return done;
}

bool Stepped::is_reading_the_clock() const {
  constexpr std::uint64_t vdso_bytes = 8192;
  user_regs_struct registers{};
  iovec into{&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, child_, NT_PRSTATUS, &into) != 0) throw_errno("reading a stepped child's registers");
#if defined(__x86_64__)
  const std::uint64_t at = registers.rip;
#else
  const std::uint64_t at = registers.pc;
#endif
  const std::uint64_t vdso = getauxval(AT_SYSINFO_EHDR);  // fork() leaves it where it is
  return vdso != 0 && at >= vdso && at < vdso + vdso_bytes;
}

}  // namespace actor::fault
