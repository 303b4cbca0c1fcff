#include <actor/error.hpp>
#include <algorithm>
#include <cstring>
#include <ctime>
#include <new>
#include <shm/sender.hpp>

namespace actor::shm {
namespace {

constexpr std::uint64_t counter_block = 1u << 16;
constexpr std::uint64_t eager_reclaim_bytes = 4096;

/// Where a payload goes: into the slot, into its tail, or into the pool.
std::uint64_t inline_limit(bool has_parent) {
  return has_parent ? slot_inline_bytes - sizeof(EventId) : slot_inline_bytes;
}

}  // namespace

Sender::Sender(ActorId self, std::uint64_t actor_key, std::uint64_t first_counter, std::uint64_t budget_bytes,
               Status& status, SenderEvents events)
    : self_(self),
      key_(actor_key),
      counter_(first_counter),
      counter_limit_(first_counter),
      status_(status),
      events_(std::move(events)),
      pool_(budget_bytes, events_.extents) {
  status_.counters.counter_limit.store(counter_limit_, std::memory_order_relaxed);
}

// ---- Wiring ----

std::uint16_t Sender::add_topic(PortTopic topic) {
  topics_.push_back({std::move(topic), {}});
  connect_topics();
  return static_cast<std::uint16_t>(topics_.size() - 1);
}

OutRoute& Sender::add_route(std::unique_ptr<OutRoute> route) {
  route->set_first_counter(counter_);
  routes_.push_back(std::move(route));
  connect_topics();
  return *routes_.back();
}

OutRoute* Sender::find_route(std::uint32_t id) {
  const auto found =
      std::find_if(routes_.begin(), routes_.end(), [id](const auto& route) { return route->id() == id; });
  return found == routes_.end() ? nullptr : found->get();
}

void Sender::remove_route(std::uint32_t id) {
  const auto found =
      std::find_if(routes_.begin(), routes_.end(), [id](const auto& route) { return route->id() == id; });
  if (found == routes_.end()) return;
  (*found)->flush();
  leaving_.push_back(std::move(*found));
  routes_.erase(found);
  connect_topics();
}

void Sender::reader_gone(std::uint32_t id) {
  if (OutRoute* route = find_route(id)) return route->clear_reader();
  std::erase_if(leaving_, [&](const auto& route) {
    if (route->id() != id) return false;
    route->abandon(pool_);
    return true;
  });
}

void Sender::connect_topics() {
  for (Topic& topic : topics_) {
    topic.targets.clear();
    topic.is_simple = false;
    if (topic.is.wire == 0) continue;
    for (const auto& route : routes_) {
      const int position = route->topic_position(topic.is.wire);
      if (position >= 0) topic.targets.push_back({route.get(), static_cast<unsigned>(position)});
    }
    topic.is_simple = topic.targets.size() == 1 && !topic.targets.front().route->overwriting() &&
                      topic.is.may_publish && !topic.is.latched && topic.is.carried_bytes == 0;
  }
  recount_staged();
}

void Sender::recount_staged() {
  for (const auto& route : routes_) route->staged = 0;
  unresolved_ = 0;
  for (const Staged& staged : outbox_) mark_staged(topics_[staged.header.topic]);
}

// ---- Sending ----

std::int64_t Sender::now() {
  if (now_ns_ == 0) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    now_ns_ = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
  return now_ns_;
}

EventId Sender::next_id(bool& maybe_duplicate) {
  maybe_duplicate = false;
  if (handling_ && replay_ != 0) {
    const std::uint64_t number = replay_++;
    if (replay_ >= replay_end_) replay_ = 0;
    maybe_duplicate = true;
    return {key_, number};
  }
  if (counter_ >= counter_limit_) {
    // Stored before the first use of a number: whoever succeeds us starts at the limit, so that none is used twice.
    counter_limit_ = counter_ + counter_block;
    status_.counters.counter_limit.store(counter_limit_, std::memory_order_relaxed);
  }
  return {key_, counter_++};
}

std::uint16_t Sender::wire_type(const EventType* type) {
  if (type != last_type_) {
    last_type_ = type;
    const auto found = wire_types_.find(type);
    last_wire_type_ = found == wire_types_.end() ? std::uint16_t{0} : found->second;
  }
  return last_wire_type_;
}

Sender::Payload Sender::payload_of(const Outgoing& out) {
  const EventType& type = *out.type;
  Payload payload;
  if (!type.trivially_copyable) {
    payload.size = type.encoded_size(out.event);
    if (!type.has_own_code) return payload;
    encoded_.resize(payload.size);  // what may throw does so here, before anything else has happened
    type.encode(out.event, encoded_);
    payload.bytes = encoded_.data();
    return payload;
  }
  payload.bytes = static_cast<const std::byte*>(out.event);
  payload.size = type.size;
  if (loans_.empty()) return payload;
  const auto loan = std::find_if(loans_.begin(), loans_.end(), [&](const OpenLoan& l) { return l.at == out.event; });
  if (loan != loans_.end() && loan->chunk != Pool::no_chunk) payload.chunk = loan->chunk;
  return payload;
}

EventId Sender::send_any(const Outgoing& out, Topic& topic) {
  struct LoanGuard {  // what was loaned is ours again, however this ends
    Sender& sender;
    const Outgoing& out;
    ~LoanGuard() {
      if (!sender.loans_.empty()) sender.unloan(const_cast<void*>(out.event));
    }
  } guard{*this, out};
  if (!topic.is.may_publish) throw_not_allowed(topic, out);
  if (topic.is.latched && topic.is.wire != 0) latches_.reserve(topic.is.wire, topic.is.name);
  Payload payload = payload_of(out);
  if (payload.size > pool_.budget_bytes()) throw_too_large(topic, out, payload.size);

  Header header{{}, out.parent, now(), out.topic, wire_type(out.type), false};
  const bool behind_others = topic.is.wire == 0 || (!outbox_.empty() && must_queue(topic));
  if (behind_others && outbox_is_full(payload.size)) throw_full(topic);
  header.id = next_id(header.maybe_duplicate);
  if (handling_) note_output(header.id.counter);
  if (payload.chunk != Pool::no_chunk) pool_.add_references(payload.chunk, 1);  // ours, beside the loan's
  if (behind_others || !commit_new(header, topic, out, payload)) stage(header, topic, out, payload);
  return header.id;
}

void Sender::note_output(std::uint64_t counter) {
  FlightRecord& flight = status_.flight;
  // A retry that dies early must not forget numbers that an earlier attempt used.
  if (counter < flight.outputs_end.load(std::memory_order_relaxed)) return;
  if (flight.first_output.load(std::memory_order_relaxed) == 0)
    flight.first_output.store(counter, std::memory_order_relaxed);
  flight.outputs_end.store(counter + 1, std::memory_order_relaxed);
}

/// Commits right away if everybody has room, and memory too. Else false: nothing has happened.
bool Sender::commit_new(const Header& header, Topic& topic, const Outgoing& out, Payload& payload) {
  if (find_room(topic, false) == Room::Wait) return false;
  std::byte* const loaned = carrier_ ? loan_from_carrier(topic, payload.size) : nullptr;
  const bool carried = loaned && chosen_listen();
  if (!carried && payload.size > tail_bytes && payload.chunk == Pool::no_chunk &&
      (!chosen_.empty() || topic.is.latched)) {
    if (provide_chunk(payload)) {
      std::byte* at = pool_.data(payload.chunk);
      if (payload.bytes)
        std::memcpy(at, payload.bytes, payload.size);
      else
        out.type->encode(out.event, {at, payload.size});
    } else {
      if (topic.is.policy.kind == OverflowPolicy::Kind::Block) {
        if (loaned) carrier_->unloan();
        return false;
      }
      late_ += static_cast<unsigned>(chosen_.size());  // no memory left: the other policies drop
      if (is_watched()) {
        for (const Target& target : chosen_) dropped_.push_back(target.route);
      }
      chosen_.clear();
    }
  }
  if (loaned) {
    const std::uint64_t ticket = publish_at_carrier(loaned, header, payload, &out);
    if (carried) ticket_ = ticket;
  }
  commit(header, payload, &out);
  return true;
}

bool Sender::must_queue(const Topic& topic) const {
  if (unresolved_ != 0) return true;  // who reads that one is not known yet: it may be one of ours
  return std::any_of(topic.targets.begin(), topic.targets.end(),
                     [](const Target& target) { return target.route->staged != 0; });
}

/// Chooses who gets the event (into chosen_), by the topic's policy. `late`: its deadline has passed.
Sender::Room Sender::find_room(Topic& topic, bool late) {
  chosen_.clear();
  late_ = 0;
  for (const Target& target : topic.targets) {
    const bool behind_others = late && target.route->staged != 0;
    if (!behind_others && target.route->has_room(target.position, pool_)) {
      chosen_.push_back(target);
      continue;
    }
    using Kind = OverflowPolicy::Kind;
    if (topic.is.policy.kind == Kind::Block && !late) return Room::Wait;
    if (topic.is.policy.kind == Kind::Fail && !std::exchange(target.route->overflow_reported, true))
      events_.overflowed(target.route->id(), topic.is.wire);
    ++late_;
    if (is_watched() && !late) dropped_.push_back(target.route);  // the late ones were told of when they were staged
  }
  return Room::Now;
}

bool Sender::provide_chunk(Payload& payload) {
  // What the readers are done with is taken back first, so that this payload is written to lines that are still hot.
  if (payload.size >= eager_reclaim_bytes || ++allocations_ % 8 == 0) reclaim_all();
  payload.chunk = pool_.allocate(payload.size);
  if (payload.chunk != Pool::no_chunk) return true;
  reclaim_all();
  payload.chunk = pool_.allocate(payload.size);
  // A slow reader of a topic that drops its oldest must not hold up others by the memory of what it has not read.
  for (const auto& route : routes_) {
    while (payload.chunk == Pool::no_chunk && route->drop_oldest(pool_)) payload.chunk = pool_.allocate(payload.size);
  }
  if (payload.chunk == Pool::no_chunk && pool_.shortage()) [[unlikely]]
    note_shortage();
  return payload.chunk != Pool::no_chunk;
}

void Sender::reclaim_all() {
  for (const auto& route : routes_) route->reclaim(pool_);
  for (const auto& route : leaving_) route->reclaim(pool_);
}

/// Pushes the event to everybody in chosen_. Nothing waits from here on. Consumes our reference of payload.chunk.
void Sender::commit(const Header& header, Payload payload, const Outgoing* out) {
  const std::size_t targets = chosen_.size();
  if (ticket_ != 0 && payload.chunk != Pool::no_chunk) {  // a loan: its bytes are with the carrier now
    payload.bytes = pool_.data(payload.chunk);
    pool_.release(std::exchange(payload.chunk, Pool::no_chunk));
  }
  // Without a chunk a large payload found no memory: then the value before it stays the last one.
  const bool latch =
      topics_[header.topic].is.latched && (payload.size <= tail_bytes || payload.chunk != Pool::no_chunk);
  if (late_ != 0 && !dropped_.empty()) [[unlikely]]
    tell_dropped(header, payload, out);
  if (payload.chunk != Pool::no_chunk) {
    const std::size_t holders = targets + (latch ? 1 : 0);
    if (holders == 0)
      pool_.release(payload.chunk);
    else if (holders > 1)
      pool_.add_references(payload.chunk, static_cast<std::uint32_t>(holders - 1));
  }
  if (latch) [[unlikely]]
    push_to_all(header, payload, out, true);
  else if (targets == 1)
    push_to_one(chosen_.front(), header, payload, out);
  else if (targets > 1)
    push_to_all(header, payload, out, false);
  count(status_.counters.published, 1);
  count(status_.counters.sent, targets + late_);
  if (late_) count(status_.counters.dropped, late_);
  dirty_ = true;
  ticket_ = 0;
  if (is_watched()) [[unlikely]]
    tell_dispatched(header, payload, out);
}

void Sender::push_to_one(const Target& target, const Header& header, const Payload& payload, const Outgoing* out) {
  OutRoute& route = *target.route;
  if (route.overwriting()) route.begin_overwrite(pool_);
  write_slot(route.next_slot(), route.next_tail(), header, payload, out);
  route.push(target.position, payload.chunk);
}

void Sender::push_to_all(const Header& header, const Payload& payload, const Outgoing* out, bool latch) {
  // The fan-out is recorded before its first push and committed by one store: if the process dies before it, nobody
  // gets the event; if it dies after it, those who were not reached take it from here. Order only matters against our
  // own death, which stops this thread between two instructions: a compiler barrier is enough.
  FanoutRecord& record = status_.fanout;
  record.commit.store(0, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  write_slot(record.slot, record.tail, header, payload, out);
  record.targets = chosen_.size();
  for (std::size_t i = 0; i < chosen_.size(); ++i)
    record.target[i] = {chosen_[i].route->id(), 0, chosen_[i].route->head()};
  std::atomic_signal_fence(std::memory_order_seq_cst);
  record.commit.store(header.id.counter, std::memory_order_release);

  // If the process dies before the value is latched, the record, which says that it should be, is where it is found.
  if (latch) [[unlikely]]
    latches_.store(record.slot, record.tail, payload.chunk);

  const bool tail = (record.slot.flags_and_bytes >> 24 & Slot::in_tail) != 0;
  for (const Target& target : chosen_) {
    OutRoute& route = *target.route;
    if (route.overwriting()) route.begin_overwrite(pool_);
    Slot& slot = route.next_slot();
    std::memcpy(reinterpret_cast<std::byte*>(&slot) + sizeof(Word),
                reinterpret_cast<const std::byte*>(&record.slot) + sizeof(Word), sizeof(Slot) - sizeof(Word));
    if (tail) route.next_tail() = record.tail;
    route.push(target.position, payload.chunk);
  }
}

void Sender::write_slot(Slot& slot, Tail& tail, const Header& header, const Payload& payload, const Outgoing* out) {
  slot.counter = header.id.counter;
  slot.stamp_ns = header.stamp_ns;
  slot.topic = topics_[header.topic].is.wire;
  slot.type = header.type;
  std::uint32_t flags = 0;
  if (header.maybe_duplicate) flags |= Slot::maybe_duplicate;
  if (topics_[header.topic].is.latched) flags |= Slot::latched;
  const bool has_parent = static_cast<bool>(header.parent);
  if (has_parent) {
    flags |= Slot::has_parent;
    std::memcpy(slot.payload + slot_inline_bytes - sizeof(EventId), &header.parent, sizeof(EventId));
  }
  std::uint32_t bytes = 0;
  if (ticket_ != 0) {
    flags |= Slot::carried;
    std::memcpy(slot.payload, &ticket_, sizeof ticket_);
  } else if (payload.chunk != Pool::no_chunk) {
    flags |= Slot::in_pool;
    const PoolRef reference = pool_.reference(payload.chunk, payload.size);
    std::memcpy(slot.payload, &reference, sizeof reference);
  } else {
    bytes = static_cast<std::uint32_t>(payload.size);
    std::byte* at = slot.payload;
    if (payload.size > inline_limit(has_parent)) {
      flags |= Slot::in_tail;
      at = tail.payload;
    }
    if (payload.bytes)
      std::memcpy(at, payload.bytes, payload.size);
    else if (out)  // staged without a byte: nothing to write
      out->type->encode(out->event, {at, payload.size});
  }
  slot.flags_and_bytes = flags << 24 | bytes;
}

void Sender::throw_not_allowed(const Topic& topic, const Outgoing& out) const {
  throw Error(ErrorCode::TopicNotAllowed, "actor " + std::string(self_.name()) + " sends " +
                                              std::string(out.type->label) + " to topic " + topic.is.name +
                                              ", which its `publishes` in the manifest does not list; add it there");
}

void Sender::throw_too_large(const Topic& topic, const Outgoing& out, std::uint64_t bytes) const {
  throw Error(ErrorCode::PayloadTooLarge,
              "actor " + std::string(self_.name()) + " sends " + std::string(out.type->label) + " of " +
                  std::to_string(bytes) + " bytes to topic " + topic.is.name + ", but its whole memory is " +
                  std::to_string(pool_.budget_bytes()) + " bytes; raise `memory` of the actor in the manifest");
}

void Sender::throw_full(const Topic& topic) {
  const OutRoute* holder = nullptr;
  std::uint64_t held = 0;
  for (const Target& target : topic.targets) {
    const std::uint64_t bytes = target.route->queued_chunk_bytes(pool_) + 1;
    if (bytes > held) {
      held = bytes;
      holder = target.route;
    }
  }
  throw Error(ErrorCode::MailboxFull, "actor " + std::string(self_.name()) + " has " + std::to_string(outbox_.size()) +
                                          " events (" + std::to_string(outbox_bytes_) +
                                          " bytes) waiting for room, half of its memory; this one is for topic " +
                                          topic.is.name +
                                          (holder ? ", held back by reader " + holder->reader() : std::string()) +
                                          ": return from the handler so that they can go out");
}

void Sender::flush_routes() {
  dirty_ = false;
  for (const auto& route : routes_) route->flush();
}

bool Sender::is_full(std::uint16_t handle) {
  Topic& topic = topics_[handle];
  if (must_queue(topic)) return true;
  return std::any_of(topic.targets.begin(), topic.targets.end(),
                     [this](const Target& target) { return !target.route->has_room(target.position, pool_); });
}

// ---- Loans ----

void* Sender::loan(const EventType& type) {
  Payload payload;
  payload.size = type.size;
  const std::align_val_t align{std::max<std::size_t>(type.align, cache_line)};
  if (type.size > tail_bytes && type.align <= cache_line && provide_chunk(payload)) {
    loans_.push_back({pool_.data(payload.chunk), payload.chunk, align});
  } else {  // small, aligned to more than a line, or no room now: private memory, copied by send()
    loans_.push_back({::operator new(type.size, align), Pool::no_chunk, align});
  }
  return loans_.back().at;
}

void Sender::unloan(void* loaned) noexcept {
  const auto loan = std::find_if(loans_.begin(), loans_.end(), [=](const OpenLoan& l) { return l.at == loaned; });
  if (loan == loans_.end()) return;
  if (loan->chunk != Pool::no_chunk)
    pool_.release(loan->chunk);
  else
    ::operator delete(loan->at, loan->align);
  loans_.erase(loan);
}

// ---- Handling ----

void Sender::replay_outputs(std::uint64_t first, std::uint64_t end) {
  if (first == 0 || end <= first) return;
  replay_ = first;
  replay_end_ = end;
}

void Sender::end_handling() {
  handling_ = false;
  replay_ = 0;
}

}  // namespace actor::shm
