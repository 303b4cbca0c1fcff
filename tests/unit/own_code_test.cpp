// Types that encode themselves, badly.

#include <gtest/gtest.h>

#include <actor/archive.hpp>
#include <actor/error.hpp>
#include <string>
#include <vector>

namespace actor {
namespace {

/// Writes more each time that it is asked: what no serialize() may do.
struct Growing {
  mutable std::uint32_t calls = 0;

  template <class Archive>
  void save(Archive& archive) const {
    ++calls;
    for (std::uint32_t i = 0; i < calls; ++i) archive(i);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(calls);
  }
};

TEST(Archive, OwnCodeThatWritesMoreThanItSaidIsRefusedAndWritesNothingBeyond) {
  const Growing value;
  std::vector<std::byte> bytes(encoded_size(value) + 1, std::byte{7});
  try {
    encode(value, std::span(bytes).first(bytes.size() - 1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::External);
    EXPECT_NE(std::string(error.what()).find("of Growing wrote 8 bytes after 4"), std::string::npos) << error.what();
  }
  EXPECT_EQ(bytes.back(), std::byte{7});
}

}  // namespace
}  // namespace actor
