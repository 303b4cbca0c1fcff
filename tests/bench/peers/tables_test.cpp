// What the comparison makes of its rows: the document, the plots, and the targets.

#include "tables.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace bench {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Case small{Kind::Latency, Mode::Spin, 1, 1, 64, Read::All, 0, 16};
constexpr Case large{Kind::Latency, Mode::Spin, 1, 1, 64u << 10, Read::All, 0, 16};
constexpr Case stream{Kind::Throughput, Mode::Sleep, 4, 4, 64, Read::All, 0, 16};

Case of_text(Case what) {
  what.data = Data::Text;
  return what;
}
Row latency(const Case& what, const char* peer, double p50_ns, double p999_ns = 0, Ratio ratio = {}) {
  return {what, peer, "near", 5, {p50_ns, 2 * p50_ns, p999_ns, 0, 0, 0.5}, ratio};
}
Row rate(const Case& what, const char* peer, double per_s) {
  return {what, peer, "", 5, {0, 0, 0, per_s, 0, 0.5}};
}

template <class Write>
std::string written(Write write) {
  std::ostringstream out;
  write(out);
  return out.str();
}
std::string markdown(const std::vector<Row>& rows, const std::vector<std::string>& notes = {}) {
  return written([&](std::ostream& out) { write_markdown(rows, notes, out); });
}

TEST(Tables, SayAFigureItsUnitItsRatioAndItsSpread) {
  const auto text = markdown({latency(small, "libactor-shm", 237), latency(large, "libactor-shm", 15'000),
                              latency(small, "pipe", 28'700, 1'500'000, {121.1, 99.2, 140})});
  EXPECT_THAT(text, HasSubstr("## One-way latency: both ends spin, a core each\n\nThe cores were *near*."));
  EXPECT_THAT(text, HasSubstr("| median | 64 B | 64 KiB |\n|---|---|---|\n| libactor-shm | 237 ns | 15.0 µs |\n"));
  EXPECT_THAT(text, HasSubstr("| pipe | 28.7 µs ×121 (99.2–140) | — |\n"));
  EXPECT_THAT(text, HasSubstr("| pipe | 57.4 µs / 1.50 ms | — |\n"));
  EXPECT_THAT(text, HasSubstr("| libactor-shm | 474 ns / — |"));
  EXPECT_THAT(text, HasSubstr("| pipe | 500 ns | — |\n"));
}

TEST(Tables, NameTheStateOfTheCoresOfEachFigureWhereItDiffers) {
  auto far = latency(small, "pipe", 1000);
  far.state = "far";
  const auto text = markdown({latency(small, "libactor-shm", 237), far});
  EXPECT_THAT(text, HasSubstr("| libactor-shm | 237 ns *near* |"));
  EXPECT_THAT(text, HasSubstr("| pipe | 1.00 µs *far* |"));
}

TEST(Tables, GiveRatesAndWhoWasLeftOut) {
  const auto text = markdown({rate(stream, "libactor-shm", 11.4e6), rate(stream, "nats", 480e3)}, {"caf: not here"});
  EXPECT_THAT(text, HasSubstr("## Events handled per second, 4 → 4: they sleep"));
  EXPECT_THAT(text, HasSubstr("| libactor-shm | 11.4 M/s |"));
  EXPECT_THAT(text, HasSubstr("| nats | 480 k/s |"));
  EXPECT_THAT(text, HasSubstr("## Left out\n\n- caf: not here\n"));
}

TEST(Tables, TellWhatEncodingCosts) {
  const std::vector<Row> rows = {latency(of_text(small), "libactor-shm", 290),
                                 latency(of_text(small), plain_struct, 240)};
  const auto text = markdown(rows);
  EXPECT_THAT(text, HasSubstr("| One-way latency: both ends spin, a core each | 240 ns | 290 ns | 50 ns |"));
  EXPECT_THAT(text, Not(HasSubstr(plain_struct)));
  EXPECT_THAT(written([&](std::ostream& out) { print_comparison_targets(rows, out); }),
              HasSubstr("pass   50.000 <= 100  small struct encoded and decoded, ns over a plain one, latency"));
}

TEST(Targets, AreRatiosToThePeersOfTheSameCase) {
  const std::vector<Row> rows = {latency(small, "libactor-shm", 240), latency(small, "iceoryx", 600),
                                 latency(large, "iceoryx", 1)};
  EXPECT_THAT(written([&](std::ostream& out) { print_comparison_targets(rows, out); }),
              HasSubstr("MISS    0.400 <= 0.33 64 B latency, spin / iceoryx, polling (near)\n"));
}

TEST(Plots, ShowEachPeerWithItsFigureAndTheScale) {
  const auto svg = written([](std::ostream& out) {
    write_latency_plot({latency(small, "libactor-shm", 237), latency(small, "pipe", 904), latency(small, "floor", 60),
                        latency(of_text(small), plain_struct, 240), rate(stream, "nats", 480e3)},
                       out);
  });
  for (const char* part : {"<svg ", ">libactor-shm<", ">237 ns<", ">pipe<", ">904 ns<", ">floor<", ">100 ns<", ">1 µs<",
                           "both ends spin, 64 B", "</svg>"})
    EXPECT_THAT(svg, HasSubstr(part));
  EXPECT_THAT(svg, Not(HasSubstr(plain_struct)));
  EXPECT_THAT(svg, Not(HasSubstr("nats")));
}

TEST(Plots, OfNothingAreEmpty) {
  for (const auto write : {write_latency_plot, write_throughput_plot})
    EXPECT_THAT(written([&](std::ostream& out) { write({}, out); }), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace bench
