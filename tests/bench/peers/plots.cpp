#include <algorithm>
#include <cmath>
#include <functional>
#include <ostream>

#include "tables.hpp"

namespace bench {
namespace {

constexpr double panel_width = 420;
constexpr double bar_height = 16;
constexpr double label_width = 110;
constexpr double value_width = 70;
constexpr double title_height = 24;

struct Bar {
  std::string label;
  double value;
  std::string text;
};
struct Panel {
  std::string title;
  std::vector<Bar> bars;
  double height() const { return title_height + bar_height * static_cast<double>(bars.size()) + 20; }
};

std::string scaled(double value, std::initializer_list<const char*> units) {
  char line[32];
  for (const char* unit : units) {
    std::snprintf(line, sizeof line, value < 9.995 ? "%.2f %s" : value < 99.95 ? "%.1f %s" : "%.0f %s", value, unit);
    if (value < 999.5) break;
    value /= 1000;
  }
  return line;
}

/// The row with most runs of each peer.
std::vector<Bar> bars_of(const std::vector<Row>& rows, const std::function<bool(const Case&)>& wanted,
                         double Outcome::*value) {
  std::vector<const Row*> best;
  for (const Row& row : rows) {
    if (!wanted(row.what) || row.median.*value == 0) continue;
    const auto known = std::find_if(best.begin(), best.end(), [&](const Row* one) { return one->peer == row.peer; });
    if (known == best.end())
      best.push_back(&row);
    else if ((*known)->runs < row.runs)
      *known = &row;
  }
  std::vector<Bar> bars;
  for (const Row* row : best) {
    const double of = row->median.*value;
    bars.push_back(
        {row->peer, of,
         row->what.kind == Kind::Latency ? scaled(of, {"ns", "µs", "ms"}) : scaled(of, {"/s", "k/s", "M/s"})});
  }
  return bars;
}

void draw(const Panel& panel, double x, double y, std::ostream& out) {
  double lowest = 1e300;
  double highest = 0;
  for (const Bar& bar : panel.bars) {
    lowest = std::min(lowest, bar.value);
    highest = std::max(highest, bar.value);
  }
  const double from = std::floor(std::log10(lowest) - 0.3);
  const double span = std::max(0.5, std::log10(highest) - from);
  const double room = panel_width - label_width - value_width;
  out << "<g transform='translate(" << x << ' ' << y << ")'><text x='0' y='14' class='title'>" << panel.title
      << "</text>\n";
  double at = title_height;
  for (const Bar& bar : panel.bars) {
    const double length = room * (std::log10(bar.value) - from) / span;
    const bool ours = bar.label.starts_with("libactor");
    out << "<text x='" << label_width - 6 << "' y='" << at + 11 << "' text-anchor='end'>" << bar.label
        << "</text><rect x='" << label_width << "' y='" << at << "' width='" << length << "' height='" << bar_height - 3
        << "' class='" << (ours ? "ours" : "theirs") << "'/><text x='" << label_width + length + 4 << "' y='" << at + 11
        << "'>" << bar.text << "</text>\n";
    at += bar_height;
  }
  out << "</g>\n";
}

/// Two panels side by side.
void draw_all(const std::vector<Panel>& panels, std::ostream& out) {
  double height = 0;
  for (std::size_t i = 0; i < panels.size(); i += 2)
    height += std::max(panels[i].height(), i + 1 < panels.size() ? panels[i + 1].height() : 0);
  out << "<svg xmlns='http://www.w3.org/2000/svg' width='" << 2 * panel_width + 20 << "' height='" << height + 10
      << "'>\n<style>text{font:11px sans-serif;fill:#333}.title{font-weight:bold;font-size:12px}.ours{fill:#2a78b5}"
         ".theirs{fill:#b9bec4}</style>\n<rect width='100%' height='100%' fill='white'/>\n";
  double y = 10;
  for (std::size_t i = 0; i < panels.size(); i += 2) {
    draw(panels[i], 10, y, out);
    if (i + 1 < panels.size()) draw(panels[i + 1], 10 + panel_width, y, out);
    y += std::max(panels[i].height(), i + 1 < panels.size() ? panels[i + 1].height() : 0);
  }
  out << "</svg>\n";
}

void add(std::vector<Panel>& panels, std::string title, std::vector<Bar> bars) {
  if (!bars.empty()) panels.push_back({std::move(title), std::move(bars)});
}

}  // namespace

void write_latency_plot(const std::vector<Row>& rows, std::ostream& out) {
  std::vector<Panel> panels;
  const char* how[] = {"spinning", "sleeping", "sleeping, one core", "sleeping, a core each", "one event per 300 µs"};
  for (const Mode mode : {Mode::Spin, Mode::SleepTwoCores, Mode::SleepOneCore, Mode::Paced}) {
    for (const std::uint64_t size : {std::uint64_t{64}, std::uint64_t{64} << 10}) {
      const auto wanted = [&](const Case& of) {
        return of.kind == Kind::Latency && of.mode == mode && of.size == size && of.data == Data::Bytes;
      };
      const auto bars = bars_of(rows, wanted, &Outcome::p50_ns);
      add(panels, std::string("one-way p50, ") + how[static_cast<int>(mode)] + (size == 64 ? ", 64 B" : ", 64 KiB"),
          bars);
    }
  }
  draw_all(panels, out);
}

void write_throughput_plot(const std::vector<Row>& rows, std::ostream& out) {
  std::vector<Panel> panels;
  for (const char* shape : {"1-1", "1-4", "4-1", "4-4"}) {
    for (const Mode mode : {Mode::Spin, Mode::Sleep}) {
      for (const std::uint64_t size : {std::uint64_t{64}, std::uint64_t{64} << 10}) {
        const auto wanted = [&](const Case& of) {
          return of.kind == Kind::Throughput && of.mode == mode && of.size == size && of.data == Data::Bytes &&
                 of.shape() == shape;
        };
        add(panels,
            std::string(shape) + (mode == Mode::Spin ? ", spinning" : ", sleeping") +
                (size == 64 ? ", 64 B" : ", 64 KiB"),
            bars_of(rows, wanted, &Outcome::per_s));
      }
    }
  }
  draw_all(panels, out);
}

}  // namespace bench
