#include "manifest/parse_sandbox.hpp"

#include <charconv>

#include "manifest/names.hpp"
#include "manifest/suggestion.hpp"
#include "sandbox/orders.hpp"

namespace actor::broker {
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t tib = std::uint64_t{1} << 40;
constexpr std::uint32_t max_percent = 100 * max_cpus;

/// "50%"
std::optional<std::uint32_t> parse_percent(std::string_view text) {
  std::uint32_t percent = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, percent);
  if (error != std::errc{} || rest + 1 != end || *rest != '%') return std::nullopt;
  if (percent < 1 || percent > max_percent) return std::nullopt;
  return percent;
}

void read_limits(TableReader& read, Limits& limits) {
  read.bytes("memory", limits.memory_bytes, {mib, tib});
  read.integer("open_files", limits.open_files, {16, 1u << 20});
  read.bytes("core", limits.core_bytes, {0, tib});
  read.integer("processes", limits.processes, {1, 1u << 22});
  std::string cpu;
  read.text("cpu", cpu);
  if (cpu.empty()) return;
  limits.cpu_percent = parse_percent(cpu);
  if (!limits.cpu_percent) {
    read.error("cpu", in_quotes(cpu) + " is not a share of the processors; allowed: \"1%\" to \"" +
                          std::to_string(max_percent) + "%\", where \"100%\" is one processor");
  }
}

void read_scheduling(TableReader& read, Sandbox& sandbox) {
  std::string text;
  read.text("scheduling", text);
  if (text.empty()) return;
  sandbox.scheduling = parse_scheduling(text);
  if (!sandbox.scheduling) {
    read.error("scheduling",
               in_quotes(text) +
                   " is not allowed; allowed: \"other\", \"batch\", \"idle\", \"fifo:N\", \"rr:N\", where N is "
                   "a priority from 1 to 99" +
                   did_you_mean(text, {"other", "batch", "idle"}));
  } else if (sandbox.nice && sandbox.scheduling->priority != 0) {
    read.error("nice", "has no effect with scheduling = " + in_quotes(text) + "; remove one of the two");
  }
}

void read_capabilities(TableReader& read, Sandbox& sandbox) {
  if (!read.has("capabilities")) {
    std::vector<std::string> none;
    return read.texts("capabilities", none);  // the key is known
  }
  read.texts("capabilities", sandbox.capabilities.emplace());
  for (const std::string& name : *sandbox.capabilities) {
    if (capability_number(name)) continue;
    read.error("capabilities", in_quotes(name) +
                                   " is not a capability; they are written as in capabilities(7), in lower case and "
                                   "without \"cap_\", such as \"net_raw\"" +
                                   did_you_mean(name, capability_names()));
  }
}

void read_devices(TableReader& read, Sandbox& sandbox) {
  std::vector<std::string> paths;
  read.texts("devices", paths);
  if (!read.has("devices")) return;
  std::size_t bytes = 0;
  for (const std::string& path : paths) {
    bytes += path.size() + 1;
    const bool is_plain = path.starts_with("/dev/") && path.find("//") == std::string::npos &&
                          path.find("/.") == std::string::npos && path.back() != '/';
    if (!is_plain) read.error("devices", in_quotes(path) + " is not a device; allowed: paths such as \"/dev/i2c-1\"");
  }
  if (paths.size() > Orders::max_devices || bytes > Orders::max_device_bytes)
    read.error("devices", "lists " + std::to_string(paths.size()) + " devices with " + std::to_string(bytes) +
                              " bytes in their paths; the most are " + std::to_string(Orders::max_devices) + " and " +
                              std::to_string(Orders::max_device_bytes) + ": name a directory in their place");
  sandbox.devices = std::move(paths);
}

}  // namespace

void read_sandbox(TableReader& read, Sandbox& sandbox) {
  read.table("limits", [&](TableReader& table) { read_limits(table, sandbox.limits); });
  read.signed_integer("nice", sandbox.nice, {-20, 19});
  read_scheduling(read, sandbox);
  read.integers("cpus", sandbox.cpus, {0, max_cpus - 1});
  read.text("user", sandbox.user);
  read.text("group", sandbox.group);
  read.boolean("no_new_privs", sandbox.no_new_privs);
  read_capabilities(read, sandbox);
  read_devices(read, sandbox);
  read.choice<SystemCallFilter>("seccomp", sandbox.system_calls,
                                {{"none", SystemCallFilter::None}, {"default", SystemCallFilter::Default}});
}

}  // namespace actor::broker
