#include <actor/error.hpp>
#include <algorithm>
#include <event/live_event.hpp>
#include <map>
#include <mutex>
#include <testing/seen_events.hpp>

namespace actor::testing {
namespace {

/// An event whose type this program does not know, or that was too large to be recorded whole.
struct Opaque {
  std::string label;
  std::uint64_t bytes = 0;  // of all of it
  std::vector<std::byte> beginning;
};

struct OpaqueType {
  std::string name;
  EventType type{};
};

std::string label_of(const std::string& name) {
  const std::size_t arguments = std::min(name.find('<'), name.size());
  const std::size_t colon = name.rfind(':', arguments);
  return colon == std::string::npos ? name : name.substr(colon + 1);
}

EventType describe(const OpaqueType& opaque) {
  EventType type{};
  type.name = opaque.name;
  type.label = type.name.substr(type.name.size() - label_of(opaque.name).size());
  type.size = sizeof(Opaque);
  type.align = alignof(Opaque);
  type.encoded_size = [](const void* event) { return static_cast<const Opaque*>(event)->beginning.size(); };
  type.encode = [](const void* event, std::span<std::byte> out) {
    std::copy_n(static_cast<const Opaque*>(event)->beginning.begin(), out.size(), out.begin());
  };
  type.decode = [](std::span<const std::byte>, void*) { return false; };
  type.construct = [](void* at) { ::new (at) Opaque; };
  type.copy_construct = [](void* at, const void* from) { ::new (at) Opaque(*static_cast<const Opaque*>(from)); };
  type.destroy = [](void* event) noexcept { std::destroy_at(static_cast<Opaque*>(event)); };
  type.print = [](const void* event, std::string& out) {
    const auto& opaque_event = *static_cast<const Opaque*>(event);
    out += opaque_event.label + "{" + std::to_string(opaque_event.bytes) + " bytes}";
  };
  type.to_json = [](const void* event, actor::detail::JsonWriter& out) {
    out.hex(static_cast<const Opaque*>(event)->beginning);
  };
  type.from_json = [](actor::detail::JsonReader&, void*) {
    throw Error(ErrorCode::Incompatible, "reading an event whose type this program does not know");
  };
  return type;
}

/// Never freed, as names of actors: entries of recordings point at it, and there are few. Its hash is no type's, so
/// that nobody takes such an event for what it is not.
const EventType& opaque_type(const std::string& name) {
  static std::mutex mutex;
  static auto& types = *new std::map<std::string, std::unique_ptr<OpaqueType>>;
  const std::scoped_lock lock(mutex);
  std::unique_ptr<OpaqueType>& type = types[name];
  if (!type) {
    type = std::make_unique<OpaqueType>();
    type->name = name.empty() ? "?" : name;
    type->type = describe(*type);
  }
  return type->type;
}

}  // namespace

SeenPayload SeenEvents::payload_of(const control::SeenEvent& seen) const {
  const auto known =
      std::find_if(types_.begin(), types_.end(), [&](const EventType* type) { return type->hash == seen.type_hash; });
  if (known != types_.end() && seen.payload.size() == seen.payload_bytes) {
    if (auto event = make_live(**known, seen.payload)) return {*known, std::move(event)};
  }
  const EventType& type = opaque_type(seen.type);
  return {&type, std::make_shared<const Opaque>(Opaque{std::string(type.label), seen.payload_bytes, seen.payload})};
}

Meta meta_of(const control::SeenEvent& seen) {
  using namespace std::chrono;
  Meta meta;
  meta.id = seen.id;
  meta.parent = seen.parent;
  meta.sender = ActorId(seen.sender);
  meta.wall_time = system_clock::time_point(duration_cast<system_clock::duration>(nanoseconds(seen.sent_wall_ns)));
  meta.monotonic_time = steady_clock::time_point(duration_cast<steady_clock::duration>(nanoseconds(seen.sent_ns)));
  meta.redelivered = seen.redelivered;
  meta.maybe_duplicate = seen.maybe_duplicate;
  meta.attempt = seen.attempt;
  meta.latched = seen.latched;
  return meta;
}

OverflowPolicy policy_of(const control::SeenEvent& seen) {
  using Kind = OverflowPolicy::Kind;
  const bool known = seen.policy <= static_cast<std::uint8_t>(Kind::Block);
  return {known ? static_cast<Kind>(seen.policy) : Kind::Fail, std::chrono::nanoseconds(seen.deadline_ns)};
}

}  // namespace actor::testing
