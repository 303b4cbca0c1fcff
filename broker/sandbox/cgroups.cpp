#include "sandbox/cgroups.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace actor::broker {
namespace {

namespace fs = std::filesystem;

constexpr std::array controllers = {"memory", "pids", "cpu"};
constexpr std::string_view brokers_own = "broker";

bool write_text(const fs::path& file, const std::string& text) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::set<std::string, std::less<>> words_of(const fs::path& file) {
  std::ifstream stream(file);
  std::set<std::string, std::less<>> words;
  for (std::string word; stream >> word;) words.insert(word);
  return words;
}

/// Where cgroup2 is mounted: on its own, or beside version 1 (where it has no controllers, but can still kill).
fs::path mount_point(const fs::path& root) {
  std::ifstream mounts(root / "proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos || line.compare(dash + 3, 8, "cgroup2 ") != 0) continue;
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < 5; ++i) words >> word;
    return word;
  }
  return {};
}

/// The line of version 2 of /proc/self/cgroup: "0::/system.slice/station.service".
std::string own_path(const fs::path& root) {
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::/")) return line.substr(4);
  }
  return {};
}

bool is_delegated(const fs::path& directory) {
  for (const char* attribute : {"user.delegate", "trusted.delegate"}) {
    char value = 0;
    if (::getxattr(directory.c_str(), attribute, &value, 1) == 1 && value == '1') return true;
  }
  return false;
}

}  // namespace

Cgroups::Cgroups(const std::optional<fs::path>& given) : Cgroups(given, "/") {}

Cgroups::Cgroups(const std::optional<fs::path>& given, const fs::path& root) : root_(root) {
  const fs::path mount = mount_point(root_);
  const fs::path own = mount.empty() ? fs::path() : mount / own_path(root_);
  // A brain's successor is already where enter() had moved its predecessor.
  const fs::path owns_base = own.filename() == brokers_own ? own.parent_path() : own;
  if (given) {
    base_ = *given;
  } else if (mount.empty()) {
    why_not_ = "this machine has no cgroup2 file system";
    return;
  } else if (!is_delegated(owns_base)) {
    why_not_ =
        "the broker's cgroup " + owns_base.string() + " was not delegated to it; in a systemd unit, set Delegate=yes";
    return;
  } else {
    base_ = owns_base;
  }
  is_in_base_ = own == base_;
  look_at_base();
}

void Cgroups::look_at_base() {
  if (!fs::exists(base_ / "cgroup.procs")) {
    why_not_ = base_.string() + " is no cgroup of version 2";
  } else if (::access(base_.c_str(), W_OK) != 0) {
    why_not_ = "the cgroup " + base_.string() + " may not be changed by this user";
  }
  if (!available()) return;
  const auto present = words_of(base_ / "cgroup.controllers");
  for (const char* controller : controllers) {
    if (present.contains(std::string_view(controller))) controllers_.insert(controller);
  }
}

bool Cgroups::enter(const std::vector<pid_t>& broker) {
  if (!available()) return false;
  const auto failed = [this](const std::string& what) {
    why_not_ = what + ": " + std::strerror(errno);
    controllers_.clear();
    return false;
  };
  if (is_in_base_) {
    const fs::path own = base_ / brokers_own;
    if (::mkdir(own.c_str(), 0755) != 0 && errno != EEXIST) return failed("making the cgroup " + own.string());
    for (const pid_t pid : broker) {
      if (!write_text(own / "cgroup.procs", std::to_string(pid))) return failed("entering the cgroup " + own.string());
    }
    is_in_base_ = false;
  }
  for (const char* controller : controllers) {
    if (controls(controller)) (void)write_text(base_ / "cgroup.subtree_control", '+' + std::string(controller));
  }
  const auto enabled = words_of(base_ / "cgroup.subtree_control");
  std::erase_if(controllers_, [&](const std::string& controller) { return !enabled.contains(controller); });
  return true;
}

std::vector<std::string> Cgroups::missing(const Limits& limits) const {
  std::vector<std::string> keys;
  if (limits.processes && !(available() && controls("pids"))) keys.emplace_back("processes");
  if (limits.cpu_percent && !(available() && controls("cpu"))) keys.emplace_back("cpu");
  return keys;
}

std::string Cgroups::why_missing(std::string_view key) const {
  if (!available()) return why_not();
  const std::string controller(key == "processes" ? "pids" : key);
  const std::string hint =
      key == "memory" ? " (on a Raspberry Pi: cgroup_enable=memory on the kernel's command line)" : "";
  return "the kernel's " + controller + " controller is not switched on for the cgroup " + base_.string() + hint;
}

fs::path Cgroups::leaf(std::string_view actor) const {
  return base_ / ("actor." + std::string(actor));
}

Fd Cgroups::prepare(std::string_view actor, const Limits& limits) const {
  if (!available()) {
    errno = ENOTSUP;
    return {};
  }
  const fs::path directory = leaf(actor);
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return {};
  // Always all of them: an actor's limit may have been taken away by a reload.
  bool good = true;
  if (controls("memory")) {
    const std::string bytes = limits.memory_bytes ? std::to_string(*limits.memory_bytes) : "max";
    good = good && write_text(directory / "memory.max", bytes);
    (void)write_text(directory / "memory.oom.group", "1");  // half an actor is no use
  }
  if (controls("pids")) {
    good = good && write_text(directory / "pids.max", limits.processes ? std::to_string(*limits.processes) : "max");
  }
  if (controls("cpu")) {
    constexpr std::uint64_t period_us = 100'000;
    const std::string quota =
        limits.cpu_percent ? std::to_string(std::uint64_t{*limits.cpu_percent} * period_us / 100) : "max";
    good = good && write_text(directory / "cpu.max", quota + ' ' + std::to_string(period_us));
  }
  if (!good) return {};
  return Fd(::open((directory / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
}

std::uint64_t Cgroups::oom_kills(std::string_view actor) const {
  if (!available()) return 0;
  std::ifstream events(leaf(actor) / "memory.events");
  std::string name;
  std::uint64_t value = 0;
  while (events >> name >> value) {
    if (name == "oom_kill") return value;
  }
  return 0;
}

void Cgroups::kill(std::string_view actor) const {
  if (available()) (void)write_text(leaf(actor) / "cgroup.kill", "1");
}

void Cgroups::remove(std::string_view actor) const {
  if (available()) (void)::rmdir(leaf(actor).c_str());
}

}  // namespace actor::broker
