// Topics whose payloads a Carrier takes, as far as it can: what Sender and Receiver do differently for them.

#include <algorithm>
#include <cstring>
#include <ctime>
#include <shm/receiver.hpp>
#include <shm/sender.hpp>

namespace actor::shm {

std::string_view Sender::name_of_wire(std::uint16_t wire) const {
  const auto found = std::find_if(topics_.begin(), topics_.end(), [&](const Topic& t) { return t.is.wire == wire; });
  return found == topics_.end() ? std::string_view() : std::string_view(found->is.name);
}

/// Memory at the carrier for the event at hand, which everybody in chosen_ has room for. Null: it cannot take it, or
/// nobody would hear.
std::byte* Sender::loan_from_carrier(const Topic& topic, std::uint64_t bytes) {
  if (topic.is.carried_bytes == 0 || !carrier_->has_listeners(topic.is.wire)) return nullptr;
  // A reader's queue at the carrier holds what one life may have under way: what an earlier one left is still in it.
  for (const Target& target : chosen_) {
    if (!target.route->overwriting() && target.route->reader_is_behind()) return nullptr;
  }
  return carrier_->loan(topic.is.wire, bytes);
}

/// Does everybody who is to get the event listen at the carrier? A reader does from before we follow its cursors. For
/// one that is not there yet, or not any more, the payload waits in our own memory.
bool Sender::chosen_listen() const {
  return std::all_of(chosen_.begin(), chosen_.end(), [](const Target& target) { return target.route->has_reader(); });
}

/// Fills `at`, from loan_from_carrier(), and sends it. Returns its ticket.
std::uint64_t Sender::publish_at_carrier(std::byte* at, const Header& header, const Payload& payload,
                                         const Outgoing* out) {
  const std::byte* const bytes = payload.chunk != Pool::no_chunk ? pool_.data(payload.chunk) : payload.bytes;
  if (bytes)
    std::memcpy(at, bytes, payload.size);
  else if (out)  // staged without a byte: nothing to write
    out->type->encode(out->event, {at, payload.size});
  const auto known = std::find_if(wire_types_.begin(), wire_types_.end(),
                                  [&](const auto& entry) { return entry.second == header.type; });
  const std::uint64_t hash = known == wire_types_.end() ? 0 : known->first->hash;
  return carrier_->publish({header.id, header.parent, hash, header.stamp_ns});
}

void Receiver::set_carrier(Carrier& carrier) {
  carrier_ = &carrier;
}

/// Gets the payload that the slot has a ticket for. False: it is gone, with whoever had it waiting for it.
bool Receiver::fetch_from_carrier(const InRoute& route, Found& found) {
  if (carrier_) found.payload = carrier_->take(found.topic, route.publisher().key, found.ticket);
  has_carried_ = carrier_ && found.payload.data() != nullptr;
  return has_carried_;
}

void Receiver::pass_over_lost(InRoute& route) {
  count(status_.counters.dropped, 1);
  events_.lost(route.id());
  route.advance();
  if (route.should_publish(0)) route.publish_released();
}

void Receiver::let_go_of_carried() {
  carrier_->let_go();
  has_carried_ = false;
}

/// An event that a program outside of the broker has sent: of no route, outside the accounting.
bool Receiver::hand_out_outside(Delivery& out) {
  OutsideEvent event{};
  while (carrier_->next_outside(event)) {
    out = {};
    out.payload = event.payload;
    out.id = event.id;
    out.sender = outside_;
    out.topic = event.topic < handle_of_wire_topic_.size() ? handle_of_wire_topic_[event.topic] : std::uint16_t{0};
    out.wall_offset_ns = status_.header.wall_offset_ns;
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    out.monotonic_ns = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    out.type = type_of_outside(event);
    fill_object(out);
    in_hand_ = nullptr;
    replayed_ = {0, 0};
    has_carried_ = true;
    if (out.type != Delivery::unknown_type) return true;
    events_.unreadable(out.topic, event.payload.size());
    let_go_of_carried();
  }
  return false;
}

/// By what it says of itself; else by the topic's name, if that is a type's; else by its size, if only one type has it.
std::uint16_t Receiver::type_of_outside(const OutsideEvent& event) const {
  const std::string_view topic = events_.topic_name(event.topic);
  std::uint16_t by_size = Delivery::unknown_type;
  unsigned of_that_size = 0;
  for (std::uint16_t i = 0; i < types_.size(); ++i) {
    const EventType& type = *types_[i];
    if (event.type_hash != 0) {
      if (type.hash == event.type_hash) return i;
      continue;
    }
    const bool fits = !type.trivially_copyable || type.size == event.payload.size();
    if (fits && (type.name == topic || type.label == topic)) return i;
    if (!type.trivially_copyable || !fits) continue;
    by_size = i;
    ++of_that_size;
  }
  return of_that_size == 1 ? by_size : Delivery::unknown_type;
}

}  // namespace actor::shm
