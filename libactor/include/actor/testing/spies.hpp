#pragma once
// A recording from three sides: one event, one actor, one topic. Values over a snapshot: they do not change while the
// actors go on, ask the harness for a new one. One thread at a time.

#include <actor/testing/query.hpp>
#include <iosfwd>
#include <optional>
#include <vector>

namespace actor::testing {

/// What became of one event.
class EventSpy {
 public:
  EventSpy(RecordsPtr records, EventId id);

  EventId id() const { return id_; }
  /// Was any receiver's handler given it?
  bool was_delivered() const { return deliveries_.exists(); }
  bool was_delivered_to(ActorName actor) const { return deliveries_.has_receiver(actor); }
  bool not_delivered_to(ActorName actor) const { return !was_delivered_to(actor); }
  bool was_delivered_to_all(const std::vector<ActorName>& actors) const { return delivery_ratio(actors) == 1.0; }
  /// Which part of `actors` were given it; 1 when there are none.
  double delivery_ratio(const std::vector<ActorName>& actors) const;
  /// None when the event was not recorded, for instance because nobody subscribes to its topic.
  std::optional<ActorId> sender() const;
  std::vector<ActorId> receivers() const { return deliveries_.receivers(); }
  std::size_t receiver_count() const { return deliveries_.receiver_count(); }
  /// The events that were sent in answer to it.
  EventQuery children() const;
  /// Its deliveries.
  EventQuery deliveries() const { return deliveries_; }

 private:
  EventId id_;
  EventQuery all_;         // dispatched to anybody
  EventQuery deliveries_;  // given to handlers
};

/// What one actor received and sent.
class ActorSpy {
 public:
  ActorSpy(RecordsPtr records, ActorName actor);

  ActorId actor() const { return actor_; }
  bool is_running() const { return life_.registered && !life_.stopped; }
  bool is_stopped() const { return life_.stopped; }
  std::size_t restarts() const { return life_.restarts; }
  /// Of the last exception that its handlers threw; empty without one.
  std::string last_error() const { return life_.last_error; }

  EventQuery inbound() const { return inbound_; }
  std::size_t events_received() const { return inbound_.count(); }
  std::optional<EventEntry> last_received() const { return inbound_.last(); }
  std::vector<ActorId> received_from() const { return inbound_.senders(); }
  std::size_t sender_count() const { return inbound_.sender_count(); }

  /// Only what somebody was sent: an event without subscribers leaves no trace.
  EventQuery outbound() const { return outbound_; }
  /// Each event once, however many received it.
  std::size_t events_sent() const { return outbound_.collect().size(); }
  std::optional<EventEntry> last_sent() const { return outbound_.last(); }
  std::vector<ActorId> sent_to() const { return outbound_.receivers(); }
  std::size_t receiver_count() const { return outbound_.receiver_count(); }

 private:
  ActorId actor_;
  ActorLife life_;
  EventQuery inbound_;
  EventQuery outbound_;
};

/// What went over one topic.
class TopicSpy {
 public:
  TopicSpy(RecordsPtr records, const TopicName& topic);

  std::string topic() const { return topic_; }
  bool was_published() const { return events_.exists(); }
  /// Deliveries.
  std::size_t event_count() const { return events_.count(); }
  std::vector<ActorId> receivers() const { return events_.receivers(); }
  std::size_t receiver_count() const { return events_.receiver_count(); }
  EventQuery events() const { return events_; }

 private:
  std::string topic_;
  EventQuery events_;
};

void PrintTo(const EventSpy& spy, std::ostream* out);
void PrintTo(const ActorSpy& spy, std::ostream* out);
void PrintTo(const TopicSpy& spy, std::ostream* out);

/// Only what was given to a handler.
EventQuery delivered(RecordsPtr records);

}  // namespace actor::testing
