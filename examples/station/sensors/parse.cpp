#include "parse.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace station {
namespace {

constexpr std::string_view blanks = " \t\r\n";

/// Takes the next line off the front of `text`; the last one needs no newline.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// Takes the next word off the front of `line`; empty at its end.
std::string_view take_word(std::string_view& line) {
  const std::size_t start = std::min(line.find_first_not_of(blanks), line.size());
  const std::size_t end = std::min(line.find_first_of(blanks, start), line.size());
  const std::string_view word = line.substr(start, end - start);
  line.remove_prefix(end);
  return word;
}

/// How many numbers `line` begins with, up to out.size(), which get them.
std::size_t take_counters(std::string_view line, std::span<std::uint64_t> out) {
  std::size_t count = 0;
  while (count < out.size()) {
    const auto counter = parse_counter(take_word(line));
    if (!counter) break;
    out[count++] = *counter;
  }
  return count;
}

/// "       123 kB" in bytes.
std::optional<std::uint64_t> parse_kibibytes(std::string_view line) {
  const auto number = parse_counter(take_word(line));
  if (!number || take_word(line) != "kB") return std::nullopt;
  if (*number > std::numeric_limits<std::uint64_t>::max() / 1024) return std::nullopt;
  return *number * 1024;
}

}  // namespace

std::optional<std::uint64_t> parse_counter(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<CpuTicks> parse_proc_stat(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (take_word(line) != "cpu") continue;
    std::array<std::uint64_t, 8> ticks{};
    if (take_counters(line, ticks) < 7) return std::nullopt;
    return CpuTicks{{}, ticks[0], ticks[1], ticks[2], ticks[3], ticks[4], ticks[5], ticks[6], ticks[7]};
  }
  return std::nullopt;
}

std::optional<MemoryBytes> parse_meminfo(std::string_view text) {
  std::optional<std::uint64_t> total, available, swap_total, swap_free;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const std::string_view key = take_word(line);
    if (key == "MemTotal:") total = parse_kibibytes(line);
    if (key == "MemAvailable:") available = parse_kibibytes(line);
    if (key == "SwapTotal:") swap_total = parse_kibibytes(line);
    if (key == "SwapFree:") swap_free = parse_kibibytes(line);
  }
  if (!total || !available) return std::nullopt;
  MemoryBytes memory{{}, *total, *available};
  if (swap_total && swap_free) {
    memory.swap_total = *swap_total;
    memory.swap_free = *swap_free;
  }
  return memory;
}

std::vector<DiskCounters> parse_diskstats(std::string_view text) {
  std::vector<DiskCounters> disks;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const bool has_numbers = parse_counter(take_word(line)) && parse_counter(take_word(line));  // major, minor
    const std::string_view device = take_word(line);
    // reads, merged, sectors, ms; writes, merged, sectors, ms; in flight, busy ms
    std::array<std::uint64_t, 10> fields{};
    if (!has_numbers || device.empty() || take_counters(line, fields) < fields.size()) continue;
    const DiskCounters disk{{}, std::string(device), fields[2], fields[6], fields[9]};
    if (disk.sectors_read != 0 || disk.sectors_written != 0) disks.push_back(disk);
  }
  return disks;
}

std::vector<NetworkCounters> parse_net_dev(std::string_view text) {
  std::vector<NetworkCounters> interfaces;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    // The name may touch the first number ("eth0:123"), and an alias has colons of its own ("eth0:1:123").
    const std::size_t colon = line.rfind(':');
    if (colon == std::string_view::npos) continue;  // the two lines of headings
    std::string_view front = line.substr(0, colon);
    const std::string_view name = take_word(front);
    // received: bytes, packets, errors, and 5 more; sent: bytes, packets, errors, and 5 more
    std::array<std::uint64_t, 16> fields{};
    if (name.empty() || name == "lo" || take_counters(line.substr(colon + 1), fields) < fields.size()) continue;
    const NetworkCounters counters{{}, std::string(name), fields[0], fields[2], fields[8], fields[10]};
    const bool used = counters.received_bytes != 0 || counters.sent_bytes != 0 || counters.receive_errors != 0 ||
                      counters.send_errors != 0;
    if (used) interfaces.push_back(counters);
  }
  return interfaces;
}

std::optional<std::int64_t> parse_millidegrees(std::string_view text) {
  const std::string_view word = take_word(text);
  std::int64_t value = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value);
  const bool is_number = !word.empty() && error == std::errc() && stop == end;
  if (!is_number || text.find_first_not_of(" \t\r\n") != std::string_view::npos) return std::nullopt;
  if (value < -273'150) return std::nullopt;
  return value;
}

}  // namespace station
