// iceoryx as a carrier, without a port around it.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <iceoryx/carrier.hpp>

#include "conformance/iceoryx_world.hpp"

namespace actor::iceoryx {
namespace {

constexpr std::uint16_t topic = 1;
constexpr std::uint64_t sender_key = 7;

IceoryxCarrier make_carrier(const std::string& actor) {
  return IceoryxCarrier({"", "carrier-test." + std::to_string(getpid()), "conformance", actor, 1});
}

std::uint64_t publish(IceoryxCarrier& carrier, std::uint64_t value) {
  std::byte* const at = carrier.loan(topic, sizeof value);
  EXPECT_NE(at, nullptr);
  std::memcpy(at, &value, sizeof value);
  return carrier.publish({{sender_key, value}, {}, 0, 0});
}

/// A handler's own events may wait for room for as long as they like, and its sender be gone before they have some.
TEST(IceoryxCarrier, ASenderThatIsForgottenMayHaveItsEventInHand) {
  conformance::make_iceoryx_world({});  // RouDi runs from here on
  IceoryxCarrier sender = make_carrier("sender");
  IceoryxCarrier reader = make_carrier("reader");
  sender.open({topic, "numbers", 4, 64, false, true, false});
  reader.open({topic, "numbers", 4, 64, false, false, false});
  for (std::uint64_t life = 1; life <= 3; ++life) {
    reader.listen(topic, sender_key, "sender");
    const std::uint64_t ticket = publish(sender, life);
    const auto payload = reader.take(topic, sender_key, ticket);
    ASSERT_EQ(payload.size(), sizeof life) << life;
    std::uint64_t value = 0;
    std::memcpy(&value, payload.data(), sizeof value);
    EXPECT_EQ(value, life);
    reader.forget(topic, sender_key);
    reader.let_go();
    EXPECT_EQ(reader.take(topic, sender_key, ticket).data(), nullptr);
  }
}

}  // namespace
}  // namespace actor::iceoryx
