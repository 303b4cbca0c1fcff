#include <actor/id.hpp>
#include <charconv>
#include <cstdio>
#include <mutex>
#include <ostream>
#include <set>

namespace actor {
namespace {

struct Names {
  std::mutex mutex;
  std::set<std::string, std::less<>> names;  // nodes never move
};

Names& interned() {
  static Names* names = new Names;  // never destroyed: ids may be used by other static objects
  return *names;
}

}  // namespace

ActorId::ActorId(std::string_view name) {
  if (name.empty()) return;
  Names& table = interned();
  const std::scoped_lock lock(table.mutex);
  auto found = table.names.find(name);
  if (found == table.names.end()) found = table.names.emplace(name).first;
  name_ = &*found;
}

std::ostream& operator<<(std::ostream& out, ActorId id) {
  return out << id.name();
}

std::string to_string(const EventId& id) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(id.actor),
                static_cast<unsigned long long>(id.counter));
  return text;
}

std::optional<EventId> EventId::parse(std::string_view text) {
  constexpr std::size_t half = 16;
  if (text.size() != 2 * half) return std::nullopt;
  EventId id;
  const auto read = [](std::string_view digits, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return error == std::errc{} && end == digits.data() + digits.size();
  };
  if (!read(text.substr(0, half), id.actor) || !read(text.substr(half), id.counter)) return std::nullopt;
  return id;
}

std::string short_text(const EventId& id) {
  return id ? to_string(id).substr(0, 2) + "..:" + std::to_string(id.counter) : "-";
}

std::ostream& operator<<(std::ostream& out, const EventId& id) {
  return out << to_string(id);
}

std::uint64_t actor_key(std::uint64_t runtime_id, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325u ^ runtime_id;  // FNV-1a, then mixed (splitmix64)
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  hash ^= hash >> 30;
  hash *= 0xbf58476d1ce4e5b9u;
  hash ^= hash >> 27;
  hash *= 0x94d049bb133111ebu;
  hash ^= hash >> 31;
  return hash ? hash : 1;
}

}  // namespace actor
