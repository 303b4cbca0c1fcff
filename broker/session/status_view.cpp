#include "session/status_view.hpp"

#include <cstring>
#include <shm/handling_times.hpp>

namespace actor::broker {
namespace {

// Every word here is one that the broker reads at leisure; what must not lag (cursors against heads, at rest) is
// seq_cst. PAIRS: status words (stores by the owner in transports/shm).
std::uint64_t read(const shm::Word& word) {
  return word.load(std::memory_order_seq_cst);
}

}  // namespace

std::optional<StatusView> StatusView::open(Kept fd, std::string& error) {
  auto segment = shm::PeerSegment::open(fd->get(), sizeof(shm::Status), error);
  if (!segment) return std::nullopt;
  shm::StatusHeader header;
  std::memcpy(&header, segment->data(), sizeof header);
  if (header.magic != shm::status_magic) {
    error = "the segment that came with hello is not a status segment";
    return std::nullopt;
  }
  if (header.version != shm::layout_version) {
    error = "its shared memory has layout " + std::to_string(header.version) + ", this broker knows layout " +
            std::to_string(shm::layout_version);
    return std::nullopt;
  }
  StatusView view;
  view.fd_ = std::move(fd);
  view.segment_ = std::move(*segment);
  return view;
}

Totals StatusView::totals() const {
  const shm::Counters& counters = status().counters;
  return {read(counters.published), read(counters.sent),    read(counters.dropped),
          read(counters.received),  read(counters.handled), read(counters.skipped)};
}

std::uint64_t StatusView::letter_in_hand() const {
  return read(status().flight.letter);
}

InFlight StatusView::in_flight() const {
  const shm::FlightRecord& flight = status().flight;
  InFlight result;
  result.route = static_cast<std::uint32_t>(read(flight.route));
  result.sequence = read(flight.sequence);
  result.attempt = static_cast<std::uint32_t>(read(flight.attempt));
  result.first_output = read(flight.first_output);
  result.outputs_end = read(flight.outputs_end);
  result.event_counter = read(flight.event_counter);
  const std::uint64_t type_and_topic = read(flight.type_and_topic);
  result.type = static_cast<std::uint16_t>(type_and_topic >> 16);
  result.topic = static_cast<std::uint16_t>(type_and_topic);
  return result;
}

std::uint64_t StatusView::done(std::uint32_t cursor_index) const {
  return cursor_index < shm::max_routes ? read(status().cursors[cursor_index].done) : 0;
}

std::uint64_t StatusView::staged() const {
  return read(status().counters.staged);
}
std::uint64_t StatusView::counter_limit() const {
  return read(status().counters.counter_limit);
}
std::vector<std::pair<std::uint64_t, std::uint64_t>> StatusView::handling_ns() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> times;
  for (std::size_t bucket = 0; bucket < shm::handling_buckets; ++bucket) {
    const std::uint64_t count = read(status().handling.count[bucket]);
    if (count != 0) times.emplace_back(shm::handling_limit_ns(bucket), count);
  }
  return times;
}
shm::State StatusView::state() const {
  return static_cast<shm::State>(read(status().state));
}
Look::Doing StatusView::doing() const {
  if ((read(status().space) & 1) != 0) return Look::Doing::WaitsForRoom;
  return (read(status().sleep) & 1) != 0 ? Look::Doing::WaitsForEvents : Look::Doing::Awake;
}
std::uint64_t StatusView::progress() const {
  const shm::Counters& counters = status().counters;
  // A turn may handle many events, each of them slowly.
  return read(status().progress) + read(counters.received) + read(counters.published);
}
std::pair<std::uint32_t, std::uint16_t> StatusView::waits_for() const {
  const std::uint64_t word = read(status().waits_for);
  return {static_cast<std::uint32_t>(word >> 16), static_cast<std::uint16_t>(word)};
}
bool StatusView::has_outbox() const {
  return read(status().outbox) != 0;
}

}  // namespace actor::broker
