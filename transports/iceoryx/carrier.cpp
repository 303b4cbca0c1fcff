#include "iceoryx/carrier.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <iceoryx_posh/mepoo/chunk_header.hpp>

#include "iceoryx/naming.hpp"
#include "iceoryx/runtime.hpp"

namespace actor::iceoryx {
namespace {

using iox::mepoo::ChunkHeader;

constexpr unsigned ticket_bits =
    40;  // of an incarnation's tickets: at 10^6/s, twelve days; then it goes on into the next

/// Null: a program that is not libactor has published it.
const ChunkNote* note_of(const void* payload) {
  const ChunkHeader* const chunk = ChunkHeader::fromUserPayload(payload);
  if (chunk->userHeaderSize() != sizeof(ChunkNote)) return nullptr;
  const auto* const note = static_cast<const ChunkNote*>(chunk->userHeader());
  return note->magic == ChunkNote::magic_value ? note : nullptr;
}

std::uint64_t queue_capacity(std::uint32_t wanted) {
  return std::min<std::uint64_t>(wanted, iox::MAX_SUBSCRIBER_QUEUE_CAPACITY);
}

}  // namespace

IceoryxCarrier::Heard::~Heard() {
  if (ahead) subscriber->release(ahead);
}

IceoryxCarrier::IceoryxCarrier(const CarrierOptions& options)
    : options_(options), bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  join(options_.runtime);
}

IceoryxCarrier::~IceoryxCarrier() {
  let_go();
  if (loaned_) unloan();
  for (Outside& outside : outside_)
    listener_->detachEvent(*outside.subscriber, iox::popo::SubscriberEvent::DATA_RECEIVED);
  listener_.reset();
  if (bell_ >= 0) close(bell_);
}

void IceoryxCarrier::open(const CarriedTopic& topic) {
  topics_.insert_or_assign(topic.wire, topic);
  if (topic.may_publish && !said_.contains(topic.wire)) {
    // Never one that waits: a reader outside that is slow, or dead, would hold the actor up for good. Our own readers
    // have room: the rings see to that.
    iox::popo::PublisherOptions options;
    options.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::DISCARD_OLDEST_DATA;
    said_.emplace(topic.wire, Said{std::make_unique<iox::popo::UntypedPublisher>(
                                       description(options_.service, options_.actor, topic.name), options),
                                   topic.most_bytes, (std::uint64_t{options_.incarnation} << ticket_bits) + 1});
  }
  if (topic.reads) hear_outside(topic);
}

// ---- Sending ----

bool IceoryxCarrier::has_listeners(std::uint16_t topic) {
  const auto said = said_.find(topic);
  return said != said_.end() && said->second.publisher->hasSubscribers();
}

std::byte* IceoryxCarrier::loan(std::uint16_t topic, std::uint64_t bytes) {
  Said& said = said_.at(topic);
  if (bytes > said.most_bytes) return nullptr;
  auto chunk =
      said.publisher->loan(static_cast<std::uint32_t>(bytes), payload_alignment, sizeof(ChunkNote), alignof(ChunkNote));
  if (chunk.has_error()) return nullptr;
  loaned_from_ = &said;
  loaned_ = chunk.value();
  return static_cast<std::byte*>(loaned_);
}

void IceoryxCarrier::unloan() {
  loaned_from_->publisher->release(loaned_);
  loaned_ = nullptr;
}

std::uint64_t IceoryxCarrier::publish(const CarriedEvent& event) {
  auto* const note = static_cast<ChunkNote*>(ChunkHeader::fromUserPayload(loaned_)->userHeader());
  const std::uint64_t ticket = loaned_from_->next_ticket++;
  *note = {ChunkNote::magic_value, ticket,
           event.type_hash,        event.id.actor,
           event.id.counter,       event.parent.actor,
           event.parent.counter,   event.monotonic_ns};
  loaned_from_->publisher->publish(loaned_);
  loaned_ = nullptr;
  return ticket;
}

// ---- Receiving ----

