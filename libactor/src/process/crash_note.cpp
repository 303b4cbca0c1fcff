#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <process/crash_note.hpp>

namespace actor {
namespace {

constexpr std::array deadly = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

std::array<struct sigaction, deadly.size()> actions_before;
thread_local std::atomic<std::uint64_t>* word_of_this_thread = nullptr;

/// Async-signal-safe. The same fault comes again when this returns, and meets what was there before; a signal that
/// somebody has sent is sent again.
void on_crash(int signal, siginfo_t* info, void*) {
  if (word_of_this_thread) word_of_this_thread->store(static_cast<std::uint64_t>(signal), std::memory_order_relaxed);
  const auto at = std::find(deadly.begin(), deadly.end(), signal) - deadly.begin();
  ::sigaction(signal, &actions_before[static_cast<std::size_t>(at)], nullptr);
  if (info->si_code <= 0) ::raise(signal);
}

}  // namespace

void note_crashes() {
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (std::size_t i = 0; i < deadly.size(); ++i) ::sigaction(deadly[i], &action, &actions_before[i]);
}

CrashNote::CrashNote(std::atomic<std::uint64_t>& word) {
  const std::size_t bytes = std::max<std::size_t>(static_cast<std::size_t>(sysconf(_SC_MINSIGSTKSZ)), 16 * 1024);
  stack_ = std::make_unique<std::byte[]>(bytes);
  stack_t stack{};
  stack.ss_sp = stack_.get();
  stack.ss_size = bytes;
  stack_t before{};
  ::sigaltstack(nullptr, &before);
  if (before.ss_flags & SS_DISABLE) ::sigaltstack(&stack, nullptr);  // else a sanitizer's: it is as good
  word_of_this_thread = &word;
}

CrashNote::~CrashNote() {
  word_of_this_thread = nullptr;
  stack_t now{};
  ::sigaltstack(nullptr, &now);
  if (now.ss_sp != stack_.get()) return;
  now.ss_flags = SS_DISABLE;
  ::sigaltstack(&now, nullptr);
}

}  // namespace actor
