#include <unistd.h>

#include <actor/error.hpp>
#include <ctime>
#include <new>
#include <shm/bell.hpp>
#include <shm/port.hpp>

namespace actor::shm {
namespace {

constexpr std::chrono::seconds trim_delay(10);

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// A copy on the heap, for retain().
Retained copy_event(const EventType& type, const void* event) {
  const auto alignment = std::align_val_t(type.align);
  void* copy = ::operator new(type.size, alignment);
  type.copy_construct(copy, event);
  return Retained(copy, [&type, alignment](const void* held) {
    type.destroy(const_cast<void*>(held));
    ::operator delete(const_cast<void*>(held), alignment);
  });
}

}  // namespace

OwnedSegment make_status() {
  OwnedSegment segment = OwnedSegment::create("actor-status", sizeof(Status));
  auto* status = new (segment.data()) Status;  // memfds are zeroed; the words start at 0
  status->header.version = layout_version;
  status->header.bytes = sizeof(Status);
  status->header.wall_offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
  status->header.pid = static_cast<std::uint64_t>(getpid());
  status->header.magic = status_magic;
  return segment;
}

ShmPort::ShmPort(const PortOptions& options, std::span<const EventType* const> types, OwnedSegment status,
                 EpollLoop& loop, Events events)
    : status_(std::move(status)),
      loop_(loop),
      types_(types),
      topic_opened_(std::move(events.topic_opened)),
      sender_(options.self, options.actor_key, options.first_counter, options.memory_bytes, this->status(),
              std::move(events.sender)),
      receiver_(types, this->status(), std::move(events.receiver)),
      times_(this->status()) {}

ShmPort::~ShmPort() {
  if (trim_timer_) loop_.cancel(trim_timer_);
  if (returns_->bell) loop_.remove_bell(returns_->bell.get());
  if (carrier_ && carrier_->outside_bell() >= 0) loop_.remove_bell(carrier_->outside_bell());
  for (const auto* routes : {&sender_.routes(), &sender_.leaving()}) {
    for (const auto& route : *routes) loop_.remove_bell(route->space_bell());
  }
  for (const auto& route : receiver_.routes()) loop_.remove_bell(route->data_bell());
}

// ---- Wiring ----

std::uint16_t ShmPort::bind_topic(PortTopic topic) {
  std::uint16_t handle = 0;
  for (; handle < sender_.topic_count(); ++handle) {
    if (sender_.topic(handle).name == topic.name) break;
  }
  const std::uint16_t wire = topic.wire;
  if (handle == sender_.topic_count()) {
    sender_.add_topic(std::move(topic));
  } else {
    sender_.topic(handle) = std::move(topic);
    sender_.topics_changed();
  }
  if (wire != 0) receiver_.set_wire_topic(wire, handle);
  return handle;
}

void ShmPort::set_carrier(std::unique_ptr<Carrier> carrier) {
  carrier_ = std::move(carrier);
  sender_.set_carrier(*carrier_);
  receiver_.set_carrier(*carrier_);
  if (carrier_->outside_bell() >= 0) loop_.add_bell(carrier_->outside_bell());
}

OutRoute& ShmPort::add_out_route(OutRouteSpec spec, Fd data_bell, Fd space_bell) {
  loop_.add_bell(space_bell.get());
  return sender_.add_route(std::make_unique<OutRoute>(std::move(spec), std::move(data_bell), std::move(space_bell)));
}

bool ShmPort::switch_reader(std::uint32_t id, PeerSegment status, std::uint32_t cursor_index, Fd data_bell,
                            Fd space_bell) {
  OutRoute* route = sender_.find_route(id);
  if (!route) return false;
  loop_.add_bell(space_bell.get());
  loop_.remove_bell(route->space_bell());
  route->set_bells(std::move(data_bell), std::move(space_bell));
  route->set_reader(std::move(status), cursor_index);
  return true;
}

void ShmPort::remove_out_route(std::uint32_t id) {
  // While a reader still reads, its letting go may be what a staged event waits for: the bell stays.
  sender_.remove_route(id);
}

void ShmPort::reader_gone(std::uint32_t id) {
  for (const auto& route : sender_.leaving()) {
    if (route->id() == id) loop_.remove_bell(route->space_bell());
  }
  sender_.reader_gone(id);
}

bool ShmPort::attach(InSegmentSpec spec, std::string& error) {
  if (InRoute* known = receiver_.find_route(spec.route)) {
    loop_.add_bell(spec.data_bell.get());
    loop_.remove_bell(known->data_bell());
    known->set_bells(std::move(spec.data_bell), std::move(spec.space_bell));
  }
  if (const InRoute* route = receiver_.attach(std::move(spec), error)) loop_.add_bell(route->data_bell());
  return error.empty();
}

void ShmPort::detach(std::uint32_t id) {
  if (const InRoute* route = receiver_.find_route(id)) loop_.remove_bell(route->data_bell());
  receiver_.remove_route(id);
}

std::uint16_t ShmPort::open_topic(std::string_view name, OverflowPolicy policy, bool latched) {
  for (std::uint16_t handle = 0; handle < sender_.topic_count(); ++handle) {
    if (sender_.topic(handle).name == name) return handle;
  }
  const std::uint16_t handle = sender_.add_topic({std::string(name), policy, 0, true, latched});
  topic_opened_(handle);
  return handle;
}

// ---- Receiving ----

bool ShmPort::next(Delivery& out) {
  if (!receiver_.next(out)) return false;
  if (const std::int64_t now_ns = times_.before_event()) sender_.set_now(now_ns);  // one look will do for both
  const auto [first, end] = receiver_.replayed_outputs();
  if (first != 0) [[unlikely]]
    sender_.replay_outputs(first, end);
  if (out.route != 0) sender_.begin_handling();  // a latched value is no event in hand that a successor would retry
  return true;
}

void ShmPort::handled(const Delivery& delivery, bool known) {
  sender_.end_handling();
  // What was sent in answer to a dead letter is out before the letter counts as handled.
  if (delivery.route == 0) [[unlikely]]
    sender_.flush();
  receiver_.handled(delivery, known);
}

Retained ShmPort::retain(const Delivery& delivery) {
  ACTOR_ASSERT(delivery.object != nullptr, "an event that was decoded is retained by copying it, not through the port");
  const EventType& type = *types_[delivery.type];
  auto memory = delivery.payload.size() > tail_bytes ? receiver_.pin(delivery) : nullptr;
  if (!memory) return copy_event(type, delivery.object);
  if (!returns_->bell) {
    returns_->bell = make_bell();
    loop_.add_bell(returns_->bell.get());
  }
  // The mapping must outlive the view, whatever becomes of the route and of its publisher.
  return Retained(delivery.object, [returns = returns_, keep = std::move(memory),
                                    pin = std::pair(delivery.route, delivery.sequence)](const void*) {
    const std::scoped_lock lock(returns->mutex);
    returns->pins.push_back(pin);
    returns->any.store(true, std::memory_order_release);
    ring(returns->bell.get());
  });
}

void ShmPort::take_returns() {
  const std::scoped_lock lock(returns_->mutex);
  for (const auto& [route, sequence] : returns_->pins) receiver_.unpin(route, sequence);
  returns_->pins.clear();
  returns_->any.store(false, std::memory_order_relaxed);
}

// ---- Time and waiting ----

void ShmPort::new_turn() {
  status().progress.store(++turns_, std::memory_order_relaxed);
  sender_.new_turn();
  // While something is staged no event is handled, and those who wait for the room of what was may be the ones it waits
  // for.
  sender_.has_staged() ? receiver_.publish_released() : receiver_.publish_released_in_turn();
  times_.new_turn();
  // What timers and commands send while the outputs of the last handler still wait for room is not that handler's.
  sender_.end_handling();
  if (returns_->any.load(std::memory_order_acquire)) [[unlikely]]
    take_returns();
}

bool ShmPort::prepare_wait() {
  times_.end_turn();
  if (returns_->any.load(std::memory_order_acquire)) take_returns();
  trim_memory_later();
  // While something is staged no event is handled: then only room can wake us. What was handled is let go of all the
  // same: those who wait for that room may be the ones we wait for.
  if (sender_.has_staged()) receiver_.publish_released();
  return sender_.has_staged() ? sender_.prepare_wait() : receiver_.prepare_wait();
}

void ShmPort::end_wait() {
  sender_.end_wait();
  receiver_.end_wait();
  times_.woke();
  // seq_cst loads after the seq_cst stores above. PAIRS: EpochPage::park: either we see that the broker has stopped
  // looking, or it sees that we are awake.
  if (parked_ && parked_->load(std::memory_order_seq_cst) != 0) [[unlikely]]
    on_parked_();
}

void ShmPort::tell_awake(const Word& parked, std::function<void()> on_parked) {
  parked_ = &parked;
  on_parked_ = std::move(on_parked);
}

void ShmPort::trim_memory_later() {
  if (trim_timer_ != 0 || !sender_.pool().has_spare_extents()) return;
  trim_timer_ = loop_.after(trim_delay, [this] {
    trim_timer_ = 0;
    sender_.reclaim_all();
    sender_.pool().drop_spare_extents();
  });
}

PortCounters ShmPort::counters() const {
  const auto& words = reinterpret_cast<const Status*>(status_.data())->counters;
  const auto read = [](const Word& word) { return word.load(std::memory_order_relaxed); };
  return {read(words.published), read(words.sent),    read(words.dropped), read(words.received),
          read(words.handled),   read(words.skipped), read(words.staged)};
}

}  // namespace actor::shm
