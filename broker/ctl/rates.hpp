#pragma once
// What happened between two answers to `ps`: events per second, how long handling took. Pure; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ctl/terminal.hpp"

namespace actor::ctl {

struct ActorRates {
  std::string name;
  std::string state;
  double sent_per_s = 0;
  double handled_per_s = 0;
  double dropped_per_s = 0;
  std::uint64_t queued = 0;
  std::uint64_t staged = 0;
  std::uint64_t restarts = 0;
  std::uint64_t restarts_now = 0;  ///< in this interval
  double uptime_s = 0;
  std::optional<double> median_s;  ///< of handling an event; nothing when none was handled
  std::optional<double> p99_s;
};

struct Rates {
  std::string broker;
  std::string state;
  double uptime_s = 0;
  double interval_s = 0;
  std::vector<ActorRates> actors;  ///< the busiest first
};

/// Throws Refusal, Json::exception for answers of another form.
Rates rates_between(const std::string& ps_before, const std::string& ps_now);

std::string show_rates(const Rates& rates, const Look& look);
std::string json_of_rates(const Rates& rates);

/// "0", "17", "1.25k", "3.4M".
std::string rate_text(double per_second);
/// "850ns", "12.5us", "3.4ms", "2.1s".
std::string time_text(double seconds);

}  // namespace actor::ctl
