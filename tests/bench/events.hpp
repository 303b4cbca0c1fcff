#pragma once
// The events of the benchmark: the same fields in four sizes, plain bytes that travel as they lie in memory, and two
// that have to be encoded. What they are routed by is a field, so that one program plays both ends.

#include <actor/actor.hpp>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

enum class BenchTopic : std::uint64_t { Forward, Back };

constexpr std::size_t payload_words(std::size_t bytes) {
  return (bytes - 2 * sizeof(std::uint64_t)) / sizeof(std::uint64_t);
}

struct Payload64 {
  BenchTopic topic;
  std::uint64_t sequence;
  std::array<std::uint64_t, payload_words(64)> words;
};
struct Payload1K {
  BenchTopic topic;
  std::uint64_t sequence;
  std::array<std::uint64_t, payload_words(1u << 10)> words;
};
struct Payload64K {
  BenchTopic topic;
  std::uint64_t sequence;
  std::array<std::uint64_t, payload_words(64u << 10)> words;
};
struct Payload1M {
  BenchTopic topic;
  std::uint64_t sequence;
  std::array<std::uint64_t, payload_words(1u << 20)> words;
};
/// What has to be encoded.
struct TextEvent {
  BenchTopic topic{};
  std::uint64_t sequence = 0;
  double value = 0;
  std::string text;
};
struct FloatsEvent {
  BenchTopic topic{};
  std::uint64_t sequence = 0;
  std::vector<float> values;
};
static_assert(sizeof(Payload64) == 64 && sizeof(Payload1K) == 1u << 10);
static_assert(sizeof(Payload64K) == 64u << 10 && sizeof(Payload1M) == 1u << 20);

using BenchEvents = std::variant<Payload64, Payload1K, Payload64K, Payload1M, TextEvent, FloatsEvent>;

constexpr BenchTopic topic_of(const auto& event) {
  return event.topic;
}
constexpr actor::OverflowPolicy overflow_policy(BenchTopic) {
  return actor::OverflowPolicy::block();
}

}  // namespace bench
