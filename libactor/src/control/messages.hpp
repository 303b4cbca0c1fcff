#pragma once
// The control protocol: what actor processes, tools and the broker say to each other over a SOCK_SEQPACKET Unix socket.
// One packet is one message: MessageHeader, then the message's fields in the library's own event encoding; file
// descriptors ride along with SCM_RIGHTS in the order that the message's comment gives. Never on the data path.
// docs/control-protocol.md tells the order of things. Whoever changes a message raises actor::protocol_version.

#include <actor/id.hpp>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace actor::control {

struct MessageHeader {
  static constexpr std::uint32_t magic_value = 0x52544341;  // "ACTR"
  std::uint32_t magic;
  std::uint16_t version;  // actor::protocol_version
  std::uint16_t kind;     // index in ToBroker or ToActor
  std::uint64_t number;   // 1, 2, ... on each connection and direction; a number that came already is a repetition
};
static_assert(sizeof(MessageHeader) == 16);

/// A packet never exceeds this; longer lists are split over several messages.
inline constexpr std::size_t max_packet_bytes = 128 * 1024;
inline constexpr std::size_t max_packet_fds = 16;

using RouteId = std::uint32_t;

struct TypeDecl {
  std::string name;
  std::uint64_t hash;
  std::string schema;
};

struct TopicDecl {
  std::string name;
  std::uint8_t policy;  // OverflowPolicy::Kind
  std::int64_t deadline_ns;
  bool latched = false;
};

/// A topic as the broker knows it. `id` is what slots carry; never 0.
struct TopicInfo {
  std::uint16_t id;
  std::string name;
  std::uint8_t policy;
  std::int64_t deadline_ns;
  std::uint32_t capacity;  // events per subscriber
  bool may_publish;
  bool latched = false;             // its last value is kept, in the publisher's status segment, for readers to come
  std::uint64_t carried_bytes = 0;  // not 0: payloads up to this travel by the carrier (Welcome.carrier_module)
  bool subscribed = false;          // this actor reads it
};

/// A type's number on the wire, given out by the broker; never 0.
struct TypeInfo {
  std::uint16_t id;
  std::uint64_t hash;
};

struct RouteTopic {
  std::uint16_t topic;
  std::uint32_t capacity;
};

// ---- actor → broker ----

/// First packet of an actor. Fds: the status segment.
struct Hello {
  std::string name;  // the manifest's name; for a hand-started actor the name it wants
  std::string library_version;
  std::string executable;
  std::vector<TypeDecl> types;
  std::vector<TopicDecl> topics;
  bool hand_started;
  std::vector<std::string> subscribes;  // of a hand-started actor; the manifest's list counts otherwise
  std::vector<std::string> publishes;   // likewise; empty = every topic it knows
};

/// The ring of a route exists and is being written from `base` on. Fds: the ring.
struct RouteReady {
  RouteId route;
};

/// The publisher follows the reader's new cursors (answer to SwitchReader) or has forgotten the route (RemoveRoute).
struct RouteSwitched {
  RouteId route;
};

/// The reader has mapped the route's segment and stored its cursor (answer to Attach).
struct Attached {
  RouteId route;
  std::uint32_t incarnation;  // of the publisher
};

/// A dead publisher's segment was read to its end; the reader let go of it.
struct SegmentDrained {
  RouteId route;
  std::uint32_t incarnation;
};

/// A new payload extent; sent before anything refers to it. Fds: the extent.
struct ExtentAdded {
  std::uint32_t extent;
  std::uint64_t bytes;
};

/// The publisher no longer uses the extent; readers let go of it.
struct ExtentDropped {
  std::uint32_t extent;
};

/// A struct-valued topic met for the first time. Answered by TopicOpened.
struct OpenTopic {
  TopicDecl topic;
};

/// on_start() has returned.
struct Ready {};

/// A Fail topic overflowed at one reader.
struct Overflowed {
  RouteId route;
  std::uint16_t topic;
};

/// A peer's memory breaks the rules: the reader has stopped reading the route.
struct PeerCorrupt {
  RouteId route;
  std::string what;
};

/// The actor is about to exit; `error` is empty for an ordered stop.
struct Stopping {
  std::string error;
};

/// ctx.stop_runtime().
struct StopRuntime {};

/// Answer to Quiesce: no step, timer or descriptor callback runs any more.
struct Quiesced {};

/// The actor has woken while the broker's word said that it does not look any more (Welcome.parked_slot): it looks
/// again. Once per wake-up.
struct Awake {};

/// A tool's request: a JSON text such as {"command":"ps"}. Answered by Reply. Sent instead of Hello.
struct Request {
  std::string json;
};

