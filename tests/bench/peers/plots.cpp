#include <algorithm>
#include <cmath>
#include <functional>
#include <ostream>

#include "tables.hpp"

namespace bench {
namespace {

constexpr double figure_width = 900;
constexpr double margin = 10;
constexpr double panel_width = (figure_width - 3 * margin) / 2;
constexpr double row_height = 17;
constexpr double bar_height = 12;
constexpr double label_width = 106;
constexpr double value_width = 62;
constexpr double plot_width = panel_width - label_width - value_width;
constexpr double panel_title_height = 26;
constexpr double axis_height = 34;
constexpr double header_height = 56;

/// What is compared with what: peers between processes with each other, those in one process with each other.
enum class Where { Between, Within, Machine };

Where where(const std::string& peer) {
  if (peer == "floor") return Where::Machine;
  return peer == "libactor-inproc" || peer == "caf" ? Where::Within : Where::Between;
}

struct Bar {
  std::string label;
  double value;
};
struct Panel {
  std::string title;
  std::vector<Bar> bars;
};
struct Figure {
  const char* title;
  std::string (*name)(double value);
  bool less_is_better;
  std::vector<Panel> panels;
};

/// Powers of ten, the same for all panels of a figure.
struct Axis {
  explicit Axis(const Figure& figure) {
    double lowest = 1e300;
    double highest = 1;
    for (const Panel& panel : figure.panels) {
      for (const Bar& bar : panel.bars) {
        lowest = std::min(lowest, bar.value);
        highest = std::max(highest, bar.value);
      }
    }
    first = static_cast<int>(std::floor(std::log10(std::min(lowest, highest)) - 0.1));
    last = static_cast<int>(std::ceil(std::log10(highest)));
  }
  double x(double value) const { return label_width + plot_width * (std::log10(value) - first) / (last - first); }
  int first;
  int last;
};

std::string size_and(const std::string& how, std::uint64_t size) {
  return how + (size == 64 ? ", 64 B" : ", 64 KiB");
}

/// The row with most runs of each peer: the best first, those in one process behind those between processes.
std::vector<Bar> bars_of(const std::vector<Row>& rows, const std::function<bool(const Case&)>& wanted,
                         double Outcome::*value, bool less_is_better) {
  std::vector<const Row*> best;
  for (const Row& row : rows) {
    if (!wanted(row.what) || row.what.data != Data::Bytes || row.median.*value == 0) continue;
    const auto known = std::find_if(best.begin(), best.end(), [&](const Row* one) { return one->peer == row.peer; });
    if (known == best.end())
      best.push_back(&row);
    else if ((*known)->runs < row.runs)
      *known = &row;
  }
  std::stable_sort(best.begin(), best.end(), [&](const Row* a, const Row* b) {
    if (where(a->peer) != where(b->peer)) return where(a->peer) < where(b->peer);
    return less_is_better ? a->median.*value < b->median.*value : a->median.*value > b->median.*value;
  });
  std::vector<Bar> bars;
  for (const Row* row : best) bars.push_back({row->peer, row->median.*value});
  return bars;
}

double height_of(const Panel& panel) {
  return panel_title_height + row_height * static_cast<double>(panel.bars.size()) + axis_height;
}

void draw_axis(const Figure& figure, const Axis& axis, double bottom, std::ostream& out) {
  for (int power = axis.first; power <= axis.last; ++power) {
    const double value = std::pow(10, power);
    std::string name = figure.name(value);
    if (const auto point = name.find('.'); point != std::string::npos) name.erase(point, name.find(' ') - point);
    out << "<line class='grid' x1='" << axis.x(value) << "' x2='" << axis.x(value) << "' y1='" << panel_title_height - 4
        << "' y2='" << bottom << "'/><text class='tick' x='" << axis.x(value) << "' y='" << bottom + 12 << "'>" << name
        << "</text>\n";
  }
}

void draw_bar(const Figure& figure, const Axis& axis, const Bar& bar, double y, std::ostream& out) {
  constexpr const char* theirs[] = {"between", "within", "machine"};
  const char* kind = bar.label.starts_with("libactor") ? "ours" : theirs[static_cast<int>(where(bar.label))];
  const double text_y = y + bar_height - 2;
  out << "<text class='name' x='" << label_width - 6 << "' y='" << text_y << "'>" << bar.label << "</text><rect class='"
      << kind << "' x='" << label_width << "' y='" << y << "' width='" << axis.x(bar.value) - label_width
      << "' height='" << bar_height << "'/><text class='value' x='" << axis.x(bar.value) + 4 << "' y='" << text_y
      << "'>" << figure.name(bar.value) << "</text>\n";
}

void draw(const Figure& figure, const Axis& axis, const Panel& panel, double x, double y, std::ostream& out) {
  out << "<g transform='translate(" << x << ' ' << y << ")'><text class='title' y='13'>" << panel.title << "</text>\n";
  draw_axis(figure, axis, panel_title_height + row_height * static_cast<double>(panel.bars.size()), out);
  double at = panel_title_height;
  for (const Bar& bar : panel.bars) {
    draw_bar(figure, axis, bar, at, out);
    at += row_height;
  }
  out << "</g>\n";
}

void draw_legend(double y, std::ostream& out) {
  double x = margin;
  for (const auto& [kind, text, width] : {std::tuple("ours", "libactor (-inproc: in one process)", 222.0),
                                          std::tuple("between", "others, between processes", 172.0),
                                          std::tuple("within", "others, in one process", 150.0),
                                          std::tuple("machine", "what the machine itself can do", 190.0)}) {
    out << "<rect class='" << kind << "' x='" << x << "' y='" << y << "' width='12' height='12'/><text x='" << x + 17
        << "' y='" << y + 10 << "'>" << text << "</text>\n";
    x += width;
  }
}

/// Two panels side by side.
void draw(const Figure& figure, std::ostream& out) {
  const Axis axis(figure);
  std::vector<double> heights;
  for (std::size_t i = 0; i < figure.panels.size(); ++i) {
    if (i % 2 == 0) heights.push_back(0);
    heights.back() = std::max(heights.back(), height_of(figure.panels[i]));
  }
  double height = header_height;
  for (const double one : heights) height += one;
  out << "<svg xmlns='http://www.w3.org/2000/svg' width='" << figure_width << "' height='" << height
      << "' viewBox='0 0 " << figure_width << ' ' << height
      << "'>\n<style>text{font:11px sans-serif;fill:#222}.head{font-size:15px;font-weight:bold}.title{font-size:12px;"
         "font-weight:bold}.name{text-anchor:end}.tick{text-anchor:middle;font-size:10px;fill:#666}.value{paint-order:"
         "stroke;stroke:#fff;stroke-width:3px}.grid{stroke:#ddd}.ours{fill:#1f6fb2}.between{fill:#9aa2ab}.within{fill:"
         "#cdb48a}.machine{fill:#fff;stroke:#666}</style>\n<rect width='100%' height='100%' fill='white'/>\n"
         "<text class='head' x='"
      << margin << "' y='20'>" << figure.title << "</text>\n";
  draw_legend(30, out);
  double y = header_height;
  for (std::size_t i = 0; i < figure.panels.size(); ++i) {
    draw(figure, axis, figure.panels[i], i % 2 == 0 ? margin : 2 * margin + panel_width, y, out);
    if (i % 2 == 1) y += heights[i / 2];
  }
  out << "</svg>\n";
}

void add(Figure& figure, std::string title, std::vector<Bar> bars) {
  if (!bars.empty()) figure.panels.push_back({std::move(title), std::move(bars)});
}

}  // namespace

void write_latency_plot(const std::vector<Row>& rows, std::ostream& out) {
  Figure figure{"One-way latency, median. Logarithmic; shorter is better", time_name, true, {}};
  const char* how[] = {"both ends spin", "they sleep", "they sleep, on one core", "they sleep, on a core each",
                       "they sleep, one event per 300 µs"};
  for (const Mode mode : {Mode::Spin, Mode::SleepTwoCores, Mode::SleepOneCore, Mode::Paced}) {
    for (const std::uint64_t size : {std::uint64_t{64}, std::uint64_t{64} << 10}) {
      const auto wanted = [&](const Case& of) {
        return of.kind == Kind::Latency && of.mode == mode && of.size == size;
      };
      add(figure, size_and(how[static_cast<int>(mode)], size), bars_of(rows, wanted, &Outcome::p50_ns, true));
    }
  }
  draw(figure, out);
}

void write_throughput_plot(const std::vector<Row>& rows, std::ostream& out) {
  Figure figure{"Events handled per second, median. Logarithmic; longer is better", rate_name, false, {}};
  for (const auto& [writers, readers] : {std::pair(1u, 1u), std::pair(1u, 4u), std::pair(4u, 1u), std::pair(4u, 4u)}) {
    for (const Mode mode : {Mode::Spin, Mode::Sleep}) {
      for (const std::uint64_t size : {std::uint64_t{64}, std::uint64_t{64} << 10}) {
        const auto wanted = [&, to = readers, from = writers](const Case& of) {
          return of.kind == Kind::Throughput && of.mode == mode && of.size == size && of.writers == from &&
                 of.readers == to;
        };
        const std::string shape = std::to_string(writers) + " → " + std::to_string(readers);
        add(figure, size_and(shape + (mode == Mode::Spin ? ", both ends spin" : ", they sleep"), size),
            bars_of(rows, wanted, &Outcome::per_s, false));
      }
    }
  }
  draw(figure, out);
}

}  // namespace bench
