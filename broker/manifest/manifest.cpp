#include "manifest/manifest.hpp"

#include <algorithm>

#include "manifest/names.hpp"

namespace actor::broker {
namespace {

bool is_bare_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

std::string format(const ManifestError& error) {
  std::string text = error.file;
  if (error.line != 0) text += ':' + std::to_string(error.line) + ':' + std::to_string(error.column);
  if (!error.key.empty()) text += ": " + error.key;
  return text + ": " + error.message;
}

std::string key_path(std::string_view parent, std::string_view name) {
  std::string path(parent);
  if (!path.empty()) path += '.';
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_bare_key_character)) return path.append(name);
  path += '"';
  for (const char c : name) {
    if (c == '"' || c == '\\') path += '\\';
    path += is_control_character(c) ? '?' : c;
  }
  return path + '"';
}

bool TopicSet::contains(std::string_view topic) const {
  return (all && !is_system_topic(topic)) || std::find(names.begin(), names.end(), topic) != names.end();
}

const ActorSection* Manifest::find_actor(std::string_view name) const {
  const auto found = std::find_if(actors.begin(), actors.end(), [&](const ActorSection& a) { return a.name == name; });
  return found == actors.end() ? nullptr : &*found;
}

const GroupSection* Manifest::find_group(std::string_view name) const {
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const GroupSection& g) { return g.name == name; });
  return found == groups.end() ? nullptr : &*found;
}

std::chrono::nanoseconds Manifest::longest_stop_timeout() const {
  std::chrono::nanoseconds longest = std::chrono::seconds(1);
  for (const ActorSection& actor : actors) longest = std::max(longest, actor.stop_timeout);
  return longest;
}

ManifestError Manifest::error(std::string key, std::string message) const {
  SourcePosition at;
  for (std::string_view written = key; !written.empty();) {
    if (const auto found = positions.find(written); found != positions.end()) {
      at = found->second;
      break;
    }
    written = written.substr(0, written.rfind('.') == std::string_view::npos ? 0 : written.rfind('.'));
  }
  return {.file = file.string(),
          .line = at.line,
          .column = at.column,
          .key = std::move(key),
          .message = std::move(message)};
}

}  // namespace actor::broker