/// A dead letter was handed out again (answer to Redeliver).
struct Redelivered {
  std::uint64_t letter;
  bool handled;  // false: the program could not read the event
};

/// From a process that several actors share, on its own socket: one of them has ended, and all that it had to say is in
/// its socket. `exit_code` is what it would have ended a process of its own with. Or its thread has `crashed`, which is
/// said by a signal handler, and without a number: the process's end follows.
struct ActorEnded {
  std::string name;
  std::uint32_t incarnation;
  std::int32_t exit_code;
  bool crashed;
};

using ToBroker = std::variant<Hello, RouteReady, RouteSwitched, Attached, SegmentDrained, ExtentAdded, ExtentDropped,
                              OpenTopic, Ready, Overflowed, PeerCorrupt, Stopping, StopRuntime, Quiesced, Awake,
                              Request, Redelivered, ActorEnded>;

// ---- broker → actor ----

/// Answer to Hello. Fds: the control-epoch page (read-only).
struct Welcome {
  static constexpr std::uint32_t no_slot = 0xffffffff;

  std::string name;
  std::string runtime_directory;  // of the broker: what is left of it when all its processes are dead is cleared away
  std::uint64_t actor_key;
  std::uint32_t incarnation;
  std::uint64_t first_counter;          // event numbers go on from here
  std::uint32_t epoch_slot;             // index of this actor's word in the control-epoch page
  std::uint32_t parked_slot = no_slot;  // of the word that is not 0 while Awake is wanted
  std::uint64_t memory_bytes;           // payload budget
  std::int64_t spin_ns;                 // how long to look for events before sleeping; < 0: as `latency` says
  std::uint8_t latency = 0;             // actor::Latency
  std::int64_t stop_timeout_ns;
  std::uint32_t max_events_per_tick;
  // The shared library that carries some topics' payloads, and the names that it goes by there. Empty: none is carried.
  std::string carrier_module;
  std::string carrier_service;
  std::string carrier_runtime;
  std::vector<TopicInfo> topics;
  std::vector<TypeInfo> types;  // same order as in Hello
  // What the predecessor had in hand when it died; route 0 = nothing.
  RouteId in_flight_route;
  std::uint64_t in_flight_sequence;
  std::uint32_t in_flight_attempt;       // attempts so far
  std::uint64_t in_flight_first_output;  // number of the first event it sent in answer, 0 = none
  std::uint64_t in_flight_outputs_end;   // one past the last number it may have sent
};

/// The broker will not have this program; it exits with status 78 and prints `reason`.
struct Refused {
  std::string reason;
};

/// Publisher: a new route. Make a ring that starts at `base`, push to it from now on, answer RouteReady. The reader may
/// be absent (not yet started, or between two lives): then no status fd, and its cursors stand at `base`. Fds: data
/// bell (publisher rings, reader listens), space bell (the other way), [reader's status segment].
struct AddRoute {
  RouteId route;
  std::string reader;
  std::vector<RouteTopic> topics;
  std::uint32_t slots;  // capacity of the ring, a power of two
  bool overwriting;     // a DropOldest topic's own ring
  std::uint64_t base;
  std::uint32_t cursor_index;  // in the reader's status segment
  bool reader_present;
};

/// Publisher: the reader's cursors live in another segment now. Answer RouteSwitched. Fds: reader's status segment,
/// data bell, space bell, which take the place of those that the route has.
struct SwitchReader {
  RouteId route;
  std::uint32_t cursor_index;
};

/// Publisher: the reader is dead: its cursors stand still until SwitchReader. After RemoveRoute: nobody reads what was
/// queued any more. No answer.
struct ReaderGone {
  RouteId route;
};

/// Publisher: the subscription has ended; drop what is staged for it. What is queued its reader, or the broker, may
/// still be reading: that memory is used again as the cursor passes it, all of it at ReaderGone. Answer RouteSwitched.
struct RemoveRoute {
  RouteId route;
};

/// Reader: one segment of a route, oldest first. Store `cursor` at cursor_index (first segment of the route only),
/// answer Attached. Fds: ring, publisher's status segment, data bell, space bell; the bells take the place of those
/// that the route may have. The ring is as is said here: its own header can still be written by its publisher.
struct Attach {
  RouteId route;
  std::string publisher;
  std::uint64_t publisher_key;
  std::uint32_t incarnation;
  std::vector<RouteTopic> topics;
  std::uint32_t slots;
  bool overwriting;
  std::uint64_t base;
  std::uint64_t first_counter;  // events below this number were sent before the ring was made
  std::uint64_t cursor;
  std::uint32_t cursor_index;
  bool ended;  // the publisher is dead: final_head and from_record hold
  std::uint64_t final_head;
  bool from_record;
};

