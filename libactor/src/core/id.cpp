#include <actor/id.hpp>
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