void IceoryxCarrier::listen(std::uint16_t topic, std::uint64_t sender_key, const std::string& sender) {
  const auto known = topics_.find(topic);
  if (known == topics_.end() || heard_.contains({topic, sender_key})) return;
  // RouDi connects it to the sender's publisher before it answers, or that publisher to it when it comes.
  iox::popo::SubscriberOptions options;
  options.queueCapacity = queue_capacity(known->second.capacity);
  heard_[{topic, sender_key}].subscriber = std::make_unique<iox::popo::UntypedSubscriber>(
      description(options_.service, sender, known->second.name), options);
}

/// What comes before the ticket was sent through shared memory as well, and read there.
std::span<const std::byte> IceoryxCarrier::take(std::uint16_t topic, std::uint64_t sender_key, std::uint64_t ticket) {
  const auto found = heard_.find({topic, sender_key});
  if (found == heard_.end()) return {};
  Heard& heard = found->second;
  for (;;) {
    if (!heard.ahead) {
      auto taken = heard.subscriber->take();
      if (taken.has_error()) return {};
      heard.ahead = taken.value();
    }
    const ChunkNote* const note = note_of(heard.ahead);
    if (note && note->ticket > ticket) return {};
    const void* const payload = std::exchange(heard.ahead, nullptr);
    if (note && note->ticket == ticket) return hand_out(*heard.subscriber, payload);
    heard.subscriber->release(payload);
  }
}

std::span<const std::byte> IceoryxCarrier::hand_out(iox::popo::UntypedSubscriber& from, const void* payload) {
  in_hand_of_ = &from;
  in_hand_ = payload;
  return {static_cast<const std::byte*>(payload), ChunkHeader::fromUserPayload(payload)->userPayloadSize()};
}

/// What its handler sent may still wait for room; the payload in hand goes with the subscriber that it came by.
void IceoryxCarrier::forget(std::uint16_t topic, std::uint64_t sender_key) {
  const auto found = heard_.find({topic, sender_key});
  if (found == heard_.end()) return;
  if (in_hand_of_ == found->second.subscriber.get()) let_go();
  heard_.erase(found);
}

void IceoryxCarrier::let_go() {
  if (in_hand_) in_hand_of_->release(in_hand_);
  in_hand_ = nullptr;
  in_hand_of_ = nullptr;
}

// ---- From outside ----

void IceoryxCarrier::hear_outside(const CarriedTopic& topic) {
  for (const Outside& known : outside_) {
    if (known.topic == topic.wire) return;
  }
  iox::popo::SubscriberOptions options;
  options.queueCapacity = queue_capacity(topic.capacity);
  // On a topic where nothing is dropped, who publishes from outside has to wait for us.
  options.queueFullPolicy =
      topic.drops_oldest ? iox::popo::QueueFullPolicy::DISCARD_OLDEST_DATA : iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
  outside_.push_back({topic.wire, std::make_unique<iox::popo::UntypedSubscriber>(
                                      description(options_.service, outside_instance, topic.name), options)});
  if (!listener_) listener_ = std::make_unique<iox::popo::Listener>();
  const auto callback = iox::popo::createNotificationCallback(ring_outside, bell_);
  listener_->attachEvent(*outside_.back().subscriber, iox::popo::SubscriberEvent::DATA_RECEIVED, callback)
      .or_else([](auto) { report_errors("listening to programs outside"); });
}

/// The Listener's thread.
void IceoryxCarrier::ring_outside(iox::popo::UntypedSubscriber*, int* bell) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(*bell, &one, sizeof one);
}

bool IceoryxCarrier::has_outside() {
  return std::any_of(outside_.begin(), outside_.end(),
                     [](const Outside& outside) { return outside.subscriber->hasData(); });
}

bool IceoryxCarrier::next_outside(OutsideEvent& out) {
  for (std::size_t tried = 0; tried < outside_.size(); ++tried) {
    const Outside& outside = outside_[outside_turn_++ % outside_.size()];
    auto taken = outside.subscriber->take();
    if (taken.has_error()) continue;
    const void* const payload = taken.value();
    const ChunkHeader* const chunk = ChunkHeader::fromUserPayload(payload);
    const ChunkNote* const note = note_of(payload);
    out.payload = hand_out(*outside.subscriber, payload);
    out.id = {static_cast<std::uint64_t>(chunk->originId()), chunk->sequenceNumber() + 1};
    out.topic = outside.topic;
    out.type_hash = note ? note->type_hash : 0;
    return true;
  }
  return false;
}

}  // namespace actor::iceoryx
