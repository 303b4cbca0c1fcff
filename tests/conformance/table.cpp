// What the suite saw, as the table of docs/transports.md: with ACTOR_CONFORMANCE_TABLE=FILE in the environment it is
// written there when all tests have run. A row for what differs between the transports, one per suite for the rest.

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "conformance/world.hpp"

namespace actor::conformance {
namespace {

/// "AReaderThatLeaves" -> "a reader that leaves"
std::string sentence(const std::string& name) {
  std::string text;
  for (const char c : name) {
    if (std::isupper(static_cast<unsigned char>(c)) && !text.empty()) text += ' ';
    text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

class TableWriter : public testing::EmptyTestEventListener {
  /// By suite and test; then by transport.
  std::map<std::pair<std::string, std::string>, std::map<std::string, std::string>> seen_;

  void OnTestEnd(const testing::TestInfo& test) override {
    const std::string suite = test.test_suite_name();  // "Transports/Order"
    const std::string name = test.name();              // "EventsArriveInOrder/shm"
    const auto slash = name.find('/');
    if (suite.find('/') == std::string::npos || slash == std::string::npos) return;
    const testing::TestResult& result = *test.result();
    std::string cell = result.Failed() ? "FAILED" : result.Skipped() ? "no" : "yes";
    for (int i = 0; i < result.test_property_count(); ++i) {
      if (result.GetTestProperty(i).key() == std::string("elsewhere")) cell = result.GetTestProperty(i).value();
    }
    seen_[{suite.substr(suite.find('/') + 1), name.substr(0, slash)}][name.substr(slash + 1)] = cell;
  }

  void OnTestProgramEnd(const testing::UnitTest&) override {
    const char* const path = std::getenv("ACTOR_CONFORMANCE_TABLE");
    if (!path) return;
    std::ofstream out(path);
    std::string rule = "|---|";
    out << "| what holds |";
    for (const Transport& transport : transports()) {
      out << ' ' << transport.name << " |";
      rule += "---|";
    }
    out << '\n' << rule << '\n';
    for (auto row = seen_.cbegin(); row != seen_.cend();) row = write_suite(out, row);
  }

  using Rows = decltype(seen_);
  /// Returns where the next suite begins.
  Rows::const_iterator write_suite(std::ofstream& out, Rows::const_iterator row) {
    const std::string suite = row->first.first;
    unsigned alike = 0;
    std::string others;
    for (; row != seen_.end() && row->first.first == suite; ++row) {
      bool all = true;
      std::string cells;
      for (const Transport& transport : transports()) {
        const auto cell = row->second.find(transport.name);
        const std::string text = cell == row->second.end() ? "not run" : cell->second;
        all = all && text == "yes";
        cells += ' ' + text + " |";
      }
      if (all)
        ++alike;
      else
        others += "| " + suite + ": " + sentence(row->first.second) + " |" + cells + '\n';
    }
    if (alike != 0) {
      out << "| **" << suite << "**" << (others.empty() ? ", all of it" : ", but for what follows") << " (" << alike
          << (alike == 1 ? " case" : " cases") << ") |";
      for (std::size_t i = 0; i < transports().size(); ++i) out << " yes |";
      out << '\n';
    }
    out << others;
    return row;
  }
};

[[maybe_unused]] const bool listens = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new TableWriter);
  return true;
}();

}  // namespace
}  // namespace actor::conformance
