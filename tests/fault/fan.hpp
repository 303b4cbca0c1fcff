#pragma once
// One publisher, some readers, and the broker's part between them, without a broker: ShmPorts that are wired directly,
// killed and succeeded at will. A side may also live in a child process: made there by make_writer() / make_reader()
// after a fork, its descriptors then adopted here. One thread; the fan outlives what it makes.

#include <actor/epoll_loop.hpp>
#include <map>
#include <memory>
#include <optional>
#include <shm/port.hpp>
#include <shm/recovery.hpp>
#include <vector>

#include "fault/events.hpp"

namespace actor::fault {

struct FanOptions {
  unsigned readers = 3;
  unsigned topics = 1;
  std::uint32_t capacity = 8;  ///< of each topic; topics * capacity is a power of two
  OverflowPolicy policy = OverflowPolicy::block();
  std::uint64_t base = 0;  ///< where every ring's numbers start
  std::uint64_t memory_bytes = 16u << 20;
  std::uint32_t smallest_quota = 1;  ///< that readers go by when they let go of events
};

/// What a reader was given.
struct Got {
  std::uint64_t value = 0;
  std::uint64_t counter = 0;
  std::uint8_t flags = 0;
  std::uint32_t attempt = 0;
  bool whole = false;

  bool redelivered() const { return (flags & Delivery::redelivered) != 0; }
};

/// One incarnation of the publisher.
class Writer {
 public:
  /// Sends a T that holds `value` on topic number `topic` (from 0); staged or not, as send() decides.
  template <class T>
  EventId send(std::uint64_t value, std::uint16_t topic = 0) {
    const T event = make_event<T>(value);
    return port->send({&event_type<T>(), &event, topic, {}});
  }

  EpollLoop loop;
  std::unique_ptr<shm::ShmPort> port;
};

/// One incarnation of a reader.
class Reader {
 public:
  /// Takes the next event without acknowledging it.
  std::optional<Got> take();
  void done() { port->handled(in_hand, true); }
  std::vector<Got> receive_all();

  EpollLoop loop;
  std::unique_ptr<shm::ShmPort> port;
  Delivery in_hand;
  std::vector<std::string> corrupt;  // what its publisher was found to have done
  unsigned drained = 0;              // segments read to their end
};

/// The descriptors of one incarnation of the publisher, as the broker keeps them.
struct WriterFds {
  Fd status;
  std::vector<Fd> rings;  // of route 1, 2, ...
  std::map<std::uint32_t, Fd> extents;
};

class Fan {
 public:
  using ExtentAdded = std::function<void(std::uint32_t extent, std::uint64_t bytes, int fd)>;
  explicit Fan(const FanOptions& options);

  // The publisher ----------------------------------------------------------------------------------------------------
  /// A publisher of which nobody knows yet. `added` hears of its extents.
  std::unique_ptr<Writer> make_writer(ExtentAdded added);
  /// The descriptors of a writer in this process, copied.
  static WriterFds descriptors(const Writer& writer, const Fan& fan);
  /// Its segments are attached to every reader.
  void adopt_writer(WriterFds fds);
  void add_extent(std::uint32_t extent, int fd);
  /// make_writer() and adopt_writer() in this process.
  Writer& start_writer();
  Writer& writer() { return *writer_; }
  /// The publisher is gone, wherever it lived: computes the end of each route and tells the readers.
  /// False with `error` set when its memory is not what it should be.
  bool writer_died(std::string& error);
  const std::vector<shm::Ending>& endings() const { return endings_; }

  // The readers ------------------------------------------------------------------------------------------------------
  /// The next incarnation of reader `index`; nobody knows of it yet.
  std::unique_ptr<Reader> make_reader(unsigned index);
  /// Attaches it to what is there.
  void attach_all(Reader& reader, unsigned index);
  void adopt_reader(unsigned index, Fd status);
  Reader& start_reader(unsigned index);
  Reader& reader(unsigned index) { return *readers_[index].here; }
  /// The next life of either side gets these bells, and the other side with it.
  void renew_bells(unsigned index);
  /// Reader `index` is gone, wherever it lived: its cursor and the event in flight are kept for the next.
  void reader_died(unsigned index);
  std::uint64_t cursor(unsigned index) const { return readers_[index].cursor; }
  int reader_status(unsigned index) const { return readers_[index].status.get(); }

  /// The same, as if the publisher (and any reader that lives elsewhere) had died right now: on a copy of the
  /// publisher's latest memory, with no reader started. A process that is killed leaves what its memory holds at that
  /// instruction.
  std::unique_ptr<Fan> copy() const;

  unsigned reader_count() const { return options_.readers; }
  static std::uint32_t route_of(unsigned index) { return index + 1; }

 private:
  struct ReaderSide {
    Fd data_bell, space_bell;
    Fd status;  // of the incarnation that lives, or lived last
    bool alive = false;
    std::uint64_t cursor = 0;
    std::uint64_t base = 0;  // of the next ring
    shm::InFlight in_flight;
    std::unique_ptr<Reader> here;
  };
  struct Incarnation {
    std::uint32_t number;
    WriterFds fds;
    bool ended = false;
    std::vector<shm::Ending> endings;
  };

  bool attach(Reader& reader, unsigned index, const Incarnation& incarnation);
  std::uint64_t done_of(const ReaderSide& side) const;
  shm::InFlight flight_of(unsigned index) const;

  FanOptions options_;
  std::vector<ReaderSide> readers_;
  std::vector<Incarnation> incarnations_;
  std::vector<shm::Ending> endings_;
  std::unique_ptr<Writer> writer_;
  std::uint64_t first_counter_ = 1;
};

/// A copy of a descriptor.
Fd duplicate(int fd);
/// A sealed segment with the same bytes.
Fd freeze(int fd);

}  // namespace actor::fault
