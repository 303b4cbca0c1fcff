#include "fake_actor.hpp"

#include <unistd.h>

#include <actor/version.hpp>

namespace actor::testing {
namespace {

shm::RingHeader& header_of(const shm::OwnedSegment& ring) {
  return *reinterpret_cast<shm::RingHeader*>(ring.data());
}
shm::Slot& slot_of(const shm::OwnedSegment& ring, std::uint64_t sequence) {
  auto* cells = reinterpret_cast<shm::Cell*>(ring.data() + sizeof(shm::RingHeader));
  return cells[sequence & (header_of(ring).slots - 1)].slot;
}

}  // namespace

FakeActor::FakeActor() : status_(shm::OwnedSegment::create("fake-status", sizeof(shm::Status))) {
  auto [broker, self] = control::socket_pair();
  broker_end_ = std::move(broker);
  channel_ = control::Channel(std::move(self));
  shm::StatusHeader& header = status().header;
  header.magic = shm::status_magic;
  header.version = shm::layout_version;
  header.bytes = sizeof(shm::Status);
  header.pid = static_cast<std::uint64_t>(getpid());
}

control::Hello FakeActor::hello(const std::string& name) const {
  control::Hello hello{};
  hello.name = name;
  hello.library_version = version();
  hello.executable = "/bin/" + name;
  return hello;
}

std::size_t FakeActor::serve() {
  std::size_t count = 0;
  for (;;) {
    control::Packet packet;
    const auto result = channel_.receive(packet);
    broker_hung_up |= result == control::ReceiveResult::Closed;
    if (result != control::ReceiveResult::Packet) return count;
    std::string error;
    auto message = control::decode_to_actor(packet, error);
    if (!message) throw std::runtime_error("the broker sent what cannot be read: " + error);
    ++count;
    inbox.push_back(*message);
    if (answers) answer(*message, packet.fds);
  }
}

void FakeActor::answer(const control::ToActor& message, std::vector<Fd>& fds) {
  std::visit(
      [&](const auto& held) {
        if constexpr (requires { this->on(held, fds); }) on(held, fds);
      },
      message);
}

void FakeActor::on(const control::AddRoute& message, std::vector<Fd>& fds) {
  Out route;
  route.told = message;
  route.ring = shm::OwnedSegment::create("fake-ring", shm::ring_bytes(message.slots));
  route.head = message.base;
  route.cursor_index = message.cursor_index;
  shm::RingHeader& header = header_of(route.ring);
  header.magic = shm::ring_magic;
  header.version = shm::layout_version;
  header.slots = message.slots;
  header.base = message.base;
  header.route = message.route;
  header.overwriting = message.overwriting;
  header.head.store(message.base);
  std::string error;
  if (message.reader_present) route.reader = shm::PeerSegment::open(fds.at(2).get(), sizeof(shm::Status), error);
  route.data_bell = std::move(fds.at(0));
  route.space_bell = std::move(fds.at(1));
  const int ring = route.ring.fd();
  out.insert_or_assign(message.route, std::move(route));
  send(control::RouteReady{message.route}, {ring});
}

void FakeActor::on(const control::Attach& message, std::vector<Fd>& fds) {
  std::string error;
  auto ring = shm::RingView::open(fds.at(0).get(),
                                  {message.slots, message.base, message.first_counter, message.overwriting}, error);
  if (!ring) throw std::runtime_error(error);
  In& route = in[message.route];
  if (route.segments.empty() && route.told.route == 0) {
    route.cursor = message.cursor;
    status().cursors[message.cursor_index].done.store(message.cursor);
  }
  route.told = message;
  route.data_bell = std::move(fds.at(2));
  route.space_bell = std::move(fds.at(3));
  route.segments.push_back(
      {message.incarnation, std::move(*ring), message.ended, message.final_head + (message.from_record ? 1 : 0)});
  send(control::Attached{message.route, message.incarnation});
}

void FakeActor::on(const control::SwitchReader& message, std::vector<Fd>& fds) {
  std::string error;
  out.at(message.route).reader = shm::PeerSegment::open(fds.at(0).get(), sizeof(shm::Status), error);
  out.at(message.route).cursor_index = message.cursor_index;
  out.at(message.route).data_bell = std::move(fds.at(1));
  out.at(message.route).space_bell = std::move(fds.at(2));
  send(control::RouteSwitched{message.route});
}

void FakeActor::on(const control::RemoveRoute& message, std::vector<Fd>&) {
  out.at(message.route).removed = true;
  send(control::RouteSwitched{message.route});
}

void FakeActor::on(const control::ReaderGone& message, std::vector<Fd>&) {
  out.at(message.route).reader.reset();
}

void FakeActor::on(const control::PublisherEnded& message, std::vector<Fd>&) {
  for (InSegment& segment : in.at(message.route).segments) {
    if (segment.incarnation != message.incarnation) continue;
    segment.ended = true;
    segment.end = message.final_head + (message.from_record ? 1 : 0);
  }
}

void FakeActor::push(control::RouteId route, std::uint64_t counter, bool publish_head) {
  Out& to = out.at(route);
  shm::Slot& slot = slot_of(to.ring, to.head);
  slot.counter = counter;
  slot.topic = to.told.topics.at(0).topic;
  slot.sequence.store(to.head + 1);
  ++to.head;
  if (publish_head) header_of(to.ring).head.store(to.head);
}

void FakeActor::record(control::RouteId route, std::uint64_t counter) {
  shm::FanoutRecord& record = status().fanout;
  record.slot.counter = counter;
  record.slot.topic = out.at(route).told.topics.at(0).topic;
  record.target[0] = {route, 0, out.at(route).head};
  record.targets = 1;
  record.commit.store(counter);
}

bool FakeActor::drop_ended(control::RouteId route) {
  In& from = in.at(route);
  if (from.segments.empty() || !from.segments.front().ended || from.cursor < from.segments.front().end) return false;
  send(control::SegmentDrained{route, from.segments.front().incarnation});
  from.segments.erase(from.segments.begin());
  return true;
}

std::vector<std::uint64_t> FakeActor::handle(control::RouteId route, std::size_t most) {
  In& from = in.at(route);
  std::vector<std::uint64_t> counters;
  while (!from.segments.empty() && counters.size() < most) {
    if (drop_ended(route)) continue;
    const InSegment& segment = from.segments.front();
    if (segment.ring.has(from.cursor)) {
      counters.push_back(segment.ring.slot(from.cursor).counter);
    } else if (segment.ended) {
      counters.push_back(0);  // from the publisher's record, which this fake does not map
    } else {
      return counters;
    }
    status().cursors[from.told.cursor_index].done.store(++from.cursor);
  }
  while (drop_ended(route)) {
  }
  return counters;
}

std::uint64_t FakeActor::reader_done(control::RouteId route) {
  const Out& to = out.at(route);
  if (!to.reader) return UINT64_MAX;
  return reinterpret_cast<const shm::Status*>(to.reader->data())->cursors[to.cursor_index].done.load();
}

}  // namespace actor::testing
