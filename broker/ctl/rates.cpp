#include "ctl/rates.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "ctl/field.hpp"
#include "ctl/state.hpp"
#include "ctl/table.hpp"

namespace actor::ctl {
namespace {

/// How many events took at most so many nanoseconds, and more than the one before.
using Histogram = std::map<std::uint64_t, std::uint64_t>;

Histogram histogram_of(const Json& actor) {
  Histogram histogram;
  for (const Json& bucket : member(actor, "handling_ns")) {
    if (bucket.is_array() && bucket.size() == 2 && bucket[0].is_number_unsigned() && bucket[1].is_number_unsigned())
      histogram[bucket[0].get<std::uint64_t>()] += bucket[1].get<std::uint64_t>();
  }
  return histogram;
}

/// What `now` has more than `before`. A new life counts from zero.
Histogram difference(Histogram now, const Histogram& before) {
  for (const auto& [limit, count] : before) {
    const auto found = now.find(limit);
    if (found != now.end()) found->second -= std::min(count, found->second);
  }
  return now;
}

std::optional<double> percentile(const Histogram& histogram, double part) {
  std::uint64_t all = 0;
  for (const auto& [limit, count] : histogram) all += count;
  if (all == 0) return std::nullopt;
  double left = part * static_cast<double>(all);
  for (const auto& [limit, count] : histogram) {
    left -= static_cast<double>(count);
    if (left <= 0 && count > 0) return static_cast<double>(limit) * 1e-9;
  }
  return static_cast<double>(histogram.rbegin()->first) * 1e-9;
}

const Json* find_actor(const Json& ps, const std::string& name) {
  for (const Json& actor : list_at(ps, "actors")) {
    if (cell(actor, "name") == name) return &actor;
  }
  return nullptr;
}

ActorRates rates_of(const Json& actor, const Json& before, double interval_s) {
  const auto per_second = [&](const char* key) {
    const std::uint64_t then = natural(before, key);
    const std::uint64_t now = natural(actor, key);
    return interval_s > 0 && now > then ? static_cast<double>(now - then) / interval_s : 0;
  };
  ActorRates rates;
  rates.name = cell(actor, "name");
  rates.state = cell(actor, "state");
  rates.sent_per_s = per_second("sent");
  rates.handled_per_s = per_second("handled");
  rates.dropped_per_s = per_second("dropped");
  rates.queued = natural(actor, "queued");
  rates.staged = natural(actor, "staged");
  rates.restarts = natural(actor, "restarts");
  rates.restarts_now = rates.restarts - std::min(rates.restarts, natural(before, "restarts"));
  rates.uptime_s = natural(actor, "pid") == 0 ? -1 : real(actor, "uptime_s");
  const bool same_life = natural(actor, "incarnation") == natural(before, "incarnation");
  const Histogram times = difference(histogram_of(actor), same_life ? histogram_of(before) : Histogram());
  rates.median_s = percentile(times, 0.5);
  rates.p99_s = percentile(times, 0.99);
  return rates;
}

std::string with_unit(double value, const char* unit) {
  std::array<char, 64> text{};
  const char* format = value >= 99.95 ? "%.0f%s" : value >= 9.995 ? "%.1f%s" : "%.2f%s";
  std::snprintf(text.data(), text.size(), format, value, unit);
  return text.data();
}

}  // namespace

std::string rate_text(double per_second) {
  if (per_second >= 1e6) return with_unit(per_second / 1e6, "M");
  if (per_second >= 1e3) return with_unit(per_second / 1e3, "k");
  return per_second < 0.005 ? "0" : with_unit(per_second, "");
}

std::string time_text(double seconds) {
  if (seconds < 1e-6) return with_unit(seconds * 1e9, "ns");
  if (seconds < 1e-3) return with_unit(seconds * 1e6, "us");
  if (seconds < 1) return with_unit(seconds * 1e3, "ms");
  return with_unit(seconds, "s");
}

Rates rates_between(const std::string& ps_before, const std::string& ps_now) {
  const Json before = parse_answer(ps_before);
  const Json now = parse_answer(ps_now);
  const Json& broker = member(now, "broker");
  Rates rates;
  rates.broker = cell(broker, "name");
  rates.state = cell(broker, "state");
  // The broker's own clock: when it looked, not when the answer came.
  rates.uptime_s = real(broker, "uptime_s");
  rates.interval_s = rates.uptime_s - real(member(before, "broker"), "uptime_s");
  for (const Json& actor : list_at(now, "actors")) {
    const Json* then = find_actor(before, cell(actor, "name"));
    rates.actors.push_back(rates_of(actor, then ? *then : Json::object(), rates.interval_s));
  }
  std::stable_sort(rates.actors.begin(), rates.actors.end(), [](const ActorRates& a, const ActorRates& b) {
    return a.sent_per_s + a.handled_per_s > b.sent_per_s + b.handled_per_s;
  });
  return rates;
}

std::string show_rates(const Rates& rates, const Look& look) {
  using Align = Table::Align;
  Table table({{"NAME"},
               {"STATE"},
               {"SENT/s", Align::Right},
               {"HANDLED/s", Align::Right},
               {"DROPPED/s", Align::Right},
               {"QUEUED", Align::Right},
               {"STAGED", Align::Right},
               {"MEDIAN", Align::Right},
               {"P99", Align::Right},
               {"RESTARTS", Align::Right},
               {"UPTIME", Align::Right}});
  double handled = 0;
  for (const ActorRates& actor : rates.actors) {
    handled += actor.handled_per_s;
    table.add_row({actor.name, actor.state, rate_text(actor.sent_per_s), rate_text(actor.handled_per_s),
                   rate_text(actor.dropped_per_s), std::to_string(actor.queued), std::to_string(actor.staged),
                   actor.median_s ? time_text(*actor.median_s) : "", actor.p99_s ? time_text(*actor.p99_s) : "",
                   std::to_string(actor.restarts), uptime_text(actor.uptime_s)});
    table.paint(1, colour_of_state(actor.state));
    if (actor.dropped_per_s > 0) table.paint(4, Colour::Red);
    if (actor.restarts_now > 0) table.paint(9, Colour::Red);
  }
  return "broker " + rates.broker + ", " + rates.state + ", up " + uptime_text(rates.uptime_s) + "; " +
         std::to_string(rates.actors.size()) + " actors, " + rate_text(handled) + " events handled per second\n" +
         table.text(look);
}

std::string json_of_rates(const Rates& rates) {
  nlohmann::ordered_json out;
  out["broker"] = {{"name", rates.broker}, {"state", rates.state}, {"uptime_s", rates.uptime_s}};
  out["interval_s"] = rates.interval_s;
  out["actors"] = nlohmann::ordered_json::array();
  const auto number = [](const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  };
  for (const ActorRates& actor : rates.actors) {
    out["actors"].push_back({{"name", actor.name},
                             {"state", actor.state},
                             {"sent_per_s", actor.sent_per_s},
                             {"handled_per_s", actor.handled_per_s},
                             {"dropped_per_s", actor.dropped_per_s},
                             {"queued", actor.queued},
                             {"staged", actor.staged},
                             {"median_s", number(actor.median_s)},
                             {"p99_s", number(actor.p99_s)},
                             {"restarts", actor.restarts},
                             {"restarts_in_interval", actor.restarts_now}});
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace actor::ctl
