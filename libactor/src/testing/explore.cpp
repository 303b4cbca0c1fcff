#include <actor/error.hpp>
#include <actor/testing/explore.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace actor::testing {
namespace {

std::optional<std::uint64_t> seed_from_environment() {
  const char* text = std::getenv("ACTOR_TEST_SEED");
  if (!text || !*text) return std::nullopt;
  const char* end = text + std::strlen(text);
  std::uint64_t seed = 0;
  const auto parsed = std::from_chars(text, end, seed);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    throw Error(ErrorCode::Refused, "reading ACTOR_TEST_SEED=" + std::string(text) + ": a seed is a whole number");
  return seed;
}

/// Empty unless it threw.
std::string run(const std::function<void(std::uint64_t)>& test, std::uint64_t seed) {
  try {
    test(seed);
    return {};
  } catch (const std::exception& error) {
    return *error.what() ? error.what() : "an exception without a message";
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace

std::optional<ExploreFailure> explore_seeds(Seeds seeds, const std::function<void(std::uint64_t)>& test,
                                            const std::function<bool()>& failed, const std::string& how_to_repeat) {
  if (const auto only = seed_from_environment()) seeds = Seeds(*only, 1);
  for (std::uint64_t passed = 0; passed < seeds.count; ++passed) {
    const std::uint64_t seed = seeds.first + passed;
    std::string what = run(test, seed);
    if (what.empty() && !failed()) continue;
    std::fprintf(stderr, "seed %llu fails (%llu passed before)%s%s\nto repeat it: ACTOR_TEST_SEED=%llu %s\n",
                 static_cast<unsigned long long>(seed), static_cast<unsigned long long>(passed),
                 what.empty() ? "" : ": ", what.c_str(), static_cast<unsigned long long>(seed), how_to_repeat.c_str());
    return ExploreFailure{seed, std::move(what)};
  }
  return std::nullopt;
}

}  // namespace actor::testing
