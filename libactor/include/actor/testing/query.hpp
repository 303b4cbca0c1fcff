#pragma once
// Filters over a recording, one after the other, and an end:
// test.events().sent_by("sensor").with_label("Alert").count(). A value over a snapshot: filters make a new query,
// nothing here changes while the actors go on. One thread at a time.

#include <actor/testing/matcher.hpp>
#include <actor/testing/recording.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace actor::testing {

class EventQuery {
 public:
  using Predicate = std::function<bool(const EventEntry&)>;

  /// All entries of `records`, those that were only dispatched included.
  explicit EventQuery(RecordsPtr records) : records_(std::move(records)) {}

  // Filters ---------------------------------------------------------------------------------------------------------

  EventQuery sent_by(ActorName actor) const;
  EventQuery received_by(ActorName actor) const;
  EventQuery with_topic(const TopicName& topic) const;
  EventQuery with_id(EventId id) const;
  EventQuery with_label(std::string_view label) const;
  EventQuery at_stage(Stage stage) const;
  EventQuery children_of(EventId parent) const;
  /// Other events that were sent later (earlier) than this one; those sent in the same instant go by their order in the
  /// recording.
  EventQuery after(const EventEntry& entry) const;
  EventQuery before(const EventEntry& entry) const;
  EventQuery matching(Predicate predicate) const;
  EventQuery matching(const EventMatcher& matcher) const;
  /// A predicate over one event type (others do not match) or over the application's variant.
  template <class P>
  EventQuery matching_event(P predicate) const {
    return matching(Predicate(detail::on_entry(std::move(predicate))));
  }

  // Ends ------------------------------------------------------------------------------------------------------------

  /// Deliveries: an event counts once for each receiver.
  std::size_t count() const;
  bool is_empty() const { return !exists(); }
  bool exists() const;
  std::optional<EventEntry> first() const { return nth(0); }
  std::optional<EventEntry> last() const;
  std::optional<EventEntry> nth(std::size_t index) const;
  /// Each event once: the first of its deliveries.
  std::vector<EventEntry> collect() const;
  std::vector<EventEntry> all_deliveries() const;
  /// Each once, in the order in which they first appear.
  std::vector<ActorId> senders() const;
  std::vector<ActorId> receivers() const;
  std::size_t sender_count() const { return senders().size(); }
  std::size_t receiver_count() const { return receivers().size(); }
  /// Deliveries by label.
  std::map<std::string, std::size_t> count_by_label() const;
  bool all(const Predicate& predicate) const;
  bool any(const Predicate& predicate) const;
  bool has(const Predicate& predicate) const { return any(predicate); }
  bool has_event(const EventMatcher& matcher) const;
  bool has_sender(ActorName actor) const { return sent_by(actor).exists(); }
  bool has_receiver(ActorName actor) const { return received_by(actor).exists(); }
  /// The contents of all deliveries of a T, in order.
  template <class T>
  std::vector<T> get() const {
    std::vector<T> events;
    for_each([&](const EventEntry& entry) {
      if (const T* event = entry.get_if<T>()) events.push_back(*event);
      return true;
    });
    return events;
  }

  /// Calls `visit` with each matching entry until it returns false.
  void for_each(const Predicate& visit) const;

  RecordsPtr records() const { return records_; }

 private:
  RecordsPtr records_;
  std::vector<Predicate> filters_;
};

/// One line for each delivery.
std::ostream& operator<<(std::ostream& out, const EventQuery& query);
void PrintTo(const EventQuery& query, std::ostream* out);

}  // namespace actor::testing
