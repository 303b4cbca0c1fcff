#include "conversion.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace station {
namespace {

/// Puts `now` in the place of the sample before, which it returns; nullopt for the first one of its subject.
template <class Sample>
std::optional<Sample> exchange_sample(std::map<std::string, Sample, std::less<>>& samples, const std::string& subject,
                                      const Sample& now) {
  const auto [place, is_first] = samples.try_emplace(subject, now);
  if (is_first) return std::nullopt;
  return std::exchange(place->second, now);
}

/// From growths of counters to rates; remembers whether one of them was unknown.
class Rates {
 public:
  Rates(Moment before, Moment now) : seconds_(std::chrono::duration<double>(now - before).count()) {}

  double per_second(std::uint64_t before, std::uint64_t now, CounterWidth width = CounterWidth::Bits64) {
    const auto growth = counter_growth(before, now, width);
    if (!growth || seconds_ <= 0) {
      known_ = false;
      return 0;
    }
    return static_cast<double>(*growth) / seconds_;
  }
  bool known() const { return known_; }

 private:
  double seconds_;
  bool known_ = true;
};

constexpr double bytes_per_sector = 512;

}  // namespace

std::optional<std::uint64_t> counter_growth(std::uint64_t before, std::uint64_t now, CounterWidth width) {
  constexpr std::uint64_t max64 = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t max = width == CounterWidth::Bits32 ? std::numeric_limits<std::uint32_t>::max() : max64;
  if (before > max || now > max) return std::nullopt;
  if (now >= before) return now - before;
  const std::uint64_t wrapped = (now - before) & max;
  return wrapped <= max / 2 ? std::optional(wrapped) : std::nullopt;
}

std::optional<double> percent_of(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0 || part > whole) return std::nullopt;
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::optional<Reading> Conversion::convert(const CpuTicks& now) {
  const std::optional<CpuTicks> before = std::exchange(cpu_, now);
  if (!before) return std::nullopt;
  // The kernel's iowait and idle may step back a little (proc(5)): that is no growth, and no wrap either.
  const auto growth = [](std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; };
  const std::uint64_t user = growth(before->user, now.user) + growth(before->nice, now.nice);
  const std::uint64_t system =
      growth(before->system, now.system) + growth(before->irq, now.irq) + growth(before->softirq, now.softirq);
  const std::uint64_t iowait = growth(before->iowait, now.iowait);
  const std::uint64_t steal = growth(before->steal, now.steal);
  const std::uint64_t idle = growth(before->idle, now.idle);
  const std::uint64_t all = user + system + iowait + steal + idle;
  if (all == 0) return std::nullopt;  // less than a tick has passed
  Reading reading{"cpu", "", {}};
  const auto add = [&](const char* quantity, std::uint64_t part) {
    const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(all);
    reading.measures.push_back({quantity, percent, Unit::Percent});
  };
  add("user", user);
  add("system", system);
  add("iowait", iowait);
  add("steal", steal);
  add("idle", idle);
  return reading;
}

std::optional<Reading> Conversion::convert(const MemoryBytes& now) const {
  const auto available_percent = percent_of(now.available, now.total);
  if (!available_percent) return std::nullopt;
  Reading reading{"memory", "", {}};
  reading.measures.push_back({"used", 100.0 - *available_percent, Unit::Percent});
  reading.measures.push_back({"available", static_cast<double>(now.available), Unit::Bytes});
  if (const auto swap_free = percent_of(now.swap_free, now.swap_total)) {
    reading.measures.push_back({"swap", 100.0 - *swap_free, Unit::Percent});
  }
  return reading;
}

std::optional<Reading> Conversion::convert(const FilesystemBytes& now) const {
  if (now.free > now.total || now.available > now.free) return std::nullopt;
  // As df counts: what root keeps for itself belongs to nobody.
  const std::uint64_t used = now.total - now.free;
  const auto percent = percent_of(used, used + now.available);
  if (!percent) return std::nullopt;
  return Reading{"disk",
                 now.mount,
                 {{"used", *percent, Unit::Percent}, {"available", static_cast<double>(now.available), Unit::Bytes}}};
}

std::optional<Reading> Conversion::convert(const DiskCounters& now) {
  const auto before = exchange_sample(disks_, now.device, now);
  if (!before) return std::nullopt;
  Rates rates(before->taken_at, now.taken_at);
  const double read = rates.per_second(before->sectors_read, now.sectors_read) * bytes_per_sector;
  const double written = rates.per_second(before->sectors_written, now.sectors_written) * bytes_per_sector;
  const double busy_ms = rates.per_second(before->busy_ms, now.busy_ms, CounterWidth::Bits32);
  if (!rates.known()) return std::nullopt;
  // The kernel adds up busy time when a request ends, which may be a little of the period before.
  const double busy = std::min(busy_ms / 10.0, 100.0);
  return Reading{"disk",
                 now.device,
                 {{"read", read, Unit::BytesPerSecond},
                  {"written", written, Unit::BytesPerSecond},
                  {"busy", busy, Unit::Percent}}};
}

std::optional<Reading> Conversion::convert(const NetworkCounters& now) {
  const auto before = exchange_sample(interfaces_, now.interface, now);
  if (!before) return std::nullopt;
  Rates rates(before->taken_at, now.taken_at);
  const double received = rates.per_second(before->received_bytes, now.received_bytes);
  const double sent = rates.per_second(before->sent_bytes, now.sent_bytes);
  const double errors = rates.per_second(before->receive_errors, now.receive_errors) +
                        rates.per_second(before->send_errors, now.send_errors);
  if (!rates.known()) return std::nullopt;
  return Reading{"network",
                 now.interface,
                 {{"received", received, Unit::BytesPerSecond},
                  {"sent", sent, Unit::BytesPerSecond},
                  {"errors", errors, Unit::PerSecond}}};
}

std::optional<Reading> Conversion::convert(const ZoneTemperature& now) const {
  const double celsius = static_cast<double>(now.millidegrees) / 1000.0;
  if (celsius < -273.15 || celsius > 1000) return std::nullopt;
  return Reading{"thermal", now.zone, {{"temperature", celsius, Unit::Celsius}}};
}

}  // namespace station
