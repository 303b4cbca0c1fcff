#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <process/crash_note.hpp>

namespace actor {
namespace {

constexpr std::array deadly = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

std::array<struct sigaction, deadly.size()> actions_before;
int socket_of_process = -1;
thread_local const control::PacketBytes* message_of_this_thread = nullptr;

/// Async-signal-safe. Should the socket be full, then nobody knows whose crash it was. The same fault comes again when
/// this returns, and meets what was there before; a signal that somebody has sent is sent again.
void on_crash(int signal, siginfo_t* info, void*) {
  if (const auto* message = message_of_this_thread)
    (void)::send(socket_of_process, message->data(), message->size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  const auto at = std::find(deadly.begin(), deadly.end(), signal) - deadly.begin();
  ::sigaction(signal, &actions_before[static_cast<std::size_t>(at)], nullptr);
  if (info->si_code <= 0) ::raise(signal);
}

}  // namespace

void note_crashes(int socket) {
  socket_of_process = socket;
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (std::size_t i = 0; i < deadly.size(); ++i) ::sigaction(deadly[i], &action, &actions_before[i]);
}

CrashNote::CrashNote(const std::string& actor, std::uint32_t incarnation)
    : message_(control::encode_packet<control::ToBroker>(control::ActorEnded{actor, incarnation, 0, true}, 0)) {
  const std::size_t bytes = std::max<std::size_t>(static_cast<std::size_t>(sysconf(_SC_MINSIGSTKSZ)), 16 * 1024);
  stack_ = std::make_unique<std::byte[]>(bytes);
  stack_t stack{};
  stack.ss_sp = stack_.get();
  stack.ss_size = bytes;
  stack_t before{};
  ::sigaltstack(nullptr, &before);
  if (before.ss_flags & SS_DISABLE) ::sigaltstack(&stack, nullptr);  // else a sanitizer's: it is as good
  message_of_this_thread = &message_;
}

CrashNote::~CrashNote() {
  message_of_this_thread = nullptr;
  stack_t now{};
  ::sigaltstack(nullptr, &now);
  if (now.ss_sp != stack_.get()) return;
  now.ss_flags = SS_DISABLE;
  ::sigaltstack(&now, nullptr);
}

}  // namespace actor
