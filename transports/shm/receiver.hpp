#pragma once
// The receiving half of a shm port: the routes into this actor, read round-robin, and what the actor has in hand. Owned
// by its port, used on the actor's thread only.

#include <functional>
#include <memory>
#include <optional>
#include <process/carrier.hpp>
#include <shm/in_route.hpp>
#include <shm/latched_inbox.hpp>
#include <unordered_map>
#include <vector>

namespace actor::shm {

/// What the predecessor had in hand when it died.
struct InFlight {
  std::uint32_t route = 0;  // 0: nothing
  std::uint64_t sequence = 0;
  std::uint32_t attempt = 0;  // how often it was tried
  std::uint64_t first_output = 0;
  std::uint64_t outputs_end = 0;
};

/// What a Receiver reports: the broker's ear.
struct ReceiverEvents {
  std::function<void(std::uint32_t route, std::uint32_t incarnation)> drained = [](auto, auto) {};
  std::function<void(std::uint32_t route, const std::string& what)> corrupt = [](auto, const auto&) {};
  std::function<void(std::uint64_t letter, bool known)> redelivered = [](auto, auto) {};
  /// An event whose payload a carrier had is gone; counted as dropped.
  std::function<void(std::uint32_t route)> lost = [](auto) {};
  /// What a program outside has sent on the topic (a handle) is of no type that we know.
  std::function<void(std::uint16_t topic, std::size_t bytes)> unreadable = [](auto, auto) {};
  std::function<std::string_view(std::uint16_t wire)> topic_name = [](auto) { return std::string_view(); };
};

/// One segment of a route, as the broker hands it over. The descriptors stay the caller's.
struct InSegmentSpec {
  std::uint32_t route;
  std::shared_ptr<Publisher> publisher;
  std::vector<std::uint16_t> topics;
  RingShape shape;  // of the ring, as the broker has checked it
  std::uint64_t cursor;
  std::uint32_t cursor_index;
  int ring_fd;
  Fd data_bell;  // taken over; they take the place of those that a known route has
  Fd space_bell;
  bool ended;
  std::uint64_t final_head;
  bool from_record;
  std::uint32_t smallest_quota = 1;  // of those topics, in events
};

class Receiver {
 public:
  Receiver(std::span<const EventType* const> types, Status& status, ReceiverEvents events);

  // Wiring ---------------------------------------------------------------------------------------------------------
  void set_wire_type(std::uint16_t wire, std::uint16_t index);
  void set_wire_topic(std::uint16_t wire, std::uint16_t handle);
  /// Before the first event: it will be the first one handed out. Recorded at once, for it stays in flight if we die
  /// too.
  void set_in_flight(const InFlight& in_flight);
  /// The publisher's incarnation, made when it is new. Null with `error` set when its memory is not a status segment.
  std::shared_ptr<Publisher> publisher(std::uint64_t key, std::uint32_t incarnation, std::string_view name,
                                       int status_fd, std::string& error);
  bool add_extent(std::uint64_t key, std::uint32_t incarnation, std::uint32_t extent, int fd, std::string& error);
  void drop_extent(std::uint64_t key, std::uint32_t incarnation, std::uint32_t extent);
  /// Adds a segment at the end of its route; makes the route when it is new, and then returns it, so that its bell can
  /// be listened to. Null with an empty `error`: the route was there. `error` set: the memory is not a ring.
  InRoute* attach(InSegmentSpec spec, std::string& error);
  void end_segment(std::uint32_t route, std::uint32_t incarnation, std::uint64_t final_head, bool from_record);
  /// An earlier life of a publisher, dead: its last values of latched topics, where no later life has any, are handed
  /// out first. Before the first event.
  void offer_latched(std::uint32_t route, std::shared_ptr<Publisher> publisher, std::vector<std::uint16_t> topics);
  void add_system_event(LatchedValue event) { latched_.add_system_event(std::move(event)); }
  void add_letter(LatchedValue letter) { latched_.add_letter(std::move(letter)); }
  /// It outlives the receiving.
  void set_carrier(Carrier& carrier);
  InRoute* find_route(std::uint32_t route);
  const std::vector<std::unique_ptr<InRoute>>& routes() const { return routes_; }
  void remove_route(std::uint32_t route);

  // Receiving ------------------------------------------------------------------------------------------------------
  bool next(Delivery& out);
  void handled(const Delivery& delivery, bool known);
  /// Pins the event in hand, and returns what keeps its memory mapped. Null: copy it.
  std::shared_ptr<const void> pin(const Delivery& delivery);
  void unpin(std::uint32_t route, std::uint64_t sequence);
  /// What its predecessor sent while handling the event handed out last; empty (0, 0) when it is not redelivered.
  std::pair<std::uint64_t, std::uint64_t> replayed_outputs() const { return replayed_; }

  /// Lets the publishers heard in the turn that is over reuse what was handled. A turn is short when handlers are slow.
  void publish_released_in_turn() {
    for (InRoute* route : left_) route->publish_released();
    left_.clear();
    if (turn_ < routes_.size()) routes_[turn_]->publish_released();
  }
  /// Lets the publishers reuse all that was handled.
  void publish_released();
  bool prepare_wait();
  void end_wait();

 private:
  static constexpr unsigned burst = 16;  // events in a row from one route

  void hand_out(InRoute& route, const Found& found, Delivery& out);
  bool hand_out_like_last(InRoute& route, Delivery& out);
  void count(Word& word, std::uint64_t by) {
    word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  bool take_from(InRoute& route, Delivery& out);
  bool hand_out_latched(Delivery& out);
  void fill_type_and_object(Delivery& out, std::uint16_t wire_type) const;
  void fill_object(Delivery& out) const;
  // carried.cpp: payloads that a carrier has
  bool fetch_from_carrier(const InRoute& route, Found& found);
  void pass_over_lost(InRoute& route);
  void let_go_of_carried();
  bool hand_out_outside(Delivery& out);
  std::uint16_t type_of_outside(const OutsideEvent& event) const;
  /// What was checked of earlier events no longer holds.
  void forget_known();
  void record_flight(const Delivery& delivery, std::uint64_t type_and_topic);
  void turn_to_the_event_in_flight();
  void go_on() {
    burst_left_ = burst;
    if (++turn_ >= routes_.size()) turn_ = 0;
  }

  std::span<const EventType* const> types_;
  Status& status_;
  ReceiverEvents events_;
  std::vector<std::unique_ptr<InRoute>> routes_;
  std::unordered_map<std::uint32_t, InRoute*> by_id_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::weak_ptr<Publisher>> publishers_;
  std::vector<std::uint16_t> index_of_wire_type_;
  std::vector<std::uint16_t> handle_of_wire_topic_;
  std::size_t turn_ = 0;
  unsigned burst_left_ = burst;
  std::vector<InRoute*> left_;  // in this turn, though they may have more
  InRoute* in_hand_ = nullptr;
  Carrier* carrier_ = nullptr;
  bool outside_first_ = false;
  bool has_carried_ = false;  // the payload in hand is the carrier's
  ActorId outside_{"iceoryx"};
  LatchedInbox latched_;
  InFlight in_flight_;
  std::pair<std::uint64_t, std::uint64_t> replayed_;
};

}  // namespace actor::shm
