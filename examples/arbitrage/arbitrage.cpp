// Trades where one venue sells for less than another one pays: topics that are structs, and a chain of events from a
// quote to a trade. The actors are in market.hpp; tests/examples/arbitrage_test.cpp tests them. Ends when both venues
// close.
//   arbitrage --in-process                            all as actors of this process
//   actor-broker examples/arbitrage/arbitrage.toml    each a process of its own

#include <actor/run.hpp>
#include <actor/supervisor.hpp>

#include "market.hpp"

int main(int argc, char** argv) {
  using namespace arbitrage;
  if (argc < 2 || std::string(argv[1]) != "--in-process") return actor::run<Feed, Finder, Executor, Ledger>(argc, argv);
  actor::Supervisor<MarketEvent> supervisor;
  supervisor.add_actor<Ledger>("ledger", {Market{"executor", pairs[0]}, Market{"executor", pairs[1]}});
  supervisor.add_actor<Executor>("executor", {Market{"finder", pairs[0]}, Market{"finder", pairs[1]}});
  supervisor.add_actor<Finder>("finder", {Market{venues[0], pairs[0]}, Market{venues[0], pairs[1]},
                                          Market{venues[1], pairs[0]}, Market{venues[1], pairs[1]}});
  for (const std::string& venue : venues) supervisor.add_actor<Feed>(venue, actor::Subscribe::none());
  supervisor.stop_on_signals();
  supervisor.run();
}
