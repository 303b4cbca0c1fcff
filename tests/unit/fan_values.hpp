#pragma once
// What tests ask of a fan again and again.

#include <gtest/gtest.h>

#include "fault/fan.hpp"

namespace actor::fault {

inline std::vector<std::uint64_t> values(const std::vector<Got>& all) {
  std::vector<std::uint64_t> result;
  for (const Got& got : all) {
    EXPECT_TRUE(got.whole) << got.value;
    result.push_back(got.value);
  }
  return result;
}

inline std::vector<std::uint64_t> from_to(std::uint64_t from, std::uint64_t until) {
  std::vector<std::uint64_t> result;
  for (; from != until; ++from) result.push_back(from);
  return result;
}

/// Where numbering might go wrong: at zero, at the ring's end, at 2^32, and just before the end of time.
inline constexpr std::uint64_t bases[] = {0, 1, 5, 7, (std::uint64_t{1} << 32) - 11, (std::uint64_t{1} << 63) - 5};

inline shm::Status& status_of(Reader& reader) {
  return reader.port->status();
}

inline void start_all(Fan& fan) {
  for (unsigned i = 0; i < fan.reader_count(); ++i) fan.start_reader(i);
  fan.start_writer();
}

}  // namespace actor::fault
