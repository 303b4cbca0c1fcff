#pragma once
// Reads what a Recorder wrote: the events of chosen topics, in the order of their deliveries. RecordedEvents belong to
// one thread.

#include <actor/event.hpp>
#include <actor/json.hpp>
#include <actor/meta.hpp>
#include <actor/subscribe.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

namespace actor {

/// The part of RecordedEvents that does not depend on the application's events.
class RecordedLines {
 public:
  RecordedLines(const std::filesystem::path& path, Subscribe topics, bool every_delivery);
  ~RecordedLines();
  RecordedLines(const RecordedLines&) = delete;
  RecordedLines& operator=(const RecordedLines&) = delete;

  /// The next delivery that is wanted; its type's place among `types`. nullopt: there is none.
  std::optional<std::size_t> next(std::span<const EventType* const> types, Meta& meta, std::string& topic,
                                  ActorId& receiver);
  void read_event(const EventType& type, void* event);
  bool was_cut() const { return was_cut_; }

 private:
  bool read_line();
  bool is_wanted();
  void read_meta(Meta& meta);
  std::size_t type_among(std::span<const EventType* const> types);
  template <class Read>
  void in_line(Read&& read);

  const std::string path_;
  const Subscribe topics_;
  const bool every_delivery_;
  std::ifstream file_;
  std::size_t line_number_ = 0;
  std::string line_;
  bool was_cut_ = false;
  std::unique_ptr<detail::JsonReader> at_;
  std::unordered_set<EventId> seen_;
};

template <EventSet Events>
struct RecordedEvent {
  Meta meta;
  std::string topic;
  ActorId receiver;  ///< the first one that the event was delivered to
  Events event;
};

template <EventSet Events>
class RecordedEvents {
 public:
  /// Each event once, however many receivers it had; with `every_delivery` once for each of them. Throws Error(Io).
  explicit RecordedEvents(const std::filesystem::path& path, Subscribe topics = Subscribe::all(),
                          bool every_delivery = false)
      : lines_(path, std::move(topics), every_delivery) {}

  /// nullopt at the end. Throws Error(Incompatible) that begins with "file:line: " for a line that makes no sense, or
  /// whose event is none of Events, or has other fields than its type has now.
  std::optional<RecordedEvent<Events>> next() {
    std::optional<RecordedEvent<Events>> found(std::in_place);
    const auto type = lines_.next(event_types<Events>(), found->meta, found->topic, found->receiver);
    if (!type) return std::nullopt;
    read(*type, found->event, std::make_index_sequence<std::variant_size_v<Events>>{});
    return found;
  }
  /// At the end: was the last line cut off? Then its writer was killed, and the line is left out.
  bool was_cut() const { return lines_.was_cut(); }

 private:
  template <std::size_t... I>
  void read(std::size_t type, Events& event, std::index_sequence<I...>) {
    (void)((type == I && (lines_.read_event(*event_types<Events>()[I], &event.template emplace<I>()), true)) || ...);
  }

  RecordedLines lines_;
};

/// Calls `feed` with each event of `topics`, in order, as fast as it returns. How many there were.
template <EventSet Events>
std::size_t replay(const std::filesystem::path& path, const Subscribe& topics,
                   const std::function<void(const RecordedEvent<Events>&)>& feed) {
  RecordedEvents<Events> recording(path, topics);
  std::size_t count = 0;
  for (; const auto event = recording.next(); ++count) feed(*event);
  return count;
}

}  // namespace actor
