// What is kept of an actor's deaths.
#include "supervision/death_log.hpp"

#include <gtest/gtest.h>

#include <actor/archive.hpp>

namespace actor::broker {
namespace {

Death death_of(std::uint32_t incarnation) {
  Death death;
  death.incarnation = incarnation;
  death.reason = "signal(SEGV)";
  return death;
}

TEST(DeathLog, KeepsTheLastTenAndCountsThemAll) {
  DeathLog log;
  for (std::uint32_t i = 1; i <= 13; ++i) log.add(death_of(i));
  EXPECT_EQ(log.count(), 13U);
  ASSERT_EQ(log.last().size(), DeathLog::max_deaths);
  EXPECT_EQ(log.last().front().incarnation, 4U);
  EXPECT_EQ(log.last().back().incarnation, 13U);
}

TEST(DeathLog, KeepsTheLastLinesAndCutsWhatIsTooLong) {
  Death death = death_of(1);
  for (int i = 0; i < 30; ++i) death.last_lines.push_back({i, false, std::to_string(i)});
  death.last_lines.back().text = std::string(DeathLog::max_line_bytes - 1, 'x') + "ü";
  death.last_words = std::string(100'000, 'y');
  DeathLog log;
  log.add(death);
  const Death& kept = log.last().back();
  ASSERT_EQ(kept.last_lines.size(), DeathLog::max_lines);
  EXPECT_EQ(kept.last_lines.front().text, "10");
  EXPECT_EQ(kept.last_lines.back().text, std::string(DeathLog::max_line_bytes - 1, 'x') + "...")
      << "no half characters";
  EXPECT_EQ(kept.last_words.size(), DeathLog::max_words_bytes + 3);
}

TEST(DeathLog, KeepsOnlyAFewLinesOfTheOlderDeaths) {
  DeathLog log;
  for (std::uint32_t life = 1; life <= 2; ++life) {
    Death death = death_of(life);
    for (int i = 0; i < 5; ++i) death.last_lines.push_back({i, false, std::to_string(i)});
    log.add(death);
  }
  ASSERT_EQ(log.last().at(0).last_lines.size(), DeathLog::max_older_lines);
  EXPECT_EQ(log.last().at(0).last_lines.back().text, "4");
  EXPECT_EQ(log.last().at(1).last_lines.size(), 5U);
}

TEST(DeathLog, OutlivesTheBrainThatKeptIt) {
  DeathLog log;
  Death death = death_of(7);
  death.had_event = true;
  death.in_hand = {"Number", "T.A", "cpu", "0000", 2};
  death.last_lines = {{5, true, "oh"}};
  log.add(death);
  std::vector<std::byte> bytes(encoded_size(log.save()));
  encode(log.save(), bytes);
  DeathLog::State state;
  ASSERT_TRUE(decode(bytes, state));
  DeathLog successor;
  successor.load(state);
  EXPECT_EQ(successor.count(), 1U);
  EXPECT_EQ(successor.last().at(0).in_hand.type, "Number");
  EXPECT_EQ(successor.last().at(0).last_lines.at(0).text, "oh");
}

}  // namespace
}  // namespace actor::broker
