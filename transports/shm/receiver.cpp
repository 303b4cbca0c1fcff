#include <actor/error.hpp>
#include <algorithm>
#include <limits>
#include <shm/poison.hpp>
#include <shm/receiver.hpp>

namespace actor::shm {

Receiver::Receiver(std::span<const EventType* const> types, Status& status, ReceiverEvents events)
    : types_(types), status_(status), events_(std::move(events)) {}

// ---- Wiring ----

void Receiver::set_wire_type(std::uint16_t wire, std::uint16_t index) {
  if (index_of_wire_type_.size() <= wire) index_of_wire_type_.resize(wire + 1u, Delivery::unknown_type);
  index_of_wire_type_[wire] = index;
  forget_known();
}

void Receiver::set_wire_topic(std::uint16_t wire, std::uint16_t handle) {
  if (handle_of_wire_topic_.size() <= wire) handle_of_wire_topic_.resize(wire + 1u, 0);
  handle_of_wire_topic_[wire] = handle;
  forget_known();
}

void Receiver::forget_known() {
  for (const auto& route : routes_) route->forget_known();
}

void Receiver::set_in_flight(const InFlight& in_flight) {
  in_flight_ = in_flight;
  FlightRecord& flight = status_.flight;
  flight.sequence.store(in_flight.sequence, std::memory_order_relaxed);
  flight.attempt.store(in_flight.attempt, std::memory_order_relaxed);
  flight.first_output.store(in_flight.first_output, std::memory_order_relaxed);
  flight.outputs_end.store(in_flight.outputs_end, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  flight.route.store(in_flight.route, std::memory_order_relaxed);
}

std::shared_ptr<Publisher> Receiver::publisher(std::uint64_t key, std::uint32_t incarnation, std::string_view name,
                                               int status_fd, std::string& error) {
  auto& known = publishers_[{key, incarnation}];
  if (auto publisher = known.lock()) return publisher;
  auto status = PeerSegment::open(status_fd, sizeof(Status), error);
  if (!status) return nullptr;
  auto publisher = std::make_shared<Publisher>();
  publisher->key = key;
  publisher->incarnation = incarnation;
  publisher->id = ActorId(name);
  publisher->status = std::move(*status);
  // Its layout is the broker's to check, at Hello: its owner can write another into it at any time.
  publisher->wall_offset_ns = publisher->words().header.wall_offset_ns;
  known = publisher;
  return publisher;
}

bool Receiver::add_extent(std::uint64_t key, std::uint32_t incarnation, std::uint32_t extent, int fd,
                          std::string& error) {
  const auto publisher = publishers_[{key, incarnation}].lock();
  if (!publisher) return true;  // its segments were drained meanwhile
  auto segment = PeerSegment::open(fd, cache_line, error);
  if (!segment) return false;
  forget_known();
  publisher->extents.insert_or_assign(extent, std::make_shared<PeerSegment>(std::move(*segment)));
  return true;
}

void Receiver::drop_extent(std::uint64_t key, std::uint32_t incarnation, std::uint32_t extent) {
  const auto found = publishers_.find({key, incarnation});
  if (found == publishers_.end()) return;
  forget_known();
  if (const auto publisher = found->second.lock()) publisher->extents.erase(extent);
}

InRoute* Receiver::attach(InSegmentSpec spec, std::string& error) {
  auto ring = RingView::open(spec.ring_fd, spec.shape, error);
  if (!ring) return nullptr;
  InRoute* route = find_route(spec.route);
  const bool is_new = route == nullptr;
  if ((!is_new && route->overwriting() != ring->overwriting()) || spec.cursor_index >= max_routes) {
    error = "the ring does not fit the route it was announced for";
    return nullptr;
  }
  if (is_new) {
    routes_.push_back(std::make_unique<InRoute>(spec.route, spec.smallest_quota, spec.shape.overwriting,
                                                status_.cursors[spec.cursor_index], spec.cursor,
                                                std::move(spec.data_bell), std::move(spec.space_bell)));
    route = routes_.back().get();
    by_id_[spec.route] = route;
  }
  route->set_smallest_quota(spec.smallest_quota);  // this life may send on topics that the last one did not
  // A reader that has begun to read the route has had what came before. What was sent into a ring of which nothing has
  // been read comes in its turn.
  if (is_new || route->is_untouched()) {
    const bool unread = spec.cursor <= ring->base();
    latched_.expect({spec.route, spec.publisher, spec.topics, spec.ended,
                     unread ? ring->first_counter() : std::numeric_limits<std::uint64_t>::max()});
  }
  route->add_segment({std::move(*ring), std::move(spec.publisher), std::move(spec.topics), spec.ended, spec.final_head,
                      spec.from_record});
  return is_new ? route : nullptr;
}

void Receiver::end_segment(std::uint32_t id, std::uint32_t incarnation, std::uint64_t final_head, bool from_record) {
  InRoute* route = find_route(id);
  if (!route) return;
  for (InSegment& segment : route->segments()) {
    if (segment.publisher->incarnation != incarnation) continue;
    segment.ended = true;
    segment.final_head = final_head;
    segment.from_record = from_record;
  }
}

void Receiver::offer_latched(std::uint32_t route, std::shared_ptr<Publisher> publisher,
                             std::vector<std::uint16_t> topics) {
  latched_.expect({route, std::move(publisher), std::move(topics), true, std::numeric_limits<std::uint64_t>::max()});
}

InRoute* Receiver::find_route(std::uint32_t route) {
  const auto found = by_id_.find(route);
  return found == by_id_.end() ? nullptr : found->second;
}

void Receiver::remove_route(std::uint32_t id) {
  const auto found =
      std::find_if(routes_.begin(), routes_.end(), [id](const auto& route) { return route->id() == id; });
  if (found == routes_.end()) return;
  if (in_hand_ == found->get()) in_hand_ = nullptr;
  std::erase(left_, found->get());
  by_id_.erase(id);
  latched_.forget(id);
  routes_.erase(found);
  turn_ = 0;
  std::erase_if(publishers_, [](const auto& item) { return item.second.expired(); });
}

// ---- Receiving ----

inline void Receiver::record_flight(const Delivery& out, std::uint64_t type_and_topic) {
  FlightRecord& flight = status_.flight;
  flight.event_counter.store(out.id.counter, std::memory_order_relaxed);
  flight.type_and_topic.store(type_and_topic, std::memory_order_relaxed);
  if ((out.flags & Delivery::redelivered) != 0 && flight.route.load(std::memory_order_relaxed) == out.route &&
      flight.sequence.load(std::memory_order_relaxed) == out.sequence) [[unlikely]] {
    // set_in_flight() recorded it. Not emptied in between: if we die here, what its first attempt sent is still known.
    flight.attempt.store(out.attempt, std::memory_order_relaxed);
    return;
  }
  flight.route.store(0, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // only our own death matters: a compiler barrier is enough
  flight.sequence.store(out.sequence, std::memory_order_relaxed);
  flight.attempt.store(out.attempt, std::memory_order_relaxed);
  flight.first_output.store(replayed_.first, std::memory_order_relaxed);
  flight.outputs_end.store(replayed_.second, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  flight.route.store(out.route, std::memory_order_relaxed);
}

/// The short way of hand_out().
inline bool Receiver::hand_out_like_last(InRoute& route, Delivery& out) {
  const Slot* const found = route.take_like_last(out.payload);
  if (!found) return false;
  const Slot& slot = *found;
  const KnownEvent& known = route.known();
  const Publisher& publisher = route.publisher();
  unpoison(out.payload);
  out.object = known.in_place ? out.payload.data() : nullptr;
  out.id = {publisher.key, slot.counter};
  out.parent = {};
  out.sender = publisher.id;
  out.monotonic_ns = slot.stamp_ns;
  out.wall_offset_ns = publisher.wall_offset_ns;
  out.type = known.type;
  out.topic = known.topic;
  out.flags = 0;
  out.attempt = 1;
  out.route = route.id();
  out.sequence = route.cursor();
  in_hand_ = &route;
  count(status_.counters.received, 1);
  replayed_ = {0, 0};
  record_flight(out, known.type_and_topic);
  return true;
}

/// Another event first would take its place in the flight record, and with it the number of its attempts.
void Receiver::turn_to_the_event_in_flight() {
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (routes_[i]->id() == in_flight_.route) turn_ = i;
  }
}

bool Receiver::next(Delivery& out) {
  const bool is_plain = latched_.is_empty() && in_flight_.route == 0 && !carrier_;
  if (is_plain && burst_left_ != 0 && !routes_.empty()) [[likely]] {
    if (hand_out_like_last(*routes_[turn_], out)) [[likely]] {
      --burst_left_;
      return true;
    }
  }
  if (!latched_.is_empty()) [[unlikely]]
    if (hand_out_latched(out)) return true;
  if (carrier_) [[unlikely]] {  // those outside and our own routes take turns
    outside_first_ = !outside_first_;
    if (outside_first_ && hand_out_outside(out)) return true;
  }
  if (in_flight_.route != 0) [[unlikely]]
    turn_to_the_event_in_flight();
  if (burst_left_ == 0 && !routes_.empty()) {  // its turn is over, though it may have more
    routes_[turn_]->look_ahead();
    if (routes_.size() > 1) left_.push_back(routes_[turn_].get());
    go_on();
  }
  for (std::size_t tried = 0; tried < routes_.size(); ++tried) {
    InRoute& route = *routes_[turn_];
    if (take_from(route, out)) {
      --burst_left_;
      return true;
    }
    route.publish_released();
    go_on();
  }
  return carrier_ && hand_out_outside(out);
}

bool Receiver::take_from(InRoute& route, Delivery& out) {
  Found found;
  std::string error;
  for (;;) {
    const Take taken = route.take(found, error);
    if (const std::uint64_t gaps = route.take_gaps()) count(status_.counters.dropped, gaps);
    switch (taken) {
      case Take::Event:
        if ((found.flags & Slot::carried) && !fetch_from_carrier(route, found)) [[unlikely]] {
          pass_over_lost(route);
          break;
        }
        hand_out(route, found, out);
        return true;
      case Take::Nothing:
        return false;
      case Take::Drained:
        events_.drained(route.id(), route.drop_front());
        break;  // on with the next segment
      case Take::Corrupt:
        events_.corrupt(route.id(), error);
        return false;
    }
  }
}

void Receiver::hand_out(InRoute& route, const Found& found, Delivery& out) {
  const Publisher& publisher = route.publisher();
  const Slot& slot = *found.slot;
  out.payload = found.payload;
  out.id = {publisher.key, slot.counter};
  out.parent = found.parent;
  out.sender = publisher.id;
  out.monotonic_ns = slot.stamp_ns;
  out.wall_offset_ns = publisher.wall_offset_ns;
  out.topic = found.topic < handle_of_wire_topic_.size() ? handle_of_wire_topic_[found.topic] : std::uint16_t{0};
  out.flags = 0;
  if (found.flags & Slot::maybe_duplicate) out.flags |= Delivery::maybe_duplicate;
  out.attempt = 1;
  out.route = route.id();
  out.sequence = found.sequence;
  fill_type_and_object(out, found.type);
  in_hand_ = &route;
  count(status_.counters.received, 1);
  replayed_ = {0, 0};
  if (in_flight_.route != 0 && in_flight_.route == out.route) [[unlikely]] {
    if (in_flight_.sequence == out.sequence) {
      out.flags |= Delivery::redelivered;
      out.attempt = in_flight_.attempt + 1;
      replayed_ = {in_flight_.first_output, in_flight_.outputs_end};
    }
    in_flight_.route = 0;
  }
  record_flight(out, std::uint64_t{found.type} << 16 | found.topic);
  route.remember(found, out);
}

void Receiver::fill_type_and_object(Delivery& out, std::uint16_t wire_type) const {
  out.type = wire_type < index_of_wire_type_.size() ? index_of_wire_type_[wire_type] : Delivery::unknown_type;
  fill_object(out);
}

void Receiver::fill_object(Delivery& out) const {
  out.object = nullptr;
  if (out.type == Delivery::unknown_type) return;
  const EventType& type = *types_[out.type];
  // In place only if every bit pattern is a value: the publisher could still be writing.
  const bool fits = out.payload.size() == type.size && type.align <= cache_line;
  if (type.trivially_copyable && !type.valid && fits) out.object = out.payload.data();
}

/// Outside the accounting and of no route: a life that dies over it is handed it anew, a dead letter stays one. The
/// flight record is left as it is: it may hold what the predecessor had in hand.
bool Receiver::hand_out_latched(Delivery& out) {
  const LatchedValue* value = latched_.next();
  if (!value) return false;
  const Publisher& publisher = *value->publisher;
  out.payload = value->payload();
  out.id = {publisher.key, value->counter};
  out.parent = value->parent;
  out.sender = publisher.id;
  out.monotonic_ns = value->stamp_ns;
  out.wall_offset_ns = publisher.wall_offset_ns;
  out.topic = value->topic < handle_of_wire_topic_.size() ? handle_of_wire_topic_[value->topic] : std::uint16_t{0};
  out.flags = 0;
  if (value->is_latched) out.flags |= Delivery::latched;
  if (value->letter != 0) out.flags |= Delivery::redelivered;
  status_.flight.letter.store(value->letter, std::memory_order_relaxed);
  out.attempt = value->attempt;
  out.route = 0;
  out.sequence = 0;
  if (value->is_latched) {
    fill_type_and_object(out, value->type);
  } else {
    out.topic = value->topic;
    out.type = value->type;
    fill_object(out);
  }
  in_hand_ = nullptr;
  replayed_ = {0, 0};
  return true;
}

void Receiver::handled(const Delivery& delivery, bool known) {
  const bool carried = has_carried_;
  if (carried) let_go_of_carried();
  if (delivery.route == 0) [[unlikely]] {
    Word& letter = status_.flight.letter;
    // Told before the record is emptied: if we die in between, it counts as handled.
    if (const std::uint64_t number = letter.load(std::memory_order_relaxed)) events_.redelivered(number, known);
    letter.store(0, std::memory_order_relaxed);
    return;
  }
  count(known ? status_.counters.handled : status_.counters.skipped, 1);
  InRoute* route = in_hand_;
  in_hand_ = nullptr;
  if (!route || route->id() != delivery.route) return;  // unsubscribed while it was handled
  if (!carried && !route->copies() && !route->is_pinned(delivery.sequence)) poison(delivery.payload);
  route->advance();
  if (route->should_publish(delivery.payload.size())) route->publish_released();
}

std::shared_ptr<const void> Receiver::pin(const Delivery& delivery) {
  if (!in_hand_ || in_hand_->id() != delivery.route) return nullptr;
  for (const auto& [number, extent] : in_hand_->publisher().extents) {
    const std::byte* const begin = extent->data();
    const std::byte* const at = delivery.payload.data();
    if (at < begin || at >= begin + extent->bytes()) continue;
    if (!in_hand_->pin()) return nullptr;
    return extent;
  }
  return nullptr;
}

void Receiver::unpin(std::uint32_t id, std::uint64_t sequence) {
  if (InRoute* route = find_route(id)) route->unpin(sequence);
}

void Receiver::publish_released() {
  for (const auto& route : routes_) route->publish_released();
}

bool Receiver::prepare_wait() {
  publish_released();
  const std::uint64_t sleep = status_.sleep.load(std::memory_order_relaxed);
  // seq_cst store, then seq_cst loads of the heads. PAIRS: OutRoute::flush_now.
  status_.sleep.store(sleep | 1, std::memory_order_seq_cst);
  return !latched_.has_values() && !(carrier_ && carrier_->has_outside()) &&
         std::none_of(routes_.begin(), routes_.end(), [](const auto& route) { return route->has_news(); });
}

void Receiver::end_wait() {
  const std::uint64_t sleep = status_.sleep.load(std::memory_order_relaxed);
  if (sleep & 1) status_.sleep.store(sleep + 1, std::memory_order_seq_cst);
}

}  // namespace actor::shm
