#pragma once
// A Sandbox in numbers: what a child does to itself between fork and exec. The brain makes the orders, because looking
// up users and building a filter takes memory and files; they travel to the keeper as they are, and the child carries
// them out with nothing but system calls.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "sandbox/sandbox.hpp"

namespace actor::broker {

/// A value of fixed size, without pointers. All zero: nothing is done.
struct Orders {
  struct ResourceLimit {
    std::uint32_t resource;  // RLIMIT_...
    std::uint32_t reserved;
    std::uint64_t value;  // soft and hard
  };
  enum Flag : std::uint32_t {
    set_nice = 1,
    set_scheduling = 2,
    set_user = 4,
    set_group = 8,
    set_groups = 16,
    set_capabilities = 32,
    set_no_new_privs = 64,
    set_devices = 128,
  };
  static constexpr std::size_t max_limits = 4;
  static constexpr std::size_t max_groups = 128;
  static constexpr std::size_t max_filter = 512;
  static constexpr std::size_t max_devices = 32;
  static constexpr std::size_t max_device_bytes = 1024;  // of all their paths

  std::uint32_t flags;
  std::int32_t nice;
  std::int32_t scheduling;  // SCHED_...
  std::int32_t priority;
  std::uint32_t user;
  std::uint32_t group;
  std::uint32_t limit_count;
  std::uint32_t group_count;
  std::uint32_t filter_count;  // instructions; 0 = no filter
  std::uint32_t cpu_words;     // of `cpus`; 0 = any processor
  std::uint32_t device_count;
  std::uint32_t reserved;
  std::uint64_t capabilities;  // a bit for each that is kept
  std::array<ResourceLimit, max_limits> limits;
  std::array<std::uint64_t, max_cpus / 64> cpus;
  std::array<std::uint32_t, max_groups> groups;
  std::array<std::uint64_t, max_filter> filter;  // struct sock_filter
  std::array<char, max_device_bytes> devices;    // paths, each ended by a NUL
};
static_assert(std::is_trivially_copyable_v<Orders> && std::has_unique_object_representations_v<Orders>);

/// Why a sandbox cannot be had on this machine.
struct SandboxProblem {
  std::string key;  // of the actor's section: "user"
  std::string text;
};

/// What of the sandbox concerns the process itself (the rest is its cgroup's: cgroups.hpp). `memory_by_cgroup`: the
/// limit of memory is set there. Nothing, with `problem` set, when this machine has no such user, group or processor,
/// or when this broker may not do it.
std::optional<Orders> make_orders(const Sandbox& sandbox, bool memory_by_cgroup, SandboxProblem& problem);

/// The step that a child was at when the kernel said no.
enum class SandboxStep : std::uint32_t {
  None = 0,
  Cgroup,
  Devices,
  ResourceLimits,
  Nice,
  SchedulingPolicy,
  Processors,
  CapabilityBounds,
  Groups,
  Group,
  User,
  Capabilities,
  NoNewPrivileges,
  SystemCalls,
};
/// "setting its limits": goes before ": Operation not permitted".
std::string_view to_string(SandboxStep step);

/// In the child: everything but the filter; false with errno set. Async-signal-safe.
bool carry_out(const Orders& orders, SandboxStep& step) noexcept;
/// A part of it: a /dev with nothing in it but what is allowed.
bool make_private_devices(const Orders& orders) noexcept;
/// False in a chroot: nothing there can be mounted for one process alone. True also when the kernel (before 5.8) cannot
/// say.
bool root_is_a_mount();
/// The last thing before exec.
bool install_filter(const Orders& orders) noexcept;

}  // namespace actor::broker
