#include "thresholds.hpp"

#include <actor/error.hpp>
#include <charconv>
#include <cmath>

namespace station {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\n";
  const std::size_t start = text.find_first_not_of(blanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(blanks) - start + 1);
}

[[noreturn]] void refuse(std::string_view threshold, const std::string& why) {
  throw actor::Error(actor::ErrorCode::External, "reading the threshold \"" + std::string(threshold) + "\": " + why +
                                                     "; write SOURCE.QUANTITY > RAISE : CLEAR, for example "
                                                     "\"memory.used > 90 : 80\" or \"cpu.idle < 5 : 10\"");
}

double parse_limit(std::string_view threshold, std::string_view text) {
  text = trim(text);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end || !std::isfinite(value)) {
    refuse(threshold, "\"" + std::string(text) + "\" is not a number");
  }
  return value;
}

Threshold parse_threshold(std::string_view text) {
  const std::size_t compare = text.find_first_of("<>");
  if (compare == std::string_view::npos) refuse(text, "it has neither \">\" nor \"<\"");
  const std::size_t colon = text.find(':', compare);
  if (colon == std::string_view::npos) refuse(text, "the value at which it clears is missing");
  const std::string_view name = trim(text.substr(0, compare));
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) {
    refuse(text, "\"" + std::string(name) + "\" is not a source and a quantity");
  }
  Threshold threshold{std::string(name.substr(0, dot)), std::string(name.substr(dot + 1)), text[compare] == '>',
                      parse_limit(text, text.substr(compare + 1, colon - compare - 1)),
                      parse_limit(text, text.substr(colon + 1))};
  if (threshold.above ? threshold.clear_at > threshold.raise_at : threshold.clear_at < threshold.raise_at) {
    refuse(text, "it would clear while it is still raised");
  }
  return threshold;
}

}  // namespace

std::vector<Threshold> parse_thresholds(std::string_view text) {
  std::vector<Threshold> thresholds;
  while (!trim(text).empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    thresholds.push_back(parse_threshold(trim(text.substr(0, comma))));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return thresholds;
}

std::vector<Alert> ThresholdWatch::check(const Reading& reading) {
  std::vector<Alert> alerts;
  for (std::size_t i = 0; i < thresholds_.size(); ++i) {
    if (thresholds_[i].source != reading.source) continue;
    for (const Measure& measure : reading.measures) {
      if (thresholds_[i].quantity != measure.quantity) continue;
      if (auto alert = check(i, reading, measure)) alerts.push_back(std::move(*alert));
    }
  }
  return alerts;
}

std::optional<Alert> ThresholdWatch::check(std::size_t threshold, const Reading& reading, const Measure& measure) {
  const Threshold& limits = thresholds_[threshold];
  bool& raised = raised_[std::to_string(threshold) + ' ' + reading.subject];
  const auto beyond = [&](double limit) { return limits.above ? measure.value > limit : measure.value < limit; };
  const auto within = [&](double limit) { return limits.above ? measure.value < limit : measure.value > limit; };
  // A value that is not a number is neither beyond nor within: nothing changes.
  if (!raised && beyond(limits.raise_at)) {
    raised = true;
    return Alert{AlertState::Raised, reading.source, reading.subject, measure, limits.raise_at};
  }
  if (raised && within(limits.clear_at)) {
    raised = false;
    return Alert{AlertState::Cleared, reading.source, reading.subject, measure, limits.clear_at};
  }
  return std::nullopt;
}

}  // namespace station
