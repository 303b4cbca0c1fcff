#pragma once

// Text that is put together at compile time and kept in read-only storage. A Write type has
// `static constexpr void write(TextSink&)`; it runs twice: once to measure, once to write. Compile time only; any
// thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace actor::detail {

/// Measures when `at` is null, writes otherwise.
struct TextSink {
  char* at = nullptr;
  std::size_t size = 0;

  constexpr void put(std::string_view text) {
    if (at != nullptr) {
      for (std::size_t i = 0; i < text.size(); ++i) at[size + i] = text[i];
    }
    size += text.size();
  }
  constexpr void put_number(std::int64_t value) {
    if (value < 0) put("-");
    put_unsigned(value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value));
  }
  constexpr void put_unsigned(std::uint64_t value) {
    char digits[20] = {};
    std::size_t count = 0;
    do {
      digits[19 - count++] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    put({digits + 20 - count, count});
  }
};

template <class Write>
struct StaticText {
  static constexpr std::size_t size = [] {
    TextSink sink;
    Write::write(sink);
    return sink.size;
  }();
  static constexpr std::array<char, size + 1> storage = [] {
    std::array<char, size + 1> text{};
    TextSink sink{text.data(), 0};
    Write::write(sink);
    return text;
  }();
  static constexpr std::string_view view{storage.data(), size};
};

}  // namespace actor::detail
