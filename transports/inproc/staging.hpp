#pragma once
// The outbox of a port: events that found no room, whole, each with the readers it goes to. Owned by the port, used on
// its thread.
//
// Per reader they leave in the order in which they came, so each reader has a queue of its own here, and only an event
// that is first in all of its queues can leave: to look for room costs as much as there are readers that lack it,
// however much is staged. What has left is kept and used again: a sender that is always ahead allocates nothing.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "inproc/mailbox.hpp"

namespace actor::inproc {

struct Link;

/// Where one topic's events go at one reader. Not for DropOldest: quota; else: latest. The other one is null.
struct Target {
  Link* link;
  Quota* quota;
  LatestQueue* latest;
};

struct Staged;

/// One reader's copy of a staged event.
struct StagedCopy {
  Target target;  // link is null when the copy has been given up
  Staged* event;
  StagedCopy* next;  // to the same reader
};

struct Staged {
  EventRef event;
  std::vector<StagedCopy> copies;  // never resized while staged
  std::size_t behind = 0;          // how many of them are not first in their reader's queue
  std::int64_t deadline_ns = 0;
  std::uint64_t number = 0;  // in the order of their coming
  bool looked_at = false;    // by the pass that is under way
};

/// A port's way to one reader.
struct alignas(64) Link {
  Link(std::shared_ptr<Mailbox> to, std::shared_ptr<Lane> its_lane)
      : writer(its_lane->writer()),
        signal(&to->signal()),
        bit(its_lane->bit()),
        mailbox(std::move(to)),
        lane(std::move(its_lane)) {}

  bool is_closed() const { return lane->has_left(Lane::the_reader); }
  /// Lets the reader see what was pushed, and makes it look.
  void announce() {
    writer.publish();
    signal->raise(bit);
  }

  // What a push touches is in one cache line.
  LaneWriter writer;
  Signal* const signal;
  const Signal::Bits bit;
  bool unannounced = false;  // pushed to since the last flush
  std::size_t staged = 0;
  // Staged for this reader, in order
  StagedCopy* first = nullptr;
  StagedCopy* last = nullptr;
  const std::shared_ptr<Mailbox> mailbox;
  const std::shared_ptr<Lane> lane;
  std::uint64_t number = 0;  // in the order in which the port made them
};

class Staging {
 public:
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  std::int64_t next_deadline() const { return timed_.empty() ? never : timed_.begin()->first.first; }
  /// Readers for which something is staged.
  std::span<Link* const> links() const { return links_; }

  /// `deadline_ns`: never, or the time when those without room miss it.
  void add(EventRef event, std::span<const Target> targets, std::int64_t deadline_ns);

  /// Has every copy of it room, and is none behind an earlier event?
  static bool can_leave(const Staged& staged);
  /// A pass over the events that may be able to leave. next() gives one that can, which has to be take()n; null ends
  /// the pass.
  void begin_pass();
  Staged* next();
  /// The event whose deadline is over; null when there is none.
  Staged* late(std::int64_t now_ns);
  /// Gives up the copies that cannot leave now; returns how many.
  std::size_t drop_held(Staged& staged);
  /// Out of the outbox: the event, and in `targets` where it goes.
  EventRef take(Staged& staged, std::vector<Target>& targets);

  /// Before the owner sleeps: asks every reader that lacks room to tell. True when an event can leave now.
  bool await_room();
  /// The reader has left: its copies go nowhere.
  void forget(Link& link);

 private:
  static bool is_held(const StagedCopy& copy);
  void unlink(StagedCopy& copy);
  void consider(Staged& staged);

  std::deque<Staged> storage_;  // grows to the longest outbox there was
  std::vector<Staged*> spare_;
  std::size_t count_ = 0;
  std::vector<Link*> links_;
  std::map<std::pair<std::int64_t, std::uint64_t>, Staged*> timed_;  // by deadline, then by number
  std::uint64_t next_number_ = 0;
  std::vector<Staged*> pass_;  // to be looked at: first in all of their queues
};

}  // namespace actor::inproc
