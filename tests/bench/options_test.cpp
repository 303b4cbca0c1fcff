// What the drivers of the benchmarks make of their words.

#include "options.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

namespace bench {
namespace {

using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStderr;
using testing::internal::GetCapturedStdout;

struct Words {
  std::string json;
  bool quick = false;
  unsigned minutes = 11;
  int runs = 0;

  int drive(
      std::vector<std::string> words, const std::function<void()>& run = [] {}) {
    words.insert(words.begin(), "/somewhere/bench_it");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return bench::drive(
        static_cast<int>(argv.size()), argv.data(),
        {text_option("--json", "FILE", json), flag("--quick", quick), number_option("--minutes", "N", minutes)},
        "FILE is a file.\n", [&] {
          ++runs;
          run();
        });
  }
};

TEST(Options, AreTakenInAnyOrder) {
  Words words;
  EXPECT_EQ(words.drive({"--minutes", "3", "--quick", "--json", "here.json"}), 0);
  EXPECT_EQ(words.json, "here.json");
  EXPECT_TRUE(words.quick);
  EXPECT_EQ(words.minutes, 3U);
  EXPECT_EQ(words.runs, 1);
}

TEST(Options, ThatMakeNoSenseAreAnsweredWithTheUsage) {
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"--qick"}, {"--json"}, {"--minutes", "0"}, {"--minutes", "-1"}, {"--minutes", "3x"}, {"--minutes", ""}}) {
    Words words;
    CaptureStderr();
    EXPECT_EQ(words.drive(wrong), 2);
    EXPECT_EQ(GetCapturedStderr(), "usage: bench_it [--json FILE] [--quick] [--minutes N]\nFILE is a file.\n");
    EXPECT_EQ(words.runs, 0);
  }
}

TEST(Options, HelpIsTheUsage) {
  Words words;
  CaptureStdout();
  EXPECT_EQ(words.drive({"--help"}), 0);
  EXPECT_THAT(GetCapturedStdout(), HasSubstr("usage: bench_it"));
  EXPECT_EQ(words.runs, 0);
}

TEST(Options, WhatWentWrongIsSaidAndIsTheStatus) {
  Words words;
  CaptureStderr();
  EXPECT_EQ(words.drive({}, [] { save("/no/such/directory/file", [](std::ostream& out) { out << "rows"; }); }), 1);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("bench_it: cannot write /no/such/directory/file: No such file"));
}

}  // namespace
}  // namespace bench
