// Between fork and exec: async-signal-safe calls only, which here means system calls. The C library's own setuid() and
// the like talk to other threads, of which the child has none; so does nothing here.

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/orders.hpp"

namespace actor::broker {
namespace {

static_assert(sizeof(sock_filter) == sizeof(std::uint64_t));
constexpr std::uint32_t capability_count = 64;

bool has(const Orders& orders, Orders::Flag flag) {
  return (orders.flags & flag) != 0;
}

bool is_kept(const Orders& orders, std::uint32_t capability) {
  return (orders.capabilities >> capability & 1) != 0;
}

bool set_limits(const Orders& orders) {
  for (std::uint32_t i = 0; i < orders.limit_count && i < Orders::max_limits; ++i) {
    const auto& limit = orders.limits[i];
    const rlimit both{limit.value, limit.value};
    if (::syscall(SYS_prlimit64, 0, limit.resource, &both, nullptr) != 0) return false;
  }
  return true;
}

bool set_scheduling(const Orders& orders) {
  const sched_param parameters{orders.priority};
  return ::syscall(SYS_sched_setscheduler, 0, orders.scheduling, &parameters) == 0;
}

bool read_capabilities(__user_cap_data_struct (&sets)[2]) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return ::syscall(SYS_capget, &header, sets) == 0;
}

/// From the bounding set: what a program that is executed with privileges (root's included) can get at most. Whoever
/// may not change it has no capability to lose.
bool drop_bounds(const Orders& orders) {
  __user_cap_data_struct sets[2] = {};
  if (!read_capabilities(sets)) return false;
  if ((sets[0].effective >> CAP_SETPCAP & 1) == 0) return true;
  for (std::uint32_t capability = 0; capability < capability_count; ++capability) {
    if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) < 0) break;  // this kernel's last one was before
    if (!is_kept(orders, capability) && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return false;
  }
  return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0;  // over the change of the user
}

/// All sets become what is kept; the ambient set takes them through exec without file capabilities.
bool set_capabilities(const Orders& orders) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const auto low = static_cast<std::uint32_t>(orders.capabilities);
  const auto high = static_cast<std::uint32_t>(orders.capabilities >> 32);
  const __user_cap_data_struct sets[2] = {{low, low, low}, {high, high, high}};
  if (::syscall(SYS_capset, &header, sets) != 0) return false;
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return false;
  for (std::uint32_t capability = 0; capability < capability_count; ++capability) {
    if (is_kept(orders, capability) && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0)
      return false;
  }
  return true;
}

bool set_groups(const Orders& orders) {
  return ::syscall(SYS_setgroups, orders.group_count, orders.groups.data()) == 0;
}

}  // namespace

bool carry_out(const Orders& orders, SandboxStep& step) noexcept {
  // While it may still do everything.
  step = SandboxStep::Devices;
  if (has(orders, Orders::set_devices) && !make_private_devices(orders)) return false;
  step = SandboxStep::ResourceLimits;
  if (!set_limits(orders)) return false;
  step = SandboxStep::Nice;
  if (has(orders, Orders::set_nice) && ::syscall(SYS_setpriority, PRIO_PROCESS, 0, orders.nice) != 0) return false;
  step = SandboxStep::SchedulingPolicy;
  if (has(orders, Orders::set_scheduling) && !set_scheduling(orders)) return false;
  step = SandboxStep::Processors;
  if (orders.cpu_words != 0 &&
      ::syscall(SYS_sched_setaffinity, 0, orders.cpu_words * sizeof(std::uint64_t), orders.cpus.data()) != 0) {
    return false;
  }
  step = SandboxStep::CapabilityBounds;
  if (has(orders, Orders::set_capabilities) && !drop_bounds(orders)) return false;
  step = SandboxStep::Groups;
  if (has(orders, Orders::set_groups) && !set_groups(orders)) return false;
  step = SandboxStep::Group;
  const auto group = orders.group;
  if (has(orders, Orders::set_group) && ::syscall(SYS_setresgid, group, group, group) != 0) return false;
  step = SandboxStep::User;
  const auto user = orders.user;
  if (has(orders, Orders::set_user) && ::syscall(SYS_setresuid, user, user, user) != 0) return false;
  step = SandboxStep::Capabilities;
  if (has(orders, Orders::set_capabilities) && !set_capabilities(orders)) return false;
  step = SandboxStep::NoNewPrivileges;
  return !has(orders, Orders::set_no_new_privs) || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool install_filter(const Orders& orders) noexcept {
  if (orders.filter_count == 0) return true;
  sock_fprog program{static_cast<unsigned short>(orders.filter_count),
                     reinterpret_cast<sock_filter*>(const_cast<std::uint64_t*>(orders.filter.data()))};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

}  // namespace actor::broker
