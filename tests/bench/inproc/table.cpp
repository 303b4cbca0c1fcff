#include "table.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <ostream>

#include "../measure.hpp"

namespace bench {
namespace {

constexpr const char* ours = "libactor-inproc";

template <class... Values>
std::string text(const char* format, Values... values) {
  char line[512];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

std::string mode_of(const Figure& figure) {
  return figure.workers == 1 ? "1-worker" : std::to_string(figure.workers) + "-workers";
}

/// 4.85 M, 170, 0.03: three digits are more than the machine is good for.
std::string rounded(double value) {
  if (value >= 1e6) return text("%.3g M", value / 1e6);
  if (value >= 1e4) return text("%.3g k", value / 1e3);
  if (value >= 1e3) return text("%.0f", value);
  return text("%.3g", value);
}

Figure figure_of(const Exchange& what, const Runs& side, double Result::*value) {
  std::vector<double> values;
  std::vector<double> cpu;
  Figure figure{};
  for (const Result& result : side.results) {
    values.push_back(result.*value);
    cpu.push_back(result.cpu_s_per_million);
    figure.sent += result.sent;
    figure.handled += result.handled;
  }
  figure.shape = what.shape;
  figure.workers = what.workers;
  figure.peer = side.peer;
  figure.runs = values.size();
  figure.median = median(values);
  figure.low = *std::min_element(values.begin(), values.end());
  figure.high = *std::max_element(values.begin(), values.end());
  figure.cpu_s_per_million = median(cpu);
  return figure;
}

struct Quantity {
  const char* bench;
  const char* key;
  const char* unit;
  double Result::*value;
  bool less_is_better;
  double target;
};

/// What is read off the runs of an exchange.
std::vector<Quantity> quantities_of(const Exchange& what) {
  if (what.count_allocations)
    return {{"allocations", "allocations_per_event", "allocations per event", &Result::allocations_per_event, true, 1}};
  std::vector<Quantity> all = {
      {"throughput", "per_s", what.shape.unit, &Result::per_s, false, what.shape.target_per_s}};
  if (what.shape.latency_unit)
    all.push_back({"latency", "p50_ns", what.shape.latency_unit, &Result::p50_ns, true, what.shape.target_p50_ns});
  return all;
}

}  // namespace

std::vector<Figure> figures_of(const Exchange& what, const std::string& state, const std::vector<Runs>& sides) {
  std::vector<Figure> figures;
  for (const Quantity& quantity : quantities_of(what)) {
    const double yardstick = figure_of(what, sides.back(), quantity.value).median;
    for (const Runs& side : sides) {
      Figure figure = figure_of(what, side, quantity.value);
      figure.bench = quantity.bench;
      figure.key = quantity.key;
      figure.unit = quantity.unit;
      figure.state = state;
      figure.less_is_better = quantity.less_is_better;
      if (&side != &sides.back()) {
        figure.target = quantity.target;
        if (yardstick > 0) figure.ratio = figure.median / yardstick;
      }
      figures.push_back(figure);
    }
  }
  return figures;
}

void write_json(const std::vector<Figure>& figures, std::ostream& out) {
  out << "[";
  const char* between = "\n";
  for (const Figure& figure : figures) {
    out << between
        << text("{\"bench\":\"%s\",\"peer\":\"%s\",\"mode\":\"%s\",\"shape\":\"%s\",\"size\":64,\"read\":\"all\"",
                figure.bench, figure.peer.c_str(), mode_of(figure).c_str(), figure.shape.name);
    if (!figure.state.empty()) out << ",\"state\":\"" << figure.state << '"';
    out << text(",\"runs\":%zu,\"%s\":%.6g,\"low\":%.6g,\"high\":%.6g,\"unit\":\"%s\",\"bound\":\"%s\"", figure.runs,
                figure.key, figure.median, figure.low, figure.high, figure.unit, figure.shape.bound)
        << text(",\"cpu_s_per_million\":%.6g,\"sent\":%llu,\"handled\":%llu", figure.cpu_s_per_million,
                static_cast<unsigned long long>(figure.sent), static_cast<unsigned long long>(figure.handled));
    if (figure.ratio != 0) out << text(",\"ratio\":%.4g", figure.ratio);
    if (figure.target != 0)
      out << text(",\"target\":%.6g,\"met\":%s", figure.target, figure.meets_target() ? "true" : "false");
    out << "}";
    between = ",\n";
  }
  out << "\n]\n";
}

void print(const Figure& figure, std::ostream& out) {
  out << text("%-11s %-9s %-10s %-15s %-7s runs %zu %9s  (%s to %s) %s", figure.bench, mode_of(figure).c_str(),
              figure.shape.name, figure.peer.c_str(), figure.state.c_str(), figure.runs, rounded(figure.median).c_str(),
              rounded(figure.low).c_str(), rounded(figure.high).c_str(), figure.unit);
  if (figure.ratio != 0) out << text("; yardstick x %.3g", figure.ratio);
  if (figure.target != 0)
    out << text("; target %s %s %s", figure.less_is_better ? "<=" : ">=", rounded(figure.target).c_str(),
                figure.meets_target() ? "met" : "MISSED");
  if (figure.peer == ours) out << "; bound: " << figure.shape.bound;
  out << std::endl;
}

void print_targets(const std::vector<Figure>& figures, std::ostream& out) {
  std::vector<const Figure*> best;
  for (const Figure& figure : figures) {
    if (figure.target == 0) continue;
    const auto same = std::find_if(best.begin(), best.end(), [&](const Figure* other) {
      return std::string_view(other->bench) == figure.bench && std::string_view(other->shape.name) == figure.shape.name;
    });
    if (same == best.end()) {
      best.push_back(&figure);
    } else if (figure.less_is_better ? figure.median < (*same)->median : figure.median > (*same)->median) {
      *same = &figure;
    }
  }
  out << "targets, in absolute numbers of another machine (EPYC Zen 4, 2 vCPU), the better of the worker counts:\n";
  for (const Figure* figure : best) {
    out << text("%-4s %8s %s %-7s %s %s (%s; yardstick x %.3g)\n", figure->meets_target() ? "pass" : "MISS",
                rounded(figure->median).c_str(), figure->less_is_better ? "<=" : ">=", rounded(figure->target).c_str(),
                figure->shape.name, figure->unit, mode_of(*figure).c_str(), figure->ratio);
  }
}

}  // namespace bench
