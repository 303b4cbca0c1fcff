#pragma once
// The sending half of a shm port: topics, routes, fan-out and the outbox of what found no room. Owned by its port, used
// on the actor's thread only.

#include <actor/monitor.hpp>
#include <actor/transport.hpp>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <process/carrier.hpp>
#include <shm/latch.hpp>
#include <shm/out_route.hpp>
#include <unordered_map>
#include <variant>

namespace actor::shm {

/// A topic as this port knows it. `wire` is the broker's number; 0 while the broker has not answered yet.
struct PortTopic {
  std::string name;
  OverflowPolicy policy;
  std::uint16_t wire = 0;
  bool may_publish = true;
  bool latched = false;             // its last value is kept for readers to come
  std::uint64_t carried_bytes = 0;  // payloads up to this go to the carrier; 0: none
};

/// What a Sender asks of the outside: the broker's ear.
struct SenderEvents {
  std::function<void(std::uint32_t route, std::uint16_t topic)> overflowed = [](auto, auto) {};
  ExtentEvents extents;
};

class Sender {
 public:
  /// `status` is this incarnation's own status segment and outlives the Sender. Event numbers start at `first_counter`.
  Sender(ActorId self, std::uint64_t actor_key, std::uint64_t first_counter, std::uint64_t budget_bytes, Status& status,
         SenderEvents events);

  // Wiring ---------------------------------------------------------------------------------------------------------
  std::uint16_t add_topic(PortTopic topic);
  PortTopic& topic(std::uint16_t handle) { return topics_[handle].is; }
  const PortTopic& topic(std::uint16_t handle) const { return topics_[handle].is; }
  /// Empty for a number that no topic has.
  std::string_view name_of_wire(std::uint16_t wire) const;
  std::size_t topic_count() const { return topics_.size(); }
  void topics_changed() { connect_topics(); }
  void set_wire_type(const EventType* type, std::uint16_t wire) { wire_types_[type] = wire; }

  OutRoute& add_route(std::unique_ptr<OutRoute> route);
  OutRoute* find_route(std::uint32_t route);
  /// Sends no further event to the route. Its reader, or the broker in its place, may still be reading what is queued:
  /// what that holds is used again as the reader lets go of it, and all of it once the reader is gone.
  void remove_route(std::uint32_t route);
  /// The route's reader is gone, for now or, if the route was removed, for good.
  void reader_gone(std::uint32_t route);
  /// REQUIRES: they send nothing, and outlive the sending.
  void watch(Monitors& monitors) { monitors_ = &monitors; }
  /// It outlives the sending.
  void set_carrier(Carrier& carrier) { carrier_ = &carrier; }

  // Sending --------------------------------------------------------------------------------------------------------
  EventId send(const Outgoing& out);
  void* loan(const EventType& type);
  void unloan(void* loaned) noexcept;
  bool is_full(std::uint16_t topic);
  bool has_staged() const { return !outbox_.empty(); }
  bool push_staged();
  void flush() {
    if (dirty_) flush_routes();
  }
  void new_turn() { now_ns_ = 0; }
  /// What the clock said in this turn.
  void set_now(std::int64_t now_ns) { now_ns_ = now_ns; }
  /// Announces a wait for room; false when some came meanwhile.
  bool prepare_wait();
  void end_wait();
  std::int64_t next_deadline() const;
  Pool& pool() { return pool_; }
  const std::vector<std::unique_ptr<OutRoute>>& routes() const { return routes_; }
  /// Removed, but their readers still read.
  const std::vector<std::unique_ptr<OutRoute>>& leaving() const { return leaving_; }
  /// Takes back everything that the readers have released.
  void reclaim_all();

  // Handling: what is sent in between belongs to the event in hand ---------------------------------------------------
  /// The predecessor died in this event's handler, after it had used the numbers [first, end): they are used again.
  void replay_outputs(std::uint64_t first, std::uint64_t end);
  void begin_handling() { handling_ = true; }
  void end_handling();

 private:
  struct Target {
    OutRoute* route;
    unsigned position;
  };
  struct Topic {
    PortTopic is;
    std::vector<Target> targets;
    /// One reader, and nothing but Block, Fail or Drop to keep in mind: send_simply() will do.
    bool is_simple = false;
  };
  /// A payload on its way: where its bytes are. Pool chunks hold one reference of ours.
  struct Payload {
    const std::byte* bytes = nullptr;  // null: call type->encode
    std::uint64_t size = 0;
    Pool::ChunkId chunk = Pool::no_chunk;
  };
  struct Header {
    EventId id;
    EventId parent;
    std::int64_t stamp_ns;
    std::uint16_t topic;  // handle
    std::uint16_t type;   // wire
    bool maybe_duplicate;
  };
  struct Staged {
    Header header;
    std::vector<std::byte> bytes;  // when it is not in a chunk
    Pool::ChunkId chunk;
    std::uint64_t size;
    std::int64_t deadline_ns;
    bool is_out = false;
  };
  /// push_staged() on its way through the outbox: what is in [kept, next) has gone out or moved down. However it ends,
  /// what has gone out is in the outbox no more.
  struct Sweep {
    Sender& sender;
    std::size_t kept = 0;
    std::size_t next = 0;
    ~Sweep() { sender.close_gap(kept, next); }
  };
  enum class Room { Now, Wait };

