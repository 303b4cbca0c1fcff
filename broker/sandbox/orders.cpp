#include "sandbox/orders.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "sandbox/system_calls.hpp"

namespace actor::broker {
namespace {

std::optional<std::uint32_t> as_number(const std::string& text) {
  std::uint32_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Account {
  std::string name;  // empty: a number that has none
  std::uint32_t user = 0;
  std::optional<std::uint32_t> group;  // its own; unknown for a number without a name
};

std::optional<Account> find_account(const std::string& user) {
  std::vector<char> text(16384);
  passwd entry = {};
  passwd* found = nullptr;
  const auto number = as_number(user);
  if (number) {
    (void)::getpwuid_r(*number, &entry, text.data(), text.size(), &found);
    if (!found) return Account{{}, *number, std::nullopt};
  } else {
    (void)::getpwnam_r(user.c_str(), &entry, text.data(), text.size(), &found);
  }
  if (!found) return std::nullopt;
  return Account{found->pw_name, found->pw_uid, found->pw_gid};
}

std::optional<std::uint32_t> find_group(const std::string& group) {
  if (const auto number = as_number(group)) return number;
  std::vector<char> text(65536);
  struct group entry = {};
  struct group* found = nullptr;
  (void)::getgrnam_r(group.c_str(), &entry, text.data(), text.size(), &found);
  if (!found) return std::nullopt;
  return found->gr_gid;
}

SandboxProblem as_root(const std::string& key, const std::string& name) {
  return {key, "\"" + name + "\" needs a broker that runs as root, and this one runs as user " +
                   std::to_string(::geteuid()) + "; run it as root, or remove " + key};
}

void add_limit(Orders& orders, int resource, std::uint64_t value) {
  orders.limits.at(orders.limit_count++) = {static_cast<std::uint32_t>(resource), 0, value};
}

void order_limits(Orders& orders, const Limits& limits, bool memory_by_cgroup) {
  if (limits.memory_bytes && !memory_by_cgroup) add_limit(orders, RLIMIT_DATA, *limits.memory_bytes);
  if (limits.open_files) add_limit(orders, RLIMIT_NOFILE, *limits.open_files);
  if (limits.core_bytes) add_limit(orders, RLIMIT_CORE, *limits.core_bytes);
}

int policy_of(Scheduling::Kind kind) {
  switch (kind) {
    case Scheduling::Kind::Other:
      return SCHED_OTHER;
    case Scheduling::Kind::Batch:
      return SCHED_BATCH;
    case Scheduling::Kind::Idle:
      return SCHED_IDLE;
    case Scheduling::Kind::Fifo:
      return SCHED_FIFO;
    case Scheduling::Kind::RoundRobin:
      return SCHED_RR;
  }
  return SCHED_OTHER;
}

void order_scheduling(Orders& orders, const Sandbox& sandbox) {
  if (sandbox.nice) {
    orders.flags |= Orders::set_nice;
    orders.nice = *sandbox.nice;
  }
  if (sandbox.scheduling) {
    orders.flags |= Orders::set_scheduling;
    orders.scheduling = policy_of(sandbox.scheduling->kind);
    orders.priority = static_cast<std::int32_t>(sandbox.scheduling->priority);
  }
}

bool order_processors(Orders& orders, const std::vector<std::uint32_t>& cpus, SandboxProblem& problem) {
  const long present = ::sysconf(_SC_NPROCESSORS_CONF);
  for (const std::uint32_t cpu : cpus) {
    if (cpu >= max_cpus || static_cast<long>(cpu) >= present) {
      problem = {"cpus", "there is no processor " + std::to_string(cpu) + "; this machine has 0 to " +
                             std::to_string(present - 1)};
      return false;
    }
    orders.cpus[cpu / 64] |= std::uint64_t{1} << (cpu % 64);
    orders.cpu_words = std::max(orders.cpu_words, cpu / 64 + 1);
  }
  return true;
}

bool order_supplementary_groups(Orders& orders, const Account& account, SandboxProblem& problem) {
  std::array<gid_t, Orders::max_groups> groups = {};
  int count = groups.size();
  if (account.name.empty()) {
    groups[0] = orders.group;
    count = 1;
  } else if (::getgrouplist(account.name.c_str(), orders.group, groups.data(), &count) < 0) {
    problem = {"user", "\"" + account.name + "\" is in more than " + std::to_string(groups.size()) + " groups"};
    return false;
  }
  orders.flags |= Orders::set_groups;
  orders.group_count = static_cast<std::uint32_t>(count);
  std::copy_n(groups.begin(), count, orders.groups.begin());
  return true;
}

bool order_user(Orders& orders, const Sandbox& sandbox, SandboxProblem& problem) {
  Account account;
  if (!sandbox.user.empty()) {
    const auto found = find_account(sandbox.user);
    if (!found) {
      problem = {"user", "there is no user \"" + sandbox.user +
                             "\" on this machine; create it (adduser --system), or correct the name"};
      return false;
    }
    account = *found;
    orders.flags |= Orders::set_user | Orders::set_group;
    orders.user = account.user;
    orders.group = account.group.value_or(account.user);
  }
  if (!sandbox.group.empty()) {
    const auto found = find_group(sandbox.group);
    if (!found) {
      problem = {"group", "there is no group \"" + sandbox.group +
                              "\" on this machine; create it (addgroup --system), or correct the name"};
      return false;
    }
    orders.flags |= Orders::set_group;
    orders.group = *found;
  }
  const bool is_root = ::geteuid() == 0;
  if ((orders.flags & Orders::set_group) == 0) return true;
  const bool changes_user = (orders.flags & Orders::set_user) != 0 && orders.user != ::geteuid();
  const bool changes_group = orders.group != ::getegid();
  if (!is_root && changes_user) problem = as_root("user", sandbox.user);
  if (!is_root && !changes_user && changes_group) problem = as_root("group", sandbox.group);
  if (!problem.key.empty()) return false;
  if (!is_root) {  // it is all as it should be
    orders.flags &= ~std::uint32_t{Orders::set_user | Orders::set_group};
    return true;
  }
  return order_supplementary_groups(orders, account, problem);
}

void order_privileges(Orders& orders, const Sandbox& sandbox) {
  if (sandbox.no_new_privs) orders.flags |= Orders::set_no_new_privs;
  const bool leaves_root = (orders.flags & Orders::set_user) != 0 && orders.user != 0;
  if (!sandbox.capabilities && !leaves_root) return;
  orders.flags |= Orders::set_capabilities;
  if (!sandbox.capabilities) return;
  for (const std::string& name : *sandbox.capabilities) {
    if (const auto number = capability_number(name)) orders.capabilities |= std::uint64_t{1} << *number;
  }
}

/// SUBTLE: /dev/mem and the like are one mknod away for who may do that, and so is the old /dev for who may unmount.
bool order_devices(Orders& orders, const Sandbox& sandbox, SandboxProblem& problem) {
  if (!sandbox.devices) return true;
  problem.key = "devices";
  if (::geteuid() != 0) {
    problem.text =
        "a /dev of its own needs a broker that runs as root (CAP_SYS_ADMIN, to mount it), and this one runs "
        "as user " +
        std::to_string(::geteuid()) + "; run it as root, or remove devices";
    return false;
  }
  if (!root_is_a_mount()) {
    problem.text =
        "a /dev of its own cannot be had in a chroot, whose root is no mount point that could be kept to itself; run "
        "the broker in a mount namespace of its own (a container), or remove devices";
    return false;
  }
  orders.flags |= Orders::set_devices;
  std::size_t at = 0;
  for (const std::string& path : *sandbox.devices) {
    if (::access(path.c_str(), F_OK) != 0) {
      problem.text = "there is no " + path + " on this machine; plug it in, or remove it from the list";
      return false;
    }
    path.copy(orders.devices.data() + at, path.size());  // the manifest's check has seen to the room
    at += path.size() + 1;
    ++orders.device_count;
  }
  problem = {};
  return true;
}

}  // namespace

bool root_is_a_mount() {
  struct statx root {};
  if (::statx(AT_FDCWD, "/", 0, 0, &root) != 0 || !(root.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)) return true;
  return (root.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

std::optional<Orders> make_orders(const Sandbox& sandbox, bool memory_by_cgroup, SandboxProblem& problem) {
  Orders orders = {};
  problem = {};
  order_limits(orders, sandbox.limits, memory_by_cgroup);
  order_scheduling(orders, sandbox);
  if (!order_processors(orders, sandbox.cpus, problem)) return std::nullopt;
  if (!order_user(orders, sandbox, problem)) return std::nullopt;
  if (!order_devices(orders, sandbox, problem)) return std::nullopt;
  order_privileges(orders, sandbox);
  if (sandbox.system_calls == SystemCallFilter::Default) {
    const std::vector<std::uint64_t> filter = system_call_filter(problem.text);
    problem.key = filter.empty() ? "seccomp" : "";
    if (filter.empty() || filter.size() > Orders::max_filter) return std::nullopt;
    orders.filter_count = static_cast<std::uint32_t>(filter.size());
    std::copy(filter.begin(), filter.end(), orders.filter.begin());
  }
  return orders;
}

std::string_view to_string(SandboxStep step) {
  switch (step) {
    case SandboxStep::None:
      break;
    case SandboxStep::Cgroup:
      return "entering its cgroup";
    case SandboxStep::Devices:
      return "giving it a /dev of its own (devices)";
    case SandboxStep::ResourceLimits:
      return "setting its limits";
    case SandboxStep::Nice:
      return "setting nice";
    case SandboxStep::SchedulingPolicy:
      return "setting scheduling";
    case SandboxStep::Processors:
      return "setting cpus";
    case SandboxStep::CapabilityBounds:
      return "dropping capabilities for good";
    case SandboxStep::Groups:
      return "setting its supplementary groups";
    case SandboxStep::Group:
      return "setting group";
    case SandboxStep::User:
      return "setting user";
    case SandboxStep::Capabilities:
      return "setting capabilities";
    case SandboxStep::NoNewPrivileges:
      return "setting no_new_privs";
    case SandboxStep::SystemCalls:
      return "installing the filter of system calls (seccomp)";
  }
  return "setting up its sandbox";
}

}  // namespace actor::broker
