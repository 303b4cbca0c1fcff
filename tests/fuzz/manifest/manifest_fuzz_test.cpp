// Mutates a manifest that uses every key and reads what comes out: it must neither crash nor hang, and end either as a
// manifest or with errors that point into the file. A failure prints its seed; ACTOR_FUZZ_SEED repeats it,
// ACTOR_FUZZ_ROUNDS lengthens it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "manifest/manifest.hpp"

namespace actor::broker {
namespace {

constexpr std::string_view original = R"(# every key
[broker]
name = "station"
runtime_dir = "/run/station"
log = "json"
drain_timeout = "5s"
shutdown_timeout = "1min"
[topics."StationTopic.Reading"]
overflow = "block"
block_deadline = "250us"
capacity = 1024
[groups.outer]
strategy = "rest_for_one"
[groups.inner]
parent = "outer"
on_exhausted = "escalate"
[actors.cpu]
exec = "./cpu"
member_of = "inner"
depends_on = { "disk.1" = "ready" }
success_exit = [1, 2]
args = ["-x", 'y', """
z"""]
env = { A = "1", "B" = "\u00e4" }
cwd = "data"
publishes = ["StationTopic.Reading", "T{a=1}"]
subscribes = ["*", "$sys/actor"]
restart = "transient"
backoff = { base = "10ms", max = "5s", reset_after = "10s" }
start_timeout = "10s"
stop_timeout = "0"
memory = "16MiB"
[actors.cpu.budget]
restarts = 5
within = "10s"
[actors."disk.1"]
exec = "disk"
subscribes = ["StationTopic.Reading"]
)";

// What breaks readers more often than random bytes do.
constexpr std::array<std::string_view, 24> tokens{
    "\"",    "'",    "\"\"\"", "'''",  "[",  "]",       "[[",         "{",
    "}",     ".",    "=",      ",",    "\n", "\\",      "#",          "*",
    "$sys/", "\xff", "1e9",    "true", "-1", "\\u0000", "1979-05-27", "a.a.a.a.a.a.a.a.a.a.a.a.a"};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string mutate() {
    std::string text(original);
    for (std::size_t i = 1 + below(6); i > 0; --i) mutate_once(text);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void mutate_once(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = std::min(below(40), text.size() - at);
    switch (below(6)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, tokens[below(tokens.size())]);
        break;
      case 2:
        text.insert(below(text.size() + 1), text.substr(at, length));
        break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 4:
        text.resize(at);
        break;
      case 5:
        for (std::size_t n = below(300); n > 0; --n) text.insert(at, tokens[below(tokens.size())]);
        break;
    }
  }

  std::mt19937_64 random_;
};

void check_findings(const std::vector<ManifestError>& findings, std::string_view text) {
  const auto lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n') + 1);
  for (const ManifestError& finding : findings) {
    EXPECT_EQ(finding.file, "fuzz.toml");
    EXPECT_FALSE(finding.message.empty());
    EXPECT_LE(finding.line, lines) << format(finding);
    EXPECT_EQ(format(finding).find('\n'), std::string::npos) << format(finding);
    // Only "there are no actors" has nothing to point at.
    EXPECT_TRUE(finding.line != 0 || finding.key == "actors") << format(finding);
  }
}

TEST(ManifestFuzz, AMutatedManifestIsReadOrRefusedWithReasons) {
  const std::uint64_t seed = from_environment("ACTOR_FUZZ_SEED", std::random_device{}());
  const std::uint64_t rounds = from_environment("ACTOR_FUZZ_ROUNDS", 3000);
  std::printf("ACTOR_FUZZ_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Mutator mutator(seed);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const std::string text = mutator.mutate();
    const ManifestResult result = parse_manifest(text, "fuzz.toml");
    EXPECT_EQ(result.manifest.has_value(), result.errors.empty());
    check_findings(result.errors, text);
    check_findings(result.warnings, text);
    if (HasFailure()) {
      std::printf("seed %llu, round %llu:\n%s\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(round), text.c_str());
      return;
    }
  }
}

}  // namespace
}  // namespace actor::broker
