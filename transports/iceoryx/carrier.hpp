#pragma once
// iceoryx as the carrier of a port's payloads (process/carrier.hpp): a publisher for each topic that the actor may
// publish, a subscriber for each topic and sender that it reads, one more for what comes from outside. Owned by the
// port, the actor's thread; iceoryx's own threads call ring_outside() only.

#include <cstdint>
#include <iceoryx_posh/popo/listener.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <map>
#include <memory>
#include <process/carrier.hpp>
#include <vector>

namespace actor::iceoryx {

class IceoryxCarrier : public Carrier {
 public:
  /// Registers the process with RouDi if that was not done yet.
  explicit IceoryxCarrier(const CarrierOptions& options);
  ~IceoryxCarrier() override;

  void open(const CarriedTopic& topic) override;
  bool has_listeners(std::uint16_t topic) override;
  std::byte* loan(std::uint16_t topic, std::uint64_t bytes) override;
  void unloan() override;
  std::uint64_t publish(const CarriedEvent& event) override;
  void listen(std::uint16_t topic, std::uint64_t sender_key, const std::string& sender) override;
  void forget(std::uint16_t topic, std::uint64_t sender_key) override;
  std::span<const std::byte> take(std::uint16_t topic, std::uint64_t sender_key, std::uint64_t ticket) override;
  void let_go() override;
  bool has_outside() override;
  bool next_outside(OutsideEvent& out) override;
  int outside_bell() const override { return bell_; }

 private:
  struct Said {
    std::unique_ptr<iox::popo::UntypedPublisher> publisher;
    std::uint64_t most_bytes;
    std::uint64_t next_ticket;
  };
  /// What one sender publishes on one topic.
  struct Heard {
    std::unique_ptr<iox::popo::UntypedSubscriber> subscriber;
    const void* ahead = nullptr;  // taken, but its ticket was not asked for yet
    ~Heard();
  };
  struct Outside {
    std::uint16_t topic;
    std::unique_ptr<iox::popo::UntypedSubscriber> subscriber;
  };

  void hear_outside(const CarriedTopic& topic);
  std::span<const std::byte> hand_out(iox::popo::UntypedSubscriber& from, const void* payload);
  static void ring_outside(iox::popo::UntypedSubscriber* subscriber, int* bell);

  CarrierOptions options_;
  std::map<std::uint16_t, CarriedTopic> topics_;
  std::map<std::uint16_t, Said> said_;
  std::map<std::pair<std::uint16_t, std::uint64_t>, Heard> heard_;
  std::vector<Outside> outside_;
  std::size_t outside_turn_ = 0;
  std::unique_ptr<iox::popo::Listener> listener_;  // made with the first of outside_, and gone before them
  int bell_ = -1;
  Said* loaned_from_ = nullptr;
  void* loaned_ = nullptr;
  iox::popo::UntypedSubscriber* in_hand_of_ = nullptr;
  const void* in_hand_ = nullptr;
};

}  // namespace actor::iceoryx
