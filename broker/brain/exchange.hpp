#pragma once
// The exchange hands shared memory from publishers to readers: for each route its doorbells, its segments (one per life
// of the publisher that is not drained yet) and its cursor. It knows who has been told what, so that an actor is
// started only when its routes are in place, and so that the death of either side at any moment leaves nobody waiting.
// Owned by the brain, one thread. Not on the data path.
//
// One route, from the side of the broker:
//   publisher joins   AddRoute(base) -> RouteReady(ring)            a new segment
//   reader joins      Attach per segment -> Attached                the reader has stored its cursor ...
//   both there        SwitchReader -> RouteSwitched                 ... and the publisher follows it
//   publisher dies    final head; PublisherEnded -> SegmentDrained  the next segment begins where this one ended
//   reader dies       ReaderGone                                    the cursor stays: the mailbox fills up and waits
//   route removed     RemoveRoute -> RouteSwitched, Detach          a reader that is being stopped gets no Detach: it
//                                                                   reads on until it ends
//                     the rest is given up, then ReaderGone         until then the publisher leaves it alone

#include <control/messages.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shm/recovery.hpp>
#include <shm/ring.hpp>
#include <string>
#include <utility>
#include <vector>

#include "routing/table.hpp"
#include "session/session.hpp"
#include "session/status_view.hpp"

namespace actor::broker {

/// The shared memory of one life of an actor. It stays until the last of its rings is drained.
struct Incarnation {
  ActorIndex actor = 0;
  std::string name;
  std::uint64_t key = 0;
  std::uint32_t number = 0;
  std::uint64_t memory_bytes = 0;  // what its extents may have together
  StatusView status;
  struct Extent {
    std::uint64_t bytes = 0;
    Kept fd;
  };
  std::map<std::uint32_t, Extent> extents;
  std::set<std::pair<ActorIndex, std::uint32_t>> given;  // readers (and which life of theirs) that have the extents
};

/// An event that waits for a reader which will not come for it: a copy. Its publisher wrote it; what is in it is
/// checked against the bounds of memory only.
struct QueuedEvent {
  EventId id;
  EventId parent;
  std::string sender;
  TopicId topic = 0;
  std::uint16_t type = 0;
  std::int64_t monotonic_ns = 0;
  std::int64_t sent_at_ns = 0;  // system clock
  std::uint64_t sequence = 0;   // in its route
  std::vector<std::uint8_t> payload;
};

/// What a life of an actor did, by its rings and cursors: exact, where its own counters may lag by the event during
/// which it was killed.
struct Deeds {
  std::uint64_t pushed = 0;        // (event, reader) pairs that its rings hold or held
  std::uint64_t read = 0;          // events that its cursors have passed
  bool may_have_missed = false;    // it read rings that overwrite: `read` includes what it missed
  std::vector<std::string> wrong;  // what was wrong with its memory, for the log
};

/// What a successor of the brain has to know; descriptors by their keys in the safe.
struct ExchangeState {
  struct Extent {
    std::uint32_t number;
    std::uint64_t bytes;
    std::uint64_t fd;
  };
  struct Memory {
    ActorIndex actor;
    std::string name;
    std::uint64_t key;
    std::uint32_t number;
    std::uint64_t memory_bytes;
    std::uint64_t status;
    std::vector<Extent> extents;
    std::set<std::pair<ActorIndex, std::uint32_t>> given;
  };
  struct Segment {
    std::uint32_t owner;  // index in `memories`
    std::vector<control::RouteTopic> topics;
    std::uint64_t ring;
    shm::RingShape shape;
    bool ended;
    std::uint64_t final_head;
    bool from_record;
    std::uint8_t given;
  };
  struct Live {
    Route route;
    std::uint64_t data_bell;
    std::uint64_t space_bell;
    std::vector<Segment> segments;
    std::uint64_t cursor;
    std::uint64_t next_base;
    std::uint32_t follows;
    std::uint64_t reader_began;
    bool reader_knows;
    std::vector<std::uint8_t> answers;
    bool removed;
    bool publisher_done;
    bool reader_done;
  };
  struct Peer {
    std::uint32_t memory;  // index in `memories`
    Deeds deeds;
  };
  std::vector<Memory> memories;
  std::vector<Live> live;
  std::vector<Peer> peers;
  std::map<ActorIndex, std::uint64_t> discarded;
  std::map<ActorIndex, std::uint64_t> given_up;
  std::vector<std::uint32_t> latched;  // indices in `memories`, oldest first
};

class Exchange {
 public:
  /// Why what an actor said cannot be: its control connection ends and it is killed.
  using Violation = std::optional<std::string>;

