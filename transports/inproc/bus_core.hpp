#pragma once
// What Bus and its ports share: topics, readers, and what departed ports leave behind. Thread-safe: one mutex, taken
// when a topic is opened or a port comes or goes, never for an event.

#include <atomic>
#include <map>
#include <set>
#include <unordered_map>

#include "inproc/bus.hpp"
#include "inproc/mailbox.hpp"

namespace actor::inproc {

class BusCore {
 public:
  BusCore(std::uint64_t runtime_id, BusOptions options);

  const BusOptions& options() const { return options_; }
  std::uint64_t runtime_id() const { return runtime_id_; }
  std::int64_t wall_offset_ns() const { return wall_offset_ns_; }

  /// Throws Error(Incompatible) when another actor has opened the topic with a different policy.
  const Topic& open_topic(std::string_view name, OverflowPolicy policy, ActorId opener);
  const Topic& topic(std::uint16_t id) const;
  void set_capacity(std::string_view name, std::size_t events);

  /// Throws Error(DuplicateActorName). Returns the number of the actor's next event.
  std::uint64_t attach(std::shared_ptr<Mailbox> mailbox, const Subscribe& topics);
  /// The reader is sent nothing more.
  void unsubscribe(ActorId id);
  void note_publisher(const Topic& topic, ActorId id);
  std::vector<std::pair<ActorId, std::string>> publishers() const;
  void detach(ActorId id, std::uint64_t next_event, const PortCounters& counted);

  /// Rises whenever a reader comes or goes: lists from readers_of() are out of date then.
  std::uint64_t epoch() const { return epoch_.load(); }
  std::vector<std::shared_ptr<Mailbox>> readers_of(const Topic& topic) const;
  PortCounters departed() const;

 private:
  struct Reader {
    std::shared_ptr<Mailbox> mailbox;
    bool all;
    std::set<std::uint16_t> topics;
  };

  Topic& topic_named(std::string_view name);

  const std::uint64_t runtime_id_;
  const BusOptions options_;
  const std::int64_t wall_offset_ns_;

  mutable std::mutex mutex_;
  std::deque<Topic> topics_;  // by id - 1; never moved, never freed
  std::map<std::string, std::uint16_t, std::less<>> topic_ids_;
  std::map<ActorId, Reader> readers_;
  std::unordered_map<ActorId, std::uint64_t> next_events_;  // of departed actors: event numbers never repeat
  std::set<std::pair<ActorId, std::uint16_t>> publishers_;
  PortCounters departed_;
  std::atomic<std::uint64_t> epoch_ = 1;
};

}  // namespace actor::inproc
