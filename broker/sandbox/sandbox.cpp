#include "sandbox/sandbox.hpp"

#include <algorithm>
#include <charconv>

namespace actor::broker {

std::optional<Scheduling> parse_scheduling(std::string_view text) {
  using Kind = Scheduling::Kind;
  if (text == "other") return Scheduling{Kind::Other, 0};
  if (text == "batch") return Scheduling{Kind::Batch, 0};
  if (text == "idle") return Scheduling{Kind::Idle, 0};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view name = text.substr(0, colon);
  if (name != "fifo" && name != "rr") return std::nullopt;
  const std::string_view digits = text.substr(colon + 1);
  std::uint32_t priority = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), priority);
  if (error != std::errc{} || rest != digits.data() + digits.size() || priority < 1 || priority > 99) {
    return std::nullopt;
  }
  return Scheduling{name == "fifo" ? Kind::Fifo : Kind::RoundRobin, priority};
}

const std::vector<std::string>& capability_names() {
  // The index is the number, which the kernel never changes: linux/capability.h.
  static const std::vector<std::string> names = {"chown",
                                                 "dac_override",
                                                 "dac_read_search",
                                                 "fowner",
                                                 "fsetid",
                                                 "kill",
                                                 "setgid",
                                                 "setuid",
                                                 "setpcap",
                                                 "linux_immutable",
                                                 "net_bind_service",
                                                 "net_broadcast",
                                                 "net_admin",
                                                 "net_raw",
                                                 "ipc_lock",
                                                 "ipc_owner",
                                                 "sys_module",
                                                 "sys_rawio",
                                                 "sys_chroot",
                                                 "sys_ptrace",
                                                 "sys_pacct",
                                                 "sys_admin",
                                                 "sys_boot",
                                                 "sys_nice",
                                                 "sys_resource",
                                                 "sys_time",
                                                 "sys_tty_config",
                                                 "mknod",
                                                 "lease",
                                                 "audit_write",
                                                 "audit_control",
                                                 "setfcap",
                                                 "mac_override",
                                                 "mac_admin",
                                                 "syslog",
                                                 "wake_alarm",
                                                 "block_suspend",
                                                 "audit_read",
                                                 "perfmon",
                                                 "bpf",
                                                 "checkpoint_restore"};
  return names;
}

std::optional<std::uint32_t> capability_number(std::string_view name) {
  const auto& names = capability_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - names.begin());
}

}  // namespace actor::broker
