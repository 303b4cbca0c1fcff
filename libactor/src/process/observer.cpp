#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <event/live_event.hpp>
#include <process/observer.hpp>

namespace actor {
namespace {

using control::SeenAs;

/// What may wait for a tool that is slow to read.
constexpr std::size_t queue_limit_bytes = std::size_t{8} << 20;
/// Packets handled before the actor gets its turn.
constexpr int packets_per_turn = 64;
constexpr std::size_t max_topic_bytes = 4096;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <class TimePoint>
std::int64_t ns_of(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::size_t send_buffer_of(int socket) {
  int bytes = 0;
  socklen_t size = sizeof bytes;
  return ::getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace

Observer::Observer(Fd socket, control::Observe wishes, Host& host, std::span<const EventType* const> types,
                   std::function<void()> on_backlog)
    : channel_(std::move(socket)),
      wishes_(std::move(wishes)),
      host_(host),
      types_(types),
      on_backlog_(std::move(on_backlog)),
      socket_bytes_(send_buffer_of(channel_.fd())) {
  send(control::Watching{now_ns()});
}

// ---- what the actor does ----

void Observer::on_event_dispatched(const Observation& event) {
  tell_event(event, SeenAs::Dispatched, {});
}

void Observer::on_event_delivered(const Observation& event) {
  tell_event(event, SeenAs::Delivered, {});
}

void Observer::on_event_handled(const Observation& event) {
  tell_event(event, SeenAs::Handled, {});
}

void Observer::on_overflow(const Observation& event, const OverflowPolicy& policy) {
  tell_event(event, SeenAs::Overflow, policy);
}

void Observer::on_error(ActorId, const Error& error) {
  tell(control::SeenError{now_ns(), static_cast<std::uint32_t>(error.code()), error.what()});
}

bool Observer::wants(std::string_view topic, SeenAs as) const {
  const auto& topics = wishes_.topics;
  return (wishes_.seen >> static_cast<unsigned>(as) & 1) != 0 &&
         (topics.empty() || std::find(topics.begin(), topics.end(), topic) != topics.end());
}

void Observer::tell_event(const Observation& event, SeenAs as, const OverflowPolicy& policy) {
  if (!wants(event.topic, as)) return;
  control::SeenEvent seen{};
  seen.at_ns = now_ns();
  seen.as = as;
  seen.id = event.meta.id;
  seen.parent = event.meta.parent;
  seen.sender = event.meta.sender.name();
  seen.receiver = event.receiver.name();
  seen.topic = event.topic;
  seen.sent_ns = ns_of(event.meta.monotonic_time);
  seen.sent_wall_ns = ns_of(event.meta.wall_time);
  seen.redelivered = event.meta.redelivered;
  seen.maybe_duplicate = event.meta.maybe_duplicate;
  seen.latched = event.meta.latched;
  seen.attempt = event.meta.attempt;
  seen.policy = static_cast<std::uint8_t>(policy.kind);
  seen.deadline_ns = policy.deadline.count();
  if (event.type) {
    seen.type = event.type->name;
    seen.type_hash = event.type->hash;
    if (event.event && as != SeenAs::Handled) {
      seen.payload_bytes = event.type->encoded_size(event.event);
      seen.payload.resize(seen.payload_bytes);
      event.type->encode(event.event, seen.payload);
      if (seen.payload.size() > control::max_seen_payload_bytes) seen.payload.resize(control::max_seen_payload_bytes);
    }
  }
  tell(seen);
}

template <class Message>
void Observer::tell(const Message& message) {
  if (is_full()) {
    ++lost_;
    return;
  }
  tell_lost();
  note_backlog(encoded_size(message));
  send(message);
}

template <class Message>
void Observer::send(const Message& message) {
  const bool had_queued = channel_.has_queued();
  try {
    channel_.send<control::ToTool>(message);  // false: the tool is gone; receive() sees it, too
  } catch (const Error&) {                    // too large: a topic or an error with a text of its own
    ++lost_;
  }
  if (channel_.has_queued() && !had_queued) on_backlog_();
}

void Observer::tell_lost() {
  if (lost_ != 0) send(control::Lost{now_ns(), std::exchange(lost_, 0)});
}

/// Of what the socket holds, with the kernel's own share.
std::size_t Observer::unread_bytes() const {
  int bytes = 0;
  return ::ioctl(channel_.fd(), SIOCOUTQ, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

/// A backlog is told while there is room for saying so: should the actor be killed in it, its end is missing.
void Observer::note_backlog(std::size_t more_bytes) {
  if (backlog_ || unread_bytes() + 2 * more_bytes <= socket_bytes_ / 2) return;
  backlog_ = true;
  send(control::Backlog{now_ns(), true});
  on_backlog_();
}

void Observer::flush() {
  if (!channel_.flush()) {
    backlog_ = false;  // nobody reads it
    return;
  }
  if (!is_full()) tell_lost();
  // A quarter: where the kernel begins to call the socket writable.
  if (!backlog_ || channel_.has_queued() || unread_bytes() > socket_bytes_ / 4) return;
  backlog_ = false;
  send(control::Backlog{now_ns(), false});
}

void Observer::finish() {
  if (backlog_ && !channel_.has_queued()) send(control::Backlog{now_ns(), false});
}

// ---- what the tool wants ----

bool Observer::is_full() const {
  return channel_.queued_bytes() > queue_limit_bytes;
}

bool Observer::receive() {
  control::Packet packet;
  for (int i = 0; i < packets_per_turn && !is_full(); ++i) {
    const auto result = channel_.receive(packet);
    if (result == control::ReceiveResult::Nothing) break;
    if (result == control::ReceiveResult::Closed) return false;
    std::string error;
    const auto message = control::decode_to_observed(packet, error);
    if (!message) {
      std::fprintf(stderr, "libactor: %s is observed no more by a tool that sent what cannot be read: %s\n",
                   std::string(host_.id.name()).c_str(), error.c_str());
      return false;
    }
    send_as(std::get<control::SendAs>(*message));
  }
  return true;
}

void Observer::send_as(const control::SendAs& request) {
  const auto refuse = [&](ErrorCode code, const std::string& why) {
    send(control::NotSent{now_ns(), request.request, static_cast<std::uint32_t>(code), why});
  };
  try {
    const EventId id = send_in_its_name(request);
    send(control::Sent{now_ns(), request.request, id});
  } catch (const Error& error) {
    refuse(error.code(), error.what());
  } catch (const std::exception& error) {
    refuse(ErrorCode::External, error.what());
  }
}

const EventType& Observer::type_of(const control::SendAs& request) const {
  const auto found = std::find_if(types_.begin(), types_.end(),
                                  [&](const EventType* type) { return type->hash == request.type_hash; });
  if (found != types_.end()) return **found;
  std::string known;
  for (const EventType* type : types_) known += (known.empty() ? "" : ", ") + std::string(type->name);
  throw Error(ErrorCode::Incompatible, "sending " + request.type + " as " + std::string(host_.id.name()) +
                                           ": its program knows no such type, or one with other fields; it knows " +
                                           known);
}

EventId Observer::send_in_its_name(const control::SendAs& request) {
  const EventType& type = type_of(request);
  const auto refused = [&](const std::string& why) {
    return Error(ErrorCode::Refused,
                 "sending " + std::string(type.label) + " as " + std::string(host_.id.name()) + ": " + why);
  };
  if (request.topic.empty() || request.topic.size() > max_topic_bytes)
    throw refused("a topic's name has 1 to " + std::to_string(max_topic_bytes) + " bytes");
  if (request.policy > static_cast<std::uint8_t>(OverflowPolicy::Kind::Block) || request.deadline_ns < 0)
    throw refused("there is no such overflow policy");
  const auto event = make_live(type, request.payload);
  if (!event) throw refused("its payload is malformed");
  const OverflowPolicy policy{static_cast<OverflowPolicy::Kind>(request.policy),
                              std::chrono::nanoseconds(request.deadline_ns)};
  host_.port.new_turn();  // the clock: this may be the first thing that happens after a sleep
  const std::uint16_t topic = host_.port.open_topic(request.topic, policy);
  const EventId id = host_.port.send({.type = &type, .event = event.get(), .topic = topic, .parent = request.parent});
  host_.port.flush();
  return id;
}

}  // namespace actor
