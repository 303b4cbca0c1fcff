#pragma once

// From raw counters to rates and percentages: the arithmetic of the normalizer, without the actor. A Conversion
// remembers the sample before, one for each subject; it belongs to one thread. Every convert() gives nullopt for what
// makes no reading: a first sample, two samples of one moment, counters that were set back, values that contradict each
// other.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "events.hpp"

namespace station {

/// How wide the kernel keeps a counter, which is where it wraps.
enum class CounterWidth { Bits32, Bits64 };

/// How much a counter grew. One that went backwards wrapped if that makes it a growth of less than half its range;
/// otherwise it was set back (a driver was reloaded), and how much it grew nobody knows: nullopt.
std::optional<std::uint64_t> counter_growth(std::uint64_t before, std::uint64_t now, CounterWidth width);

/// `part` of `whole` in percent; nullopt unless 0 <= part <= whole and whole > 0.
std::optional<double> percent_of(std::uint64_t part, std::uint64_t whole);

class Conversion {
 public:
  std::optional<Reading> convert(const CpuTicks& now);
  std::optional<Reading> convert(const MemoryBytes& now) const;
  std::optional<Reading> convert(const FilesystemBytes& now) const;
  std::optional<Reading> convert(const DiskCounters& now);
  std::optional<Reading> convert(const NetworkCounters& now);
  std::optional<Reading> convert(const ZoneTemperature& now) const;

 private:
  std::optional<CpuTicks> cpu_;
  std::map<std::string, DiskCounters, std::less<>> disks_;
  std::map<std::string, NetworkCounters, std::less<>> interfaces_;
};

}  // namespace station
