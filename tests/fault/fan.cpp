#include "fault/fan.hpp"

#include <fcntl.h>

#include <actor/error.hpp>
#include <bit>
#include <cstring>
#include <shm/bell.hpp>

namespace actor::fault {
namespace {

constexpr std::uint64_t writer_key = 77;

const shm::Status& status_of(const shm::PeerSegment& segment) {
  return *reinterpret_cast<const shm::Status*>(segment.data());
}

shm::PeerSegment open_status(int fd) {
  std::string error;
  auto segment = shm::PeerSegment::open(fd, sizeof(shm::Status), error);
  ACTOR_ASSERT(segment.has_value(), "a status segment that we made is well-formed");
  return std::move(*segment);
}

template <class T>
void read_event(const Delivery& delivery, Got& got) {
  T event{};
  if (delivery.object)
    std::memcpy(&event, delivery.object, sizeof event);
  else if (!event_type<T>().decode(delivery.payload, &event))
    return;
  got.value = event.value;
  got.whole = is_whole(event);
}

}  // namespace

Fd duplicate(int fd) {
  Fd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw_errno("copying a descriptor");
  return copy;
}

Fd freeze(int fd) {
  constexpr std::size_t block_bytes = 1024;
  static constexpr std::byte zeros[block_bytes] = {};
  std::string error;
  const auto from = shm::PeerSegment::open(fd, 1, error);
  ACTOR_ASSERT(from.has_value(), "what we copy is a segment");
  const auto to = shm::OwnedSegment::create("frozen", from->bytes());
  for (std::uint64_t at = 0; at < from->bytes(); at += block_bytes) {
    const std::size_t bytes = std::min<std::uint64_t>(block_bytes, from->bytes() - at);
    if (std::memcmp(from->data() + at, zeros, bytes) != 0) std::memcpy(to.data() + at, from->data() + at, bytes);
  }
  return duplicate(to.fd());
}

std::optional<Got> Reader::take() {
  port->new_turn();
  if (!port->next(in_hand)) return std::nullopt;
  Got got{0, in_hand.id.counter, in_hand.flags, in_hand.attempt, false};
  if (in_hand.type == event_index<Events, InSlot>) read_event<InSlot>(in_hand, got);
  if (in_hand.type == event_index<Events, InTail>) read_event<InTail>(in_hand, got);
  if (in_hand.type == event_index<Events, InPool>) read_event<InPool>(in_hand, got);
  return got;
}

std::vector<Got> Reader::receive_all() {
  std::vector<Got> all;
  while (const auto got = take()) {
    all.push_back(*got);
    done();
  }
  return all;
}

Fan::Fan(const FanOptions& options) : options_(options), readers_(options.readers) {
  for (ReaderSide& side : readers_) {
    side.data_bell = shm::make_bell();
    side.space_bell = shm::make_bell();
    side.cursor = options.base;
    side.base = options.base;
  }
}

std::unique_ptr<Writer> Fan::make_writer(ExtentAdded added) {
  auto writer = std::make_unique<Writer>();
  shm::ShmPort::Events events;
  events.sender.extents.added = std::move(added);
  shm::PortOptions port_options;
  port_options.self = ActorId("writer");
  port_options.actor_key = writer_key;
  port_options.first_counter = first_counter_;
  port_options.memory_bytes = options_.memory_bytes;
  const auto types = event_types<Events>();
  writer->port =
      std::make_unique<shm::ShmPort>(port_options, types, shm::make_status(), writer->loop, std::move(events));
  for (std::size_t i = 0; i < types.size(); ++i)
    writer->port->sender().set_wire_type(types[i], static_cast<std::uint16_t>(i + 1));
  for (std::uint16_t topic = 1; topic <= options_.topics; ++topic)
    writer->port->bind_topic({"topic" + std::to_string(topic), options_.policy, topic, true});
  for (unsigned i = 0; i < readers_.size(); ++i) {
    const ReaderSide& side = readers_[i];
    shm::OutRouteSpec spec{route_of(i),
                           "reader" + std::to_string(i),
                           {},
                           std::bit_ceil(options_.topics * options_.capacity),
                           options_.policy.kind == OverflowPolicy::Kind::DropOldest,
                           side.base};
    for (std::uint16_t topic = 1; topic <= options_.topics; ++topic) spec.topics.push_back({topic, options_.capacity});
    shm::OutRoute& route =
        writer->port->add_out_route(std::move(spec), duplicate(side.data_bell.get()), duplicate(side.space_bell.get()));
    if (side.alive) route.set_reader(open_status(side.status.get()), 0);
  }
  return writer;
}

WriterFds Fan::descriptors(const Writer& writer, const Fan& fan) {
  WriterFds fds{duplicate(writer.port->status_fd()), {}, {}};
  for (unsigned i = 0; i < fan.readers_.size(); ++i)
    fds.rings.push_back(duplicate(writer.port->sender().find_route(route_of(i))->ring_fd()));
  return fds;
}

void Fan::adopt_writer(WriterFds fds) {
  const auto number = static_cast<std::uint32_t>(incarnations_.size() + 1);
  incarnations_.push_back({number, std::move(fds), false, {}});
  for (unsigned i = 0; i < readers_.size(); ++i) {
    if (readers_[i].here) attach(*readers_[i].here, i, incarnations_.back());
  }
}

void Fan::add_extent(std::uint32_t extent, int fd) {
  Incarnation& latest = incarnations_.back();
  latest.fds.extents.insert_or_assign(extent, duplicate(fd));
  std::string error;
  for (ReaderSide& side : readers_) {
    if (side.here) side.here->port->receiver().add_extent(writer_key, latest.number, extent, fd, error);
  }
}

Writer& Fan::start_writer() {
  writer_ = make_writer([this](std::uint32_t extent, std::uint64_t, int fd) { add_extent(extent, fd); });
  adopt_writer(descriptors(*writer_, *this));
  return *writer_;
}

bool Fan::writer_died(std::string& error) {
  writer_.reset();
  Incarnation& latest = incarnations_.back();
  endings_.clear();
  for (unsigned i = 0; i < readers_.size(); ++i) {
    ReaderSide& side = readers_[i];
    const auto ring = shm::RingView::open(latest.fds.rings[i].get(), error);
    if (!ring) return false;
    const auto ending = shm::final_head(*ring, latest.fds.status.get(), route_of(i), done_of(side), error);
    if (!ending) return false;
    endings_.push_back(*ending);
    side.base = ending->final_head + (ending->from_record ? 1 : 0);
    if (side.here)
      side.here->port->receiver().end_segment(route_of(i), latest.number, ending->final_head, ending->from_record);
  }
  latest.ended = true;
  latest.endings = endings_;
  const auto status = open_status(latest.fds.status.get());
  first_counter_ = std::max(first_counter_, status_of(status).counters.counter_limit.load());
  return true;
}

std::unique_ptr<Reader> Fan::make_reader(unsigned index) {
  auto reader = std::make_unique<Reader>();
  shm::ShmPort::Events events;
  events.receiver.drained = [at = reader.get()](auto, auto) { ++at->drained; };
  events.receiver.corrupt = [at = reader.get()](auto, const std::string& what) { at->corrupt.push_back(what); };
  shm::PortOptions port_options;
  port_options.self = ActorId("reader" + std::to_string(index));
  port_options.actor_key = 100 + index;
  const auto types = event_types<Events>();
  reader->port =
      std::make_unique<shm::ShmPort>(port_options, types, shm::make_status(), reader->loop, std::move(events));
  for (std::uint16_t i = 0; i < types.size(); ++i)
    reader->port->receiver().set_wire_type(static_cast<std::uint16_t>(i + 1), i);
  for (std::uint16_t topic = 1; topic <= options_.topics; ++topic)
    reader->port->bind_topic({"topic" + std::to_string(topic), options_.policy, topic, true});
  reader->port->receiver().set_in_flight(readers_[index].in_flight);
  return reader;
}

void Fan::attach_all(Reader& reader, unsigned index) {
  for (const Incarnation& incarnation : incarnations_) attach(reader, index, incarnation);
}

bool Fan::attach(Reader& reader, unsigned index, const Incarnation& incarnation) {
  const ReaderSide& side = readers_[index];
  std::string error;
  auto publisher =
      reader.port->receiver().publisher(writer_key, incarnation.number, "writer", incarnation.fds.status.get(), error);
  const auto ring = shm::RingView::open(incarnation.fds.rings[index].get(), error);
  if (!publisher || !ring) return false;
  const shm::Ending ending = incarnation.ended ? incarnation.endings[index] : shm::Ending{};
  shm::InSegmentSpec spec{route_of(index),
                          publisher,
                          {},
                          ring->shape(),
                          side.cursor,
                          0,
                          incarnation.fds.rings[index].get(),
                          duplicate(side.data_bell.get()),
                          duplicate(side.space_bell.get()),
                          incarnation.ended,
                          ending.final_head,
                          ending.from_record};
  spec.smallest_quota = options_.smallest_quota;
  for (std::uint16_t topic = 1; topic <= options_.topics; ++topic) spec.topics.push_back(topic);
  const bool attached = reader.port->attach(std::move(spec), error);
  for (const auto& [extent, fd] : incarnation.fds.extents)
    reader.port->receiver().add_extent(writer_key, incarnation.number, extent, fd.get(), error);
  return attached;
}

void Fan::adopt_reader(unsigned index, Fd status) {
  ReaderSide& side = readers_[index];
  side.status = std::move(status);
  side.alive = true;
  if (writer_)
    writer_->port->switch_reader(route_of(index), open_status(side.status.get()), 0, duplicate(side.data_bell.get()),
                                 duplicate(side.space_bell.get()));
}

void Fan::renew_bells(unsigned index) {
  readers_[index].data_bell = shm::make_bell_between_users();
  readers_[index].space_bell = shm::make_bell_between_users();
}

Reader& Fan::start_reader(unsigned index) {
  readers_[index].here = make_reader(index);
  attach_all(*readers_[index].here, index);
  adopt_reader(index, duplicate(readers_[index].here->port->status_fd()));
  return *readers_[index].here;
}

std::unique_ptr<Fan> Fan::copy() const {
  auto other = std::make_unique<Fan>(options_);
  other->first_counter_ = first_counter_;
  for (std::size_t i = 0; i < readers_.size(); ++i) {
    other->readers_[i].cursor = done_of(readers_[i]);
    other->readers_[i].base = readers_[i].base;
    other->readers_[i].in_flight = flight_of(static_cast<unsigned>(i));
  }
  for (const Incarnation& from : incarnations_) {
    const bool is_latest = &from == &incarnations_.back();
    const auto take = [is_latest](const Fd& fd) { return is_latest ? freeze(fd.get()) : duplicate(fd.get()); };
    Incarnation& to = other->incarnations_.emplace_back(Incarnation{from.number, {}, from.ended, from.endings});
    to.fds.status = take(from.fds.status);
    for (const Fd& ring : from.fds.rings) to.fds.rings.push_back(take(ring));
    for (const auto& [extent, fd] : from.fds.extents) to.fds.extents.emplace(extent, take(fd));
  }
  return other;
}

std::uint64_t Fan::done_of(const ReaderSide& side) const {
  if (!side.alive) return side.cursor;
  const auto segment = open_status(side.status.get());
  return status_of(segment).cursors[0].done.load();
}

/// What is in the reader's hands right now, or was in those of the one that lived last.
shm::InFlight Fan::flight_of(unsigned index) const {
  const ReaderSide& side = readers_[index];
  if (!side.alive) return side.in_flight;
  const auto segment = open_status(side.status.get());
  const shm::FlightRecord& flight = status_of(segment).flight;
  if (flight.route.load() != route_of(index) || flight.sequence.load() != done_of(side)) return {};
  return {route_of(index), done_of(side), static_cast<std::uint32_t>(flight.attempt.load()), flight.first_output.load(),
          flight.outputs_end.load()};
}

void Fan::reader_died(unsigned index) {
  ReaderSide& side = readers_[index];
  side.here.reset();
  side.in_flight = flight_of(index);
  side.cursor = done_of(side);
  side.alive = false;
  if (writer_) writer_->port->sender().find_route(route_of(index))->clear_reader();
}

}  // namespace actor::fault
