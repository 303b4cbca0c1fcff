#include "sensors.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "../settings.hpp"
#include "parse.hpp"

namespace station {
namespace {

/// Files below /proc and /sys say their size is 0, and are made anew by each open: read until there is no more. Returns
/// 0, or errno.
int read_file(const std::string& path, std::string& text) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  std::array<char, 16384> block;
  int error = 0;
  for (;;) {
    const ssize_t size = ::read(fd, block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) error = errno;
    if (size <= 0) break;
    text.append(block.data(), static_cast<std::size_t>(size));
  }
  ::close(fd);
  return error;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    if (end != start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

}  // namespace

void Sensor::on_start() {
  root_ = text_setting("STATION_ROOT", "");
  const auto period = duration_setting("STATION_PERIOD", std::chrono::seconds(1));
  sample();
  ctx().every(period, [this] { sample(); });
}

std::string Sensor::read(const std::string& path) {
  std::string text;
  if (const int error = read_file(below_root(path), text)) {
    note_once("cannot read " + below_root(path) + ": " + std::strerror(error) + "; no readings from it meanwhile");
    return {};
  }
  return text;
}

void Sensor::note_once(const std::string& text) {
  if (said_.insert(text).second) ctx().send(Note{source_, text});
}

void CpuSensor::sample() {
  auto ticks = parse_proc_stat(read("/proc/stat"));
  if (!ticks) return note_once("no line \"cpu\" with its numbers in /proc/stat");
  ticks->taken_at = ctx().now();
  ctx().send(*ticks);
}

void MemorySensor::sample() {
  auto memory = parse_meminfo(read("/proc/meminfo"));
  if (!memory) return note_once("neither MemTotal nor MemAvailable in /proc/meminfo");
  memory->taken_at = ctx().now();
  ctx().send(*memory);
}

void DiskSensor::on_start() {
  mounts_ = split(text_setting("STATION_MOUNTS", "/"), ',');
  Sensor::on_start();
}

void DiskSensor::sample() {
  for (const std::string& mount : mounts_) sample_filesystem(mount);
  const Moment taken_at = ctx().now();
  for (DiskCounters& disk : parse_diskstats(read("/proc/diskstats"))) {
    // Partitions have no entry of their own there: their traffic is in their disk's. "!" stands for "/" in a name.
    std::string entry = disk.device;
    std::replace(entry.begin(), entry.end(), '/', '!');
    std::error_code ignored;
    if (!std::filesystem::exists(below_root("/sys/block/" + entry), ignored)) continue;
    disk.taken_at = taken_at;
    ctx().send(disk);
  }
}

void DiskSensor::sample_filesystem(const std::string& mount) {
  struct statvfs status {};
  if (::statvfs(below_root(mount).c_str(), &status) != 0) {
    return note_once("cannot look at the filesystem " + below_root(mount) + ": " + std::strerror(errno) +
                     "; STATION_MOUNTS names those to watch");
  }
  const std::uint64_t block = status.f_frsize;
  ctx().send(
      FilesystemBytes{ctx().now(), mount, status.f_blocks * block, status.f_bfree * block, status.f_bavail * block});
}

void NetworkSensor::sample() {
  const std::string text = read("/proc/net/dev");
  const Moment taken_at = ctx().now();
  for (NetworkCounters& counters : parse_net_dev(text)) {
    counters.taken_at = taken_at;
    ctx().send(counters);
  }
}

void ThermalSensor::sample() {
  const std::filesystem::path directory = below_root("/sys/class/thermal");
  std::vector<std::string> zones;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.starts_with("thermal_zone")) zones.push_back(name);
  }
  if (zones.empty()) note_once("no thermal zone on this machine, so no temperatures");
  std::sort(zones.begin(), zones.end());
  for (const std::string& zone : zones) {
    const std::string path = "/sys/class/thermal/" + zone;
    const auto millidegrees = parse_millidegrees(read(path + "/temp"));
    if (!millidegrees) continue;  // many zones cannot be read while their device sleeps; read() said so
    std::string type = read(path + "/type");
    while (!type.empty() && (type.back() == '\n' || type.back() == ' ')) type.pop_back();
    ctx().send(ZoneTemperature{ctx().now(), type.empty() ? zone : type, *millidegrees});
  }
}

}  // namespace station