  /// With a turn, bells are rung when it is finished. All outlive it.
  explicit Exchange(const RoutingTable& table, FdSafe& safe, Turn* turn = nullptr)
      : table_(table), safe_(safe), turn_(turn) {}

  /// Routes were added or removed. A reader that `finishes` still handles what is queued (it is being stopped); others
  /// are told to forget the route. Throws Error(Io) when there are no descriptors left for doorbells.
  void apply(const RouteChanges& changes, bool finishes = false);

  /// The actor has got its Welcome. `session` lives until left().
  void joined(std::shared_ptr<Incarnation> incarnation, Session& session);
  /// The actor is dead: confirmed, and all that it sent has been handled.
  Deeds left(ActorIndex actor);
  /// Is nothing that the actor has sent, and nothing that was sent to it, of use to anybody any more? REQUIRES: left().
  bool is_done_with(ActorIndex actor) const;
  /// It is no more. REQUIRES: is_done_with(), and its routes are removed.
  void forget(ActorIndex actor);
  /// Are all of the actor's routes in place? Peers that are dead or not started do not count.
  bool settled(ActorIndex actor) const;

  /// Does the route's publisher know the cursors of the reader's present life?
  bool is_followed(RouteId route) const;

  /// Is it the actor itself that has yet to answer?
  bool owes_answer(ActorIndex actor) const;

  Violation route_ready(ActorIndex from, const control::RouteReady& message, Fd ring);
  Violation route_switched(ActorIndex from, const control::RouteSwitched& message);
  Violation attached(ActorIndex from, const control::Attached& message);
  Violation drained(ActorIndex from, const control::SegmentDrained& message);
  Violation extent_added(ActorIndex from, const control::ExtentAdded& message, Fd extent);
  Violation extent_dropped(ActorIndex from, const control::ExtentDropped& message);
  /// The actors whose settled() may have changed since the last call.
  std::set<ActorIndex> take_affected() { return std::exchange(affected_, {}); }

  /// Events that wait for the actor: exact when its senders are at rest.
  std::uint64_t queued(ActorIndex reader) const;
  /// The same, for one route.
  std::uint64_t queued_on(RouteId route) const;
  /// How far the route's reader has come: the sequence of its next event.
  std::uint64_t cursor(RouteId route) const;
  /// Events that were queued for the actor when its subscriptions ended.
  std::uint64_t discarded(ActorIndex reader) const;
  /// True: the event is kept elsewhere, and counts as given up. False: it counts as discarded.
  using Visit = std::function<bool(const Route&, const QueuedEvent&)>;
  /// Says whether an actor runs as another user than the broker: the routes of such a one get bells at which nobody can
  /// be made to wait, and other ones with each life.
  void tell_users_apart(std::function<bool(ActorIndex)> is_other_user) { is_other_user_ = std::move(is_other_user); }
  /// What becomes of the events that are queued when a subscription has ended. Without it they are discarded.
  void on_left_over(Visit visit) { left_over_ = std::move(visit); }
  /// The event at the cursor of a reader that is not there: its successor goes on with the one after it. False when
  /// there is none that can be read.
  bool take_out(RouteId route, const Visit& visit);
  /// All that is queued now in a route whose reader is not there.
  void empty_route(RouteId route, const Visit& visit);
  /// In all of its routes.
  void empty_mailbox(ActorIndex reader, const Visit& visit);
  /// Events of the actor's mailboxes that were kept elsewhere.
  std::uint64_t given_up(ActorIndex reader) const;
  /// Have all publishers forgotten the routes into the actor that were removed?
  bool detached(ActorIndex reader) const;
  /// Is every mailbox of an actor that lives empty?
  bool live_mailboxes_empty() const;
  /// Does the route exist, and does `publisher` write it? Null when not.
  const Route* route_of_publisher(ActorIndex publisher, RouteId route) const;
  const Route* route_of_reader(ActorIndex reader, RouteId route) const;
  std::size_t undrained_segments(RouteId route) const;
  /// What is visibly wrong with the publisher's memory where the reader stands; nothing when it looks right from here.
  std::optional<std::string> inspect(RouteId route) const;

