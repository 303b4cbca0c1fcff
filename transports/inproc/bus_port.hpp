#pragma once
// One actor's end of the in-process transport. Owned by its runner, used on its actor's thread only; made by
// Bus::attach(). Receiving is in bus_port.cpp, sending in bus_port_sending.cpp, what monitors and tests add to a push
// in bus_port_watched.cpp.

#include <array>
#include <deque>
#include <list>
#include <supervisor/hub.hpp>
#include <unordered_map>
#include <vector>

#include "inproc/bus.hpp"
#include "inproc/staging.hpp"

namespace actor::inproc {

class BusPort final : public HubPort {
 public:
  BusPort(std::shared_ptr<BusCore> core, ActorId id, std::span<const EventType* const> types, const Subscribe& topics,
          std::shared_ptr<Signal> signal, std::size_t capacity);
  /// Detaches: what is staged is forgotten, what is queued for this reader is given up, what it has sent stays.
  ~BusPort() override;

  void restart(const AfterDeath& rules, std::string_view overflowed) override;
  EventId in_hand() const override { return in_hand_.event ? in_hand_.event->id() : EventId{}; }
  /// Nothing is given up.
  void restart() { restart({.poison_after = 0}, {}); }
  /// REQUIRES: the owner asks, or it sleeps.
  std::vector<Wait> waits() const override;
  void unsubscribe() override;
  void set_outbox_limit(std::size_t events) override { outbox_limit_ = events; }

  std::uint16_t open_topic(std::string_view name, OverflowPolicy policy, bool latched = false) override;
  std::string_view topic_name(std::uint16_t topic) const override;
  EventId send(const Outgoing& out) override;
  bool keeps_senders() const override { return true; }
  void* loan(const EventType& type) override;
  void unloan(const EventType& type, void* loaned) noexcept override;
  void flush() override;
  bool is_full(std::uint16_t topic) override;
  bool has_staged() const override { return !staging_.empty(); }
  bool push_staged() override;

  bool next(Delivery& out) override;
  void handled(const Delivery& delivery, bool known) override;
  Retained retain(const Delivery& delivery) override;

  void new_turn() override;
  bool prepare_wait() override;
  void end_wait() override {}
  std::int64_t next_deadline() const override { return staging_.next_deadline(); }
  PortCounters counters() const override;

 private:
  /// A topic that this port may send to, and who reads it.
  struct Opened {
    const BusTopic* topic;
    std::uint64_t epoch = 0;  // as of which `targets` is right
    std::vector<Target> targets;
  };
  /// A copy that a fault holds back. Its room is taken already.
  struct Delayed {
    std::shared_ptr<Mailbox> mailbox;
    Quota* quota;
    LatestQueue* latest;
    EventRef event;
  };
  struct KnownType {
    const EventType* type = nullptr;
    std::uint16_t index = 0;
  };
  enum class Pushed { Done, Full, ReaderLeft };

  static constexpr std::int64_t unread = -1;

  // Receiving
  void look_at_signal();
  bool take_next();
  std::uint16_t index_of(const EventType& type) { return last_type_.type == &type ? last_type_.index : look_up(type); }
  std::uint16_t look_up(const EventType& type);
  void give_up(EventRef event, ActorId reader, DeadLetterReason reason, std::uint32_t attempts = 0);
  void give_up_in_hand(const AfterDeath& rules);
  void give_up_queued(MailboxOnRestart mailbox, std::string_view overflowed);
  void fill(Delivery& out, SharedEvent& event);
  void take_latched(std::vector<EventRef> events);
  void hand_out_latched(Delivery& out);

