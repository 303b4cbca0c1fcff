#pragma once

// What the station's actors say to each other, and on which topic. Plain structs: values, any thread.

#include <actor/overflow_policy.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace station {

/// When a sensor read its counters. A counter without its moment cannot become a rate.
using Moment = std::chrono::steady_clock::time_point;

// ---- Raw: what the kernel says, unchanged. The sensors send it, the normalizer reads it. ----

/// /proc/stat, all CPUs together, in clock ticks since boot. user includes guest, nice includes guest_nice.
struct CpuTicks {
  Moment taken_at;
  std::uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
};

/// /proc/meminfo.
struct MemoryBytes {
  Moment taken_at;
  std::uint64_t total = 0, available = 0, swap_total = 0, swap_free = 0;
};

/// statvfs() of one mounted filesystem. `available` is what users other than root may still write.
struct FilesystemBytes {
  Moment taken_at;
  std::string mount;
  std::uint64_t total = 0, free = 0, available = 0;
};

/// One line of /proc/diskstats. A sector is 512 bytes, whatever the disk calls one.
struct DiskCounters {
  Moment taken_at;
  std::string device;
  std::uint64_t sectors_read = 0, sectors_written = 0;
  std::uint64_t busy_ms = 0;  ///< 32 bits in the kernel: wraps after 49 days of work
};

/// One line of /proc/net/dev.
struct NetworkCounters {
  Moment taken_at;
  std::string interface;
  std::uint64_t received_bytes = 0, receive_errors = 0, sent_bytes = 0, send_errors = 0;
};

/// One zone of /sys/class/thermal.
struct ZoneTemperature {
  Moment taken_at;
  std::string zone;
  std::int64_t millidegrees = 0;
};

// ---- What the normalizer makes of it ----

enum class Unit : std::uint8_t { Percent, Bytes, BytesPerSecond, PerSecond, Celsius };

struct Measure {
  std::string quantity;  ///< "user", "received"
  double value = 0;
  Unit unit = Unit::Percent;
  friend bool operator==(const Measure&, const Measure&) = default;
};

/// What one sensor saw of one thing: validated, as rates and percentages.
struct Reading {
  std::string source;   ///< "cpu", "network"
  std::string subject;  ///< which one of several, "eth0" or "/"; empty where there is only one
  std::vector<Measure> measures;
  friend bool operator==(const Reading&, const Reading&) = default;
};

// ---- What the alerter says ----

enum class AlertState : std::uint8_t { Raised, Cleared };

struct Alert {
  AlertState state = AlertState::Raised;
  std::string source, subject;
  Measure measure;   ///< the value that crossed the limit
  double limit = 0;  ///< the limit that it crossed
  friend bool operator==(const Alert&, const Alert&) = default;
};

/// Something an operator should know that is neither a reading nor an alert: "no thermal zone on this machine".
struct Note {
  std::string source;
  std::string text;
};

using StationEvent = std::variant<CpuTicks, MemoryBytes, FilesystemBytes, DiskCounters, NetworkCounters,
                                  ZoneTemperature, Reading, Alert, Note>;

enum class StationTopic { Raw, Reading, Alert, Note };

constexpr StationTopic topic_of(const auto&) {
  return StationTopic::Raw;
}
constexpr StationTopic topic_of(const Reading&) {
  return StationTopic::Reading;
}
constexpr StationTopic topic_of(const Alert&) {
  return StationTopic::Alert;
}
constexpr StationTopic topic_of(const Note&) {
  return StationTopic::Note;
}

/// Counters only grow, so a newer sample makes up for a lost one: a normalizer that is late gets the newest. All else
/// must reach the recorder, so a full queue holds up its sender.
constexpr actor::OverflowPolicy overflow_policy(StationTopic topic) {
  return topic == StationTopic::Raw ? actor::OverflowPolicy::drop_oldest() : actor::OverflowPolicy::block();
}

}  // namespace station
