#pragma once
// The last value of each latched topic, in its publisher's status segment, for readers that come later: also after the
// publisher's death, for as long as somebody keeps the segment. Values in the pool hold a reference of their chunk.
// LatchWriter is owned by the Sender; read_latched() is for readers. Each on one thread.

#include <actor/id.hpp>
#include <memory>
#include <shm/in_route.hpp>
#include <shm/layout.hpp>
#include <shm/pool.hpp>
#include <span>
#include <string>
#include <vector>

namespace actor::shm {

class LatchWriter {
 public:
  LatchWriter(Status& status, Pool& pool) : status_(status), pool_(pool) {}

  /// Makes a place for the topic. Throws Error(Refused) when the actor publishes too many latched topics already.
  void reserve(std::uint16_t topic, const std::string& name) {
    if (!place_of(topic)) refuse(name);
  }
  /// Keeps the event, which is committed. Takes over one reference of `chunk`, unless that is no_chunk.
  void store(const Slot& slot, const Tail& tail, Pool::ChunkId chunk);

 private:
  struct Place {
    std::uint16_t topic;
    Pool::ChunkId chunk;
  };
  Place* place_of(std::uint16_t topic);
  [[noreturn]] static void refuse(const std::string& name);

  Status& status_;
  Pool& pool_;
  std::vector<Place> places_;  // in the order of status_.latches
};

/// A latched value, copied: its publisher goes on.
struct LatchedValue {
  std::shared_ptr<Publisher> publisher;
  std::uint64_t counter = 0;
  std::int64_t stamp_ns = 0;
  std::uint16_t topic = 0;  // wire
  std::uint16_t type = 0;   // wire
  std::uint8_t flags = 0;   // Slot::Flag
  EventId parent;
  std::vector<Tail> memory;  // aligned as an event may be
  std::size_t bytes = 0;
  std::uint64_t letter = 0;  // number of a dead letter that is handed out again
  std::uint32_t attempt = 1;
  bool is_latched = true;  // false: an event that came from the broker; `topic` and `type` are then the reader's own

  std::span<const std::byte> payload() const { return {reinterpret_cast<const std::byte*>(memory.data()), bytes}; }
};

/// Appends the publisher's last values of these topics to `out`. `dead`: nothing changes any more, and the value that
/// it died over is in its fan-out record. False: one of them cannot be read yet, because its extent has not come or
/// because it changes all the time; then nothing is appended.
bool read_latched(const std::shared_ptr<Publisher>& publisher, std::span<const std::uint16_t> topics, bool dead,
                  std::vector<LatchedValue>& out);

/// The topics of which this status segment has a last value.
std::vector<std::uint16_t> latched_topics(const Status& status);

}  // namespace actor::shm