  EventId send_simply(const Outgoing& out, const Topic& topic, const Payload& payload);
  void encode(const Outgoing& out, std::byte* at, const Payload& payload);

  EventId send_any(const Outgoing& out, Topic& topic);
  void connect_topics();
  void recount_staged();
  EventId next_id(bool& maybe_duplicate);
  std::int64_t now();
  bool must_queue(const Topic& topic) const;
  Room find_room(Topic& topic, bool late);
  bool commit_new(const Header& header, Topic& topic, const Outgoing& out, Payload& payload);
  void commit(const Header& header, Payload payload, const Outgoing* out);
  void push_to_one(const Target& target, const Header& header, const Payload& payload, const Outgoing* out);
  void push_to_all(const Header& header, const Payload& payload, const Outgoing* out, bool latch);
  void write_slot(Slot& slot, Tail& tail, const Header& header, const Payload& payload, const Outgoing* out);
  void stage(const Header& header, Topic& topic, const Outgoing& out, Payload payload);
  void mark_staged(const Topic& topic);
  bool is_late(const Staged& staged);
  std::uint64_t what_it_waits_for();
  bool push_one_staged(Staged& staged);
  void close_gap(std::size_t kept, std::size_t next) noexcept;
  void note_shortage();
  bool provide_chunk(Payload& payload);
  Payload payload_of(const Outgoing& out);
  bool outbox_is_full(std::uint64_t bytes) const {
    return outbox_bytes_ + bytes + staged_overhead_bytes > pool_.budget_bytes() / 2;
  }
  void note_output(std::uint64_t counter);
  [[noreturn]] void throw_full(const Topic& topic);
  [[noreturn]] void throw_not_allowed(const Topic& topic, const Outgoing& out) const;
  [[noreturn]] void throw_too_large(const Topic& topic, const Outgoing& out, std::uint64_t bytes) const;
  void flush_routes();
  void count(Word& word, std::uint64_t by) {
    word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::uint16_t wire_type(const EventType* type);
  // carried.cpp: payloads that a carrier takes
  std::byte* loan_from_carrier(const Topic& topic, std::uint64_t bytes);
  bool chosen_listen() const;
  std::uint64_t publish_at_carrier(std::byte* at, const Header& header, const Payload& payload, const Outgoing* out);
  // watched.cpp: what monitors are told
  bool is_watched() const { return monitors_ && monitors_->active(); }
  template <class Tell>
  void observe(const Header& header, const Payload& payload, const Outgoing* out, Tell&& tell);
  void tell_dispatched(const Header& header, const Payload& payload, const Outgoing* out);
  void tell_dropped(const Header& header, const Payload& payload, const Outgoing* out);
  void tell_staged(const Header& header, Topic& topic, const Outgoing& out);

  static constexpr std::uint64_t staged_overhead_bytes = 128;

  ActorId self_;
  std::uint64_t key_;
  std::uint64_t counter_;        // of the next event
  std::uint64_t counter_limit_;  // stored in the status: numbers below may be in use
  std::uint64_t replay_ = 0;     // next number to use again; 0 = none
  std::uint64_t replay_end_ = 0;
  bool handling_ = false;
  bool dirty_ = false;
  std::int64_t now_ns_ = 0;
  Monitors* monitors_ = nullptr;
  Carrier* carrier_ = nullptr;
  Status& status_;
  SenderEvents events_;
  Pool pool_;
  LatchWriter latches_{status_, pool_};
  std::vector<Topic> topics_;
  std::vector<std::unique_ptr<OutRoute>> routes_;
  std::vector<std::unique_ptr<OutRoute>> leaving_;
  std::vector<Target> chosen_;            // who gets the event at hand; kept to reuse its memory
  unsigned late_ = 0;                     // who would have, had there been room
  std::uint64_t ticket_ = 0;              // of the event at hand, whose payload the carrier has; 0: ours
  std::vector<const OutRoute*> dropped_;  // those of them that monitors are to be told of
  std::vector<std::byte> encoded_;        // by a type's own code; kept to reuse its memory
  unsigned allocations_ = 0;
  std::unordered_map<const EventType*, std::uint16_t> wire_types_;
  const EventType* last_type_ = nullptr;
  std::uint16_t last_wire_type_ = 0;
  std::deque<Staged> outbox_;
  unsigned unresolved_ = 0;  // events in the outbox whose topic has no number yet
  std::uint64_t outbox_bytes_ = 0;
  std::int64_t retry_ns_ = 0;  // when what waits for a segment is tried again, which nobody rings for; 0: nothing does
  bool told_shortage_ = false;
  struct OpenLoan {
    void* at;
    Pool::ChunkId chunk;  // no_chunk: heap
    std::align_val_t align;
  };
  std::vector<OpenLoan> loans_;
};

}  // namespace actor::shm