/// Reader: an earlier life of a route's publisher, whose rings are drained, has last values of latched topics that no
/// later life has replaced. Comes between the route's Attach and Start, its extents after it. Fds: its status segment.
struct AttachLatched {
  RouteId route;
  std::string publisher;
  std::uint64_t publisher_key;
  std::uint32_t incarnation;
  std::vector<std::uint16_t> topics;
};

/// Reader: the publisher of this segment is dead. Read to `final_head`, then, if from_record, the event in its fan-out
/// record, then go on with the next segment.
struct PublisherEnded {
  RouteId route;
  std::uint32_t incarnation;
  std::uint64_t final_head;
  bool from_record;
};

/// Reader: the subscription has ended; forget the route.
struct Detach {
  RouteId route;
};

/// Reader: a publisher's new extent. Fds: the extent.
struct PeerExtentAdded {
  std::uint64_t publisher_key;
  std::uint32_t incarnation;
  std::uint32_t extent;
  std::uint64_t bytes;
};

struct PeerExtentDropped {
  std::uint64_t publisher_key;
  std::uint32_t incarnation;
  std::uint32_t extent;
};

/// Type numbers that this reader knows but that were met later (a publisher's types are in its readers' Welcome
/// otherwise).
struct TopicOpened {
  TopicInfo topic;
};

/// Routes are in place: call on_start().
struct Start {};

/// Steps, timers and descriptor callbacks end; events are still handled. Answer Quiesced.
struct Quiesce {};

/// Finish the event in hand, call on_shutdown(), exit. (SIGTERM means the same.)
struct Stop {};

/// A part of the answer's JSON text. The next message to this tool is the next part, as long as there is `more`.
struct Reply {
  std::string json;
  bool more = false;
};

/// A tool wants to see what the actor does, and to send in its name: control/observation.hpp. No answer here. Fds: the
/// actor's end of a socket pair whose other end the tool has.
struct Observe {
  std::vector<std::string> topics = {};  // only their events; empty: all
  std::uint8_t seen = 0xff;              // only these: a bit for each SeenAs, 1 << SeenAs
};

/// To a tool that asked to observe: an actor's life that it sees from now on. Fds: the tool's end of the pair.
struct Observed {
  std::string name;
  std::uint32_t incarnation;
};

/// To a tool that observes: the actor has ended, and all it had to say is in its socket.
struct ObservedEnded {
  std::string name;
  std::string why;
  bool comes_back;  // after `delay_ns`, unless an operator or a shutdown says otherwise
  std::int64_t delay_ns;
};

/// To an actor that subscribes to one of the runtime's own topics: an event of actor/sys.hpp, encoded.
struct SystemEvent {
  std::string topic;
  std::uint64_t type_hash;
  std::uint64_t sender_key;
  std::uint64_t counter;
  std::int64_t stamp_ns;        // CLOCK_MONOTONIC
  std::int64_t wall_offset_ns;  // system clock = stamp_ns + this
  std::vector<std::uint8_t> payload;
};

/// To the reader of a dead letter, one at a time: hand it to the handler, outside of all routes, then answer
/// Redelivered. Fds: a sealed memfd with the event when `shared_bytes` is not 0; `payload` is empty then.
struct Redeliver {
  std::uint64_t letter;  // its number in the broker's store
  EventId id;
  EventId parent;
  std::string sender;
  std::string topic;
  std::uint64_t type_hash;
  std::int64_t stamp_ns;        // CLOCK_MONOTONIC of the boot in which it was sent
  std::int64_t wall_offset_ns;  // system clock = stamp_ns + this
  std::uint32_t attempt;
  std::vector<std::uint8_t> payload;
  std::uint64_t shared_bytes;
};

/// To a process that several actors share: run one more, on a thread of its own. Stop, to such a process: end when all
/// of them have ended. Fds: the control socket of the actor.
struct RunActor {
  std::string name;
  std::uint32_t incarnation;
  std::vector<std::string> args;  // as on the command line of a process of its own
};

using ToActor = std::variant<Welcome, Refused, AddRoute, SwitchReader, ReaderGone, RemoveRoute, Attach, PublisherEnded,
                             Detach, PeerExtentAdded, PeerExtentDropped, TopicOpened, Start, Quiesce, Stop, Reply,
                             Observe, Observed, ObservedEnded, AttachLatched, SystemEvent, Redeliver, RunActor>;

}  // namespace actor::control
