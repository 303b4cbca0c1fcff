#include <actor/testing/query.hpp>
#include <algorithm>
#include <ostream>
#include <tuple>
#include <unordered_set>

namespace actor::testing {
namespace {

/// When an event was sent; what one turn of an actor sends has one time stamp.
auto sent_at(const EventEntry& entry) {
  return std::make_tuple(entry.meta().monotonic_time, entry.order());
}

}  // namespace

EventMatcher EventMatcher::by_label(std::string_view label) {
  return {[label = std::string(label)](const EventEntry& entry) { return entry.label() == label; }, std::string(label)};
}

EventMatcher EventMatcher::by_id(EventId id) {
  return {[id](const EventEntry& entry) { return entry.id() == id; }, "event " + to_string(id)};
}

EventMatcher EventMatcher::by_entry(std::function<bool(const EventEntry&)> predicate, std::string what) {
  return {std::move(predicate), std::move(what)};
}

EventQuery EventQuery::matching(Predicate predicate) const {
  EventQuery narrower = *this;
  narrower.filters_.push_back(std::move(predicate));
  return narrower;
}

EventQuery EventQuery::matching(const EventMatcher& matcher) const {
  return matching([matcher](const EventEntry& entry) { return matcher.matches(entry); });
}

EventQuery EventQuery::sent_by(ActorName actor) const {
  return matching([id = actor.id()](const EventEntry& entry) { return entry.sender() == id; });
}

EventQuery EventQuery::received_by(ActorName actor) const {
  return matching([id = actor.id()](const EventEntry& entry) { return entry.receiver() == id; });
}

EventQuery EventQuery::with_topic(const TopicName& topic) const {
  return matching([name = topic.name()](const EventEntry& entry) { return entry.topic() == name; });
}

EventQuery EventQuery::with_id(EventId id) const {
  return matching(EventMatcher::by_id(id));
}

EventQuery EventQuery::with_label(std::string_view label) const {
  return matching(EventMatcher::by_label(label));
}

EventQuery EventQuery::at_stage(Stage stage) const {
  return matching([stage](const EventEntry& entry) { return entry.stage() == stage; });
}

EventQuery EventQuery::children_of(EventId parent) const {
  return matching([parent](const EventEntry& entry) { return entry.parent() == parent; });
}

EventQuery EventQuery::after(const EventEntry& entry) const {
  return matching([id = entry.id(), when = sent_at(entry)](const EventEntry& other) {
    return other.id() != id && sent_at(other) > when;
  });
}

EventQuery EventQuery::before(const EventEntry& entry) const {
  return matching([id = entry.id(), when = sent_at(entry)](const EventEntry& other) {
    return other.id() != id && sent_at(other) < when;
  });
}

void EventQuery::for_each(const Predicate& visit) const {
  for (const EventEntry& entry : records_->entries) {
    const bool fits = std::all_of(filters_.begin(), filters_.end(), [&](const auto& filter) { return filter(entry); });
    if (fits && !visit(entry)) return;
  }
}

std::size_t EventQuery::count() const {
  std::size_t count = 0;
  for_each([&](const EventEntry&) { return ++count, true; });
  return count;
}

bool EventQuery::exists() const {
  return any([](const EventEntry&) { return true; });
}

std::optional<EventEntry> EventQuery::nth(std::size_t index) const {
  std::optional<EventEntry> found;
  for_each([&](const EventEntry& entry) {
    if (index-- > 0) return true;
    found = entry;
    return false;
  });
  return found;
}

std::optional<EventEntry> EventQuery::last() const {
  const EventEntry* last = nullptr;
  for_each([&](const EventEntry& entry) { return last = &entry, true; });
  return last ? std::optional(*last) : std::nullopt;
}

std::vector<EventEntry> EventQuery::collect() const {
  std::vector<EventEntry> events;
  std::unordered_set<EventId> seen;
  for_each([&](const EventEntry& entry) {
    if (seen.insert(entry.id()).second) events.push_back(entry);
    return true;
  });
  return events;
}

std::vector<EventEntry> EventQuery::all_deliveries() const {
  std::vector<EventEntry> entries;
  for_each([&](const EventEntry& entry) { return entries.push_back(entry), true; });
  return entries;
}

std::vector<ActorId> EventQuery::senders() const {
  std::vector<ActorId> actors;
  for_each([&](const EventEntry& entry) {
    if (std::find(actors.begin(), actors.end(), entry.sender()) == actors.end()) actors.push_back(entry.sender());
    return true;
  });
  return actors;
}

std::vector<ActorId> EventQuery::receivers() const {
  std::vector<ActorId> actors;
  for_each([&](const EventEntry& entry) {
    if (std::find(actors.begin(), actors.end(), entry.receiver()) == actors.end()) actors.push_back(entry.receiver());
    return true;
  });
  return actors;
}

std::map<std::string, std::size_t> EventQuery::count_by_label() const {
  std::map<std::string, std::size_t> counts;
  for_each([&](const EventEntry& entry) { return ++counts[std::string(entry.label())], true; });
  return counts;
}

bool EventQuery::all(const Predicate& predicate) const {
  return !any([&](const EventEntry& entry) { return !predicate(entry); });
}

bool EventQuery::any(const Predicate& predicate) const {
  bool found = false;
  for_each([&](const EventEntry& entry) {
    found = predicate(entry);
    return !found;
  });
  return found;
}

bool EventQuery::has_event(const EventMatcher& matcher) const {
  return any([&](const EventEntry& entry) { return matcher.matches(entry); });
}

std::ostream& operator<<(std::ostream& out, const EventQuery& query) {
  std::size_t count = 0;
  query.for_each([&](const EventEntry& entry) {
    out << (count++ ? "\n" : "") << entry;
    return true;
  });
  return count ? out : out << "no events";
}

void PrintTo(const EventQuery& query, std::ostream* out) {
  *out << query;
}

}  // namespace actor::testing
