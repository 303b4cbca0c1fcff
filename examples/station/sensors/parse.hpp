#pragma once

// Reads the kernel's text files. Pure functions over text: they know no file, keep no state, may be called from any
// thread. What is malformed is left out (nullopt, or the line is skipped), never guessed. The moment is the caller's to
// set.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "../events.hpp"

namespace station {

/// A whole decimal number, nothing before or after it. nullopt for one that does not fit.
std::optional<std::uint64_t> parse_counter(std::string_view text);

/// /proc/stat: the line "cpu". Kernels before 2.6.11 have no steal: it is 0 then. nullopt without 7 numbers.
std::optional<CpuTicks> parse_proc_stat(std::string_view text);

/// /proc/meminfo. nullopt without MemTotal and MemAvailable (kernel 3.14); swap may be missing.
std::optional<MemoryBytes> parse_meminfo(std::string_view text);

/// /proc/diskstats: disks and partitions, those that never did anything (loop0, ram3) left out.
std::vector<DiskCounters> parse_diskstats(std::string_view text);

/// /proc/net/dev: interfaces that ever carried a byte or had an error, without lo.
std::vector<NetworkCounters> parse_net_dev(std::string_view text);

/// The file `temp` of a thermal zone. nullopt for what is no number, or colder than absolute zero.
std::optional<std::int64_t> parse_millidegrees(std::string_view text);

}  // namespace station