  // Sending
  std::int64_t now_ns();  // the clock's reading for this turn
  Opened& opened(std::uint16_t topic) const;
  EventRef take_event(const Outgoing& out);
  void number(SharedEvent& event);
  void number_prebuilt(SharedEvent& event, const Meta& prebuilt);
  std::span<const Target> targets_of(Opened& topic);
  void keep_latched(const EventRef& event, Opened& topic);
  std::span<const Target> targets_without(Opened& topic, ActorId sender);
  void renew(Opened& topic, std::uint64_t epoch);
  Link* link_to(const std::shared_ptr<Mailbox>& mailbox);
  /// In an order that does not depend on addresses: who is woken first must be the same in each run of one seed.
  std::vector<Link*> links_in_order() const;
  void forget_departed(std::uint64_t epoch);
  const Target* first_without_room(const BusTopic& topic, std::span<const Target> targets) const;
  void stage(EventRef event, std::span<const Target> targets);
  [[noreturn]] void refuse_to_stage(const BusTopic& topic, const Link& full) const;
  void push_to_all(EventRef event, std::span<const Target> targets);
  /// A reader that sleeps is told at once, so that it can begin; one that is awake at the next flush.
  void announce(Link& link) {
    if (link.unannounced) return;
    if (link.signal->is_parked()) return link.announce();
    link.unannounced = true;
    unannounced_.push_back(&link);
  }
  void take_out(Staged& staged);
  bool is_late();
  void report_failed(const BusTopic& topic);

  // Watched: monitors and faults
  bool is_watched() const { return disturbed_ || (monitors_ && monitors_->active()); }
  void observe_overflow(SharedEvent& event, std::span<const Target> targets);
  void push_watched(const EventRef& event, std::span<const Target> all);
  void push_with_fault(const EventRef& event, const Target& target);
  Pushed push_one(const EventRef& event, const Target& target);
  void delay(const EventRef& event, const Target& target, std::chrono::nanoseconds by);
  void deliver_delayed(Delayed& delayed);
  Observation observation(SharedEvent& event, ActorId receiver) const;

  const std::shared_ptr<BusCore> core_;
  const ActorId id_;
  const std::shared_ptr<Signal> signal_;
  const std::shared_ptr<Mailbox> mailbox_;
  Monitors* const monitors_;
  const bool disturbed_;
  const std::int64_t wall_offset_ns_;
  Signal::Bits news_ = 0;  // bits that are not the lanes', taken while nobody looked for them
  std::int64_t now_ns_ = unread;

  // Receiving
  alignas(64) Mailbox::InHand in_hand_;
  std::uint32_t attempt_ = 0;
  bool must_redeliver_ = false;
  std::deque<Mailbox::InHand> kept_;  // taken from the mailbox already, when others were given up; come first
  std::deque<EventRef> latched_;      // handed out first, outside the accounting
  EventRef latched_in_hand_;
  bool handling_ = false;  // its handler runs; false while only what it sent is waiting for room
  KnownType last_type_;    // what came last is likely to come next
  PortCounters counters_;
  std::vector<std::uint64_t> outputs_;  // numbers of what was sent with the event in hand, over all attempts
  std::size_t repeated_ = 0;            // how many of them this attempt has used again
  const std::span<const EventType* const> types_;
  std::array<KnownType, 16> known_types_{};  // a sender's descriptor may be another one of the same type

  // Sending
  BusSender* sender_ = nullptr;
  std::uint64_t next_event_ = 0;
  std::vector<std::unique_ptr<Opened>> opened_;  // by topic id
  std::vector<EventRef> loans_;
  std::uint64_t seen_epoch_ = 0;
  std::unordered_map<Mailbox*, std::unique_ptr<Link>> links_;
  std::uint64_t next_link_ = 0;
  std::vector<Link*> unannounced_;
  std::vector<Target> prebuilt_targets_;  // of the prebuilt envelope that is being sent
  Staging staging_;
  std::size_t outbox_limit_;
  std::vector<Target> leaving_;  // of the event that push_staged() is pushing
  std::vector<ActorId> failed_;  // readers that the event being pushed was too much for
  std::list<Delayed> delayed_;
  std::shared_ptr<BusPort*> self_;  // what delayed copies find their way back by
};

}  // namespace actor::inproc
