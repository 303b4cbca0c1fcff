#pragma once
// What Bus and its ports share: topics, readers, and what departed ports leave behind. Thread-safe: one mutex, taken
// when a topic is opened or a port comes or goes, never for an event.

#include <atomic>
#include <deque>
#include <map>
#include <set>

#include "inproc/bus.hpp"
#include "inproc/mailbox.hpp"

namespace actor::inproc {

class BusCore {
 public:
  BusCore(std::uint64_t runtime_id, BusOptions options);

  const BusOptions& options() const { return options_; }
  std::int64_t wall_offset_ns() const { return wall_offset_ns_; }

  /// Throws Error(Incompatible) when another actor has opened the topic with a different policy.
  const BusTopic& open_topic(std::string_view name, OverflowPolicy policy, bool latched, ActorId opener);
  const BusTopic& topic(std::uint16_t id) const;
  void set_capacity(std::string_view name, std::size_t events);

  /// Throws Error(DuplicateActorName). The sender stays valid as long as the bus. `latched`: what the reader is handed
  /// first; what is sent from here on it is sent.
  BusSender& attach(std::shared_ptr<Mailbox> mailbox, const Subscribe& topics, std::vector<EventRef>& latched);
  /// What events of a prebuilt envelope point to: somebody's name, and the key in its id. Valid as long as the bus.
  const BusSender& stranger(ActorId id, std::uint64_t key);
  void unsubscribe(ActorId id);
  void detach(BusSender& sender, std::uint64_t next_event, const PortCounters& counted);

  /// Rises whenever a reader comes or goes: lists from readers_of() are out of date then.
  /// PAIRS: BusCore.epoch (raised by attach(), unsubscribe() and detach(), after what they do to the readers).
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  std::vector<std::shared_ptr<Mailbox>> readers_of(const BusTopic& topic) const;
  /// Keeps the event as its sender's last one on its topic. Returns the epoch: readers that come later are handed it.
  std::uint64_t keep_latched(const EventRef& event);
  /// What a reader that comes now is handed first, in the order in which it was sent.
  std::vector<EventRef> latched_for(ActorId reader) const;
  void note_publisher(const BusTopic& topic, ActorId id);
  std::vector<std::pair<ActorId, std::string>> publishers() const;
  PortCounters departed() const;

 private:
  struct Reader {
    std::shared_ptr<Mailbox> mailbox;
    bool all;
    std::set<std::uint16_t> topics;
    bool wants(const BusTopic& topic) const { return (all && !topic.system) || topics.contains(topic.id); }
  };

  BusTopic& topic_named(std::string_view name);
  std::vector<EventRef> latched_for(ActorId id, const Reader& reader) const;

  const std::uint64_t runtime_id_;
  const BusOptions options_;
  const std::int64_t wall_offset_ns_;

  mutable std::mutex mutex_;
  std::deque<BusTopic> topics_;  // by id - 1; never moved, never freed
  std::map<std::string, std::uint16_t, std::less<>> topic_ids_;
  std::map<ActorId, Reader> readers_;
  std::map<ActorId, BusSender> senders_;  // never freed: event numbers never repeat, and events point here
  std::map<std::pair<ActorId, std::uint64_t>, BusSender> strangers_;
  std::set<std::pair<ActorId, std::uint16_t>> publishers_;
  std::map<std::pair<ActorId, std::uint16_t>, EventRef> latched_;  // by sender and topic
  PortCounters departed_;
  std::atomic<std::uint64_t> epoch_ = 1;
};

}  // namespace actor::inproc
