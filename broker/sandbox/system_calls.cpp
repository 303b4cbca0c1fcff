#include "sandbox/system_calls.hpp"

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace actor::broker {

const std::vector<std::string_view>& refused_system_calls() {
  // Why a list of what is refused, and not of what is allowed? Which calls a program needs depends on its libraries and
  // on the C library's version: an allow-list that is right today kills an actor after an update.
  static const std::vector<std::string_view> calls = {
      // looking into other processes
      "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd",
      // another kernel, or other code in this one
      "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "bpf", "perf_event_open",
      "userfaultfd", "lookup_dcookie",
      // the machine
      "reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "sethostname", "setdomainname", "iopl",
      "ioperm", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "syslog", "vhangup", "nfsservctl",
      // file systems and namespaces
      "mount", "umount2", "pivot_root", "chroot", "mount_setattr", "move_mount", "open_tree", "fsopen", "fsconfig",
      "fsmount", "fspick", "unshare", "setns", "open_by_handle_at",
      // the kernel's keyrings
      "add_key", "request_key", "keyctl",
      // memory of other NUMA nodes and of other processes
      "migrate_pages", "move_pages", "uselib", "personality"};
  return calls;
}

std::vector<std::uint64_t> system_call_filter(std::string& problem) {
  const auto failed = [&](int error) {
    problem = std::string("making the filter of system calls (libseccomp): ") + std::strerror(error);
    return std::vector<std::uint64_t>{};
  };
  const std::unique_ptr<void, void (*)(void*)> filter(::seccomp_init(SCMP_ACT_ALLOW), ::seccomp_release);
  if (!filter) return failed(ENOMEM);
  for (const std::string_view name : refused_system_calls()) {
    const int number = ::seccomp_syscall_resolve_name(std::string(name).c_str());
    if (number == __NR_SCMP_ERROR || number < 0) continue;  // this architecture, or this libseccomp, has none
    const int result = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), number, 0);
    if (result != 0) return failed(-result);
  }
  const int memfd = ::memfd_create("actor-seccomp", MFD_CLOEXEC);
  if (memfd < 0) return failed(errno);
  const int result = ::seccomp_export_bpf(filter.get(), memfd);
  const off_t bytes = ::lseek(memfd, 0, SEEK_END);
  std::vector<std::uint64_t> program(bytes > 0 ? static_cast<std::size_t>(bytes) / sizeof(std::uint64_t) : 0);
  const ssize_t count = ::pread(memfd, program.data(), program.size() * sizeof(std::uint64_t), 0);
  ::close(memfd);
  if (result != 0 || bytes <= 0 || count != bytes) return failed(result != 0 ? -result : EIO);
  return program;
}

}  // namespace actor::broker
