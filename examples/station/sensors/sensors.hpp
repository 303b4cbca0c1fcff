#pragma once

// The actors that look at the machine: each reads the kernel's counters on a timer and sends them as they are, on the
// topic Raw. They share one environment:
//   STATION_PERIOD  how often to look; default 1s
//   STATION_ROOT    where /proc and /sys are found, for a container that watches its host; default "" (here)
//   STATION_MOUNTS  DiskSensor: the mount points to watch, with commas between; default "/"

#include <actor/actor.hpp>
#include <set>
#include <string>
#include <string_view>

#include "../events.hpp"

namespace station {

/// What all sensors have in common: the timer, and notes that are said once. step() stays free: nothing here waits.
class Sensor : public actor::Actor<StationEvent> {
 public:
  explicit Sensor(std::string_view source) : source_(source) {}
  void on_start() override;

 protected:
  virtual void sample() = 0;

  /// The text of a file below STATION_ROOT; empty, and a note, when it cannot be read.
  std::string read(const std::string& path);
  /// A Note, the first time that this text comes up. What keeps failing every second is said once.
  void note_once(const std::string& text);
  std::string below_root(const std::string& path) const { return root_ + path; }

 private:
  std::string source_;
  std::string root_;
  std::set<std::string> said_;
};

class CpuSensor : public Sensor {
 public:
  CpuSensor() : Sensor("cpu") {}

 private:
  void sample() override;
};

class MemorySensor : public Sensor {
 public:
  MemorySensor() : Sensor("memory") {}

 private:
  void sample() override;
};

/// Room on filesystems (statvfs) and the traffic of whole disks (/proc/diskstats).
class DiskSensor : public Sensor {
 public:
  DiskSensor() : Sensor("disk") {}
  void on_start() override;

 private:
  void sample() override;
  void sample_filesystem(const std::string& mount);

  std::vector<std::string> mounts_;
};

class NetworkSensor : public Sensor {
 public:
  NetworkSensor() : Sensor("network") {}

 private:
  void sample() override;
};

/// Thermal zones come and go with their drivers, and many machines have none: that is a note, not an error.
class ThermalSensor : public Sensor {
 public:
  ThermalSensor() : Sensor("thermal") {}

 private:
  void sample() override;
};

}  // namespace station