  ExchangeState save() const;
  /// REQUIRES: new. Sessions come later: rejoin(). False, with `error`, when a descriptor is missing or unusable.
  bool load(const ExchangeState& state, std::string& error);
  /// The actor's session, after load(). Null when it was not there.
  std::shared_ptr<Incarnation> rejoin(ActorIndex actor, Session& session);
  /// Rings everybody once: a brain may have died between a message and its bell.
  void ring_all();

 private:
  enum class Given : std::uint8_t { No, Sent, Attached };
  struct Segment {
    std::shared_ptr<Incarnation> owner;
    std::vector<control::RouteTopic> topics;
    Kept ring;                          // none: AddRoute is not answered yet
    std::optional<shm::RingView> view;  // set with `ring`
    bool ended = false;
    shm::Ending ending;
    Given given = Given::No;  // to the reader's present life
    std::uint64_t end() const { return ending.final_head + (ending.from_record ? 1 : 0); }
  };
  enum class Answer : std::uint8_t { Switch, Remove };
  struct Live {
    Route route;
    Kept data_bell;
    Kept space_bell;
    std::deque<Segment> segments;  // oldest first
    std::uint64_t cursor = 0;      // of the dead or absent reader, or where the living one began
    std::uint64_t next_base = 0;
    std::uint32_t follows = 0;       // the reader's life whose cursors the publisher follows; 0 = none
    std::uint64_t reader_began = 0;  // where the reader's present life began to read
    bool reader_knows = false;       // the reader's present life has stored its cursor
    std::deque<Answer> answers;      // RouteSwitched that are due
    // A removed route stays until both sides are done with it.
    bool removed = false;
    bool publisher_done = false;
    bool reader_done = false;
  };
  struct Peer {
    std::shared_ptr<Incarnation> incarnation;
    Session* session;  // null only between load() and rejoin()
    Deeds deeds;       // on routes that are gone already
  };

  Peer* peer(ActorIndex actor);
  const Peer* peer(ActorIndex actor) const;
  Live* find(RouteId id);
  const Live* find(RouteId id) const;
  void open(RouteId id);
  bool is_between_users(const Route& route) const {
    return is_other_user_(route.publisher) || is_other_user_(route.reader);
  }
  void renew_bells(Live& live);
  void remove(const Route& route, bool finishes);
  void finish_removal(Live& live);
  template <class Predicate>
  bool every(const std::map<ActorIndex, std::set<RouteId>>& routes, ActorIndex actor, Predicate holds) const;
  static bool announced(const Live& live) { return !live.segments.empty() && live.segments.back().ring; }
  static bool all_attached(const Live& live);
  void begin_segment(Live& live, Peer& publisher);
  void attach_all(Live& live, Peer& reader);
  void attach(Live& live, Segment& segment, Peer& reader);
  void maybe_switch(Live& live);
  void end_segment(Live& live, Peer& dead);
  void reader_left(Live& live, Peer& dead);
  void drop_drained(Live& live);
  void keep_latched(const std::shared_ptr<Incarnation>& dead);
  void attach_latched(const Live& live, Peer& reader);
  std::uint64_t read_queue(Live& live, std::uint64_t most, const Visit& visit);
  void forget_extents(const Live& live, const std::shared_ptr<Incarnation>& owner);
  void touch(const Live& live);
  void ring(const Kept& bell);
  std::uint64_t done(const Live& live) const;
  std::uint64_t end(const Live& live) const;
  std::uint64_t waiting(const Live& live) const;

  const RoutingTable& table_;
  FdSafe& safe_;
  Turn* turn_;
  std::map<RouteId, Live> live_;
  std::map<ActorIndex, std::set<RouteId>> outgoing_;
  std::map<ActorIndex, std::set<RouteId>> incoming_;
  std::map<ActorIndex, Peer> peers_;
  std::map<ActorIndex, std::uint64_t> discarded_;
  std::map<ActorIndex, std::uint64_t> given_up_;
  std::vector<std::shared_ptr<Incarnation>> latched_;  // lives that are over but for their last values; oldest first
  Visit left_over_ = [](const Route&, const QueuedEvent&) { return false; };
  std::function<bool(ActorIndex)> is_other_user_ = [](ActorIndex) { return false; };
  std::set<ActorIndex> affected_;
};

}  // namespace actor::broker
