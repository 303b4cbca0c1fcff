#pragma once
// The events of the benchmark: the same fields in four sizes. All are plain bytes, so that they travel as they lie in
// memory. What they are routed by is a field, so that one program plays both ends.

#include <actor/actor.hpp>
#include <array>
#include <cstdint>

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
static_assert(sizeof(Payload64) == 64 && sizeof(Payload1K) == 1u << 10);
static_assert(sizeof(Payload64K) == 64u << 10 && sizeof(Payload1M) == 1u << 20);

using BenchEvents = std::variant<Payload64, Payload1K, Payload64K, Payload1M>;

constexpr BenchTopic topic_of(const auto& event) {
  return event.topic;
}
constexpr actor::OverflowPolicy overflow_policy(BenchTopic) {
  return actor::OverflowPolicy::block();
}

}  // namespace bench
