// What the broker tells of actors, to those that subscribe to "$sys/actor": over their control sockets, in order with
// what changes their routes. So whoever is handed an event of a new life has been told of the end of the one before it.

#include <actor/event.hpp>
#include <actor/sys.hpp>
#include <chrono>

#include "brain/brain.hpp"

namespace actor::broker {

template <class T>
void Brain::tell(const T& event) {
  const EventType& type = event_type<T>();
  control::SystemEvent message;
  for (const auto& [index, entry] : entries_) {
    if (!entry->session || !entry->memory || !entry->subscribes.contains(sys::topic)) continue;
    if (message.payload.empty()) {
      using std::chrono::nanoseconds;
      message.topic = sys::topic;
      message.type_hash = type.hash;
      message.sender_key = actor_key(state_.runtime_id, "$sys");
      message.counter = ++state_.system_events;
      message.stamp_ns = nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
      message.wall_offset_ns =
          nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count() - message.stamp_ns;
      message.payload.resize(type.encoded_size(&event));
      type.encode(&event, std::as_writable_bytes(std::span(message.payload)));
    }
    entry->session->send(message);
  }
}

void Brain::tell_up(const ActorEntry& entry) {
  tell(sys::Up{entry.name, entry.incarnation});
}

void Brain::tell_ready(const ActorEntry& entry) {
  tell(sys::Ready{entry.name, entry.incarnation});
}

/// Its fate is decided: does it come back?
void Brain::tell_down(const ActorEntry& entry, const supervision::Exit& exit, EventId last_event,
                      std::uint32_t incarnation, const std::string& last_words) {
  tell(sys::Down{entry.name, incarnation, to_string(exit), exit.code, last_event, entry.active(), last_words});
  if (entry.life == Life::Quarantined) tell(sys::Quarantined{entry.name, incarnation});
}

EventId Brain::id_in_hand(const ActorEntry& entry) const {
  const Route* route = table_.find(entry.in_flight.route);
  const auto sender = route ? entries_.find(route->publisher) : entries_.end();
  return sender == entries_.end() ? EventId{} : EventId{sender->second->key, entry.in_flight.event_counter};
}

}  // namespace actor::broker
