#pragma once

// When a value is an alert: thresholds with hysteresis, without the actor. A ThresholdWatch belongs to one thread.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "events.hpp"

namespace station {

/// "memory.used > 90 : 80" is raised above 90 and cleared below 80; "cpu.idle < 5 : 10" the other way round. Between
/// the two nothing changes: a value that wavers around a limit is one alert, not a hundred.
struct Threshold {
  std::string source, quantity;
  bool above = true;  ///< is it the high values that are bad?
  double raise_at = 0, clear_at = 0;
  friend bool operator==(const Threshold&, const Threshold&) = default;
};

/// Reads "SOURCE.QUANTITY > RAISE : CLEAR", any number of them with commas between. Throws actor::Error(External) with
/// what is wrong.
std::vector<Threshold> parse_thresholds(std::string_view text);

class ThresholdWatch {
 public:
  explicit ThresholdWatch(std::vector<Threshold> thresholds) : thresholds_(std::move(thresholds)) {}

  /// The alerts that this reading raises or clears. Each subject (each disk, each interface) is watched by itself.
  std::vector<Alert> check(const Reading& reading);

  const std::vector<Threshold>& thresholds() const { return thresholds_; }

 private:
  std::optional<Alert> check(std::size_t threshold, const Reading& reading, const Measure& measure);

  std::vector<Threshold> thresholds_;
  std::unordered_map<std::string, bool> raised_;  ///< by number of the threshold and subject
};

}  // namespace station
