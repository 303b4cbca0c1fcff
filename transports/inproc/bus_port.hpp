#pragma once
// One actor's end of the in-process transport. Owned by its runner, used on its actor's thread only; made by
// Bus::attach(). Sending is in bus_port_sending.cpp, receiving in bus_port.cpp.

#include <actor/transport.hpp>
#include <map>
#include <optional>
#include <supervisor/hub.hpp>
#include <unordered_map>
#include <vector>

#include "inproc/bus.hpp"
#include "inproc/mailbox.hpp"

namespace actor::inproc {

class BusPort final : public HubPort {
 public:
  BusPort(std::shared_ptr<BusCore> core, ActorId id, std::span<const EventType* const> types, const Subscribe& topics,
          std::shared_ptr<Signal> signal, std::size_t capacity);
  /// Detaches: what is staged is forgotten, what is queued for this reader counts as dropped, what it has sent stays.
  ~BusPort() override;

  /// The actor has failed and starts over with the same mailbox: the event in hand is handed out again, marked
  /// redelivered; what its handler sends repeats the ids of the attempt before, marked maybe_duplicate.
  void restart() override;
  std::vector<Wait> waits() const override;
  void unsubscribe() override;
  void set_outbox_limit(std::size_t events) override { outbox_limit_ = events; }

  std::uint16_t open_topic(std::string_view name, OverflowPolicy policy) override;
  std::string_view topic_name(std::uint16_t topic) const override;
  EventId send(const Outgoing& out) override;
  void* loan(const EventType& type) override;
  void unloan(const EventType& type, void* loaned) noexcept override;
  void flush() override {}  // each push has rung already
  bool is_full(std::uint16_t topic) override;
  bool has_staged() const override { return !staged_.empty(); }
  bool push_staged() override;

  bool next(Delivery& out) override;
  void handled(const Delivery& delivery, bool known) override;
  Retained retain(const Delivery& delivery) override;

  void new_turn() override;
  bool prepare_wait() override;
  void end_wait() override {}
  std::int64_t next_deadline() const override;
  PortCounters counters() const override;

 private:
  /// This port's way to one reader.
  struct Link {
    std::shared_ptr<Mailbox> mailbox;
    Mailbox::Lane* lane;
    std::size_t staged = 0;    // events in the outbox that go to this reader
    std::uint64_t passed = 0;  // == pass_: an event that stays staged goes to this reader, so later ones must stay too
  };
  struct Staged {
    EventRef event;
    const Topic* topic;
    std::vector<Link*> targets;
    std::int64_t deadline_ns;
  };

  static constexpr std::int64_t unread = -1;

  /// The clock's reading for this turn.
  std::int64_t now_ns();
  const Topic& opened(std::uint16_t topic) const;
  EventRef take_event(const Outgoing& out);
  void number(SharedEvent& event);
  const std::vector<Link*>& targets_of(const Topic& topic);
  Link* link_to(const std::shared_ptr<Mailbox>& mailbox);
  void forget_departed();
  static bool has_room(const Link& link, const Topic& topic);
  const Link* first_without_room(const Topic& topic, const std::vector<Link*>& targets) const;
  void stage(EventRef event, const Topic& topic, const std::vector<Link*>& targets);
  [[noreturn]] void refuse_to_stage(const Topic& topic, const Link& full) const;
  void push_to_all(const EventRef& event, const Topic& topic, const std::vector<Link*>& targets);
  bool is_held(const Staged& staged, const Link& link) const;
  bool is_late(const Staged& staged);
  bool can_leave(const Staged& staged);
  void drop_late(Staged& staged);
  bool any_can_leave();

  const std::shared_ptr<BusCore> core_;
  const ActorId id_;
  const std::uint64_t key_;
  const std::shared_ptr<Signal> signal_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::int64_t now_ns_ = unread;

  // Sending
  std::unordered_map<std::uint16_t, const Topic*> opened_;
  std::uint64_t next_event_;
  std::unordered_map<const void*, EventRef> loans_;
  std::uint64_t seen_epoch_ = 0;
  std::map<Mailbox*, std::unique_ptr<Link>> links_;
  std::unordered_map<std::uint16_t, std::vector<Link*>> targets_;  // by topic; as of seen_epoch_
  std::deque<Staged> staged_;
  std::uint64_t pass_ = 0;
  std::size_t outbox_limit_;

  // Receiving
  std::unordered_map<std::uint64_t, std::uint16_t> type_indices_;  // by EventType::hash
  Mailbox::InHand in_hand_;
  std::uint32_t attempt_ = 0;
  bool must_redeliver_ = false;
  bool handling_ = false;               // its handler runs; false while only what it sent is waiting for room
  std::vector<std::uint64_t> outputs_;  // numbers of what was sent with the event in hand, over all attempts
  std::size_t repeated_ = 0;            // how many of them this attempt has used again

  PortCounters counters_;
};

}  // namespace actor::inproc
