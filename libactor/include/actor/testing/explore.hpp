#pragma once
// Runs a test under many seeds of deterministic mode, and says which one fails. Without GoogleTest: googletest.hpp adds
// the form that knows its failures. One thread.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace actor::testing {

/// Which seeds: explore(1000, ...) takes 1 to 1000.
struct Seeds {
  Seeds(std::uint64_t how_many) : count(how_many) {}  // NOLINT: implicit on purpose
  Seeds(std::uint64_t first_seed, std::uint64_t how_many) : first(first_seed), count(how_many) {}

  std::uint64_t first = 1;
  std::uint64_t count;
};

struct ExploreFailure {
  std::uint64_t seed;
  std::string what;  ///< of the exception; empty when `failed` said so
};

/// Runs test(seed) for one seed after the other, until it throws or `failed` says that it has failed. Then says on
/// stderr which seed it was and how to repeat it: `how_to_repeat` is the command that follows ACTOR_TEST_SEED=N.
/// When that is set in the environment, only that seed is run.
[[nodiscard]] std::optional<ExploreFailure> explore_seeds(Seeds seeds, const std::function<void(std::uint64_t)>& test,
                                                          const std::function<bool()>& failed,
                                                          const std::string& how_to_repeat);

}  // namespace actor::testing
