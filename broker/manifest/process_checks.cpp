// Whether actors that name the same process can share it.

#include <actor/archive.hpp>
#include <map>
#include <optional>
#include <span>

#include "manifest/cross_checks.hpp"
#include "manifest/names.hpp"

namespace actor::broker {
namespace {

/// The key of the first thing that a process has only one of and that the two want to be different.
std::string_view difference(const ActorSection& one, const ActorSection& other) {
  if (one.exec != other.exec) return "exec";
  if (one.cwd != other.cwd) return "cwd";
  if (one.env != other.env) return "env";
  const Sandbox& a = one.sandbox;
  const Sandbox& b = other.sandbox;
  if (a.limits != b.limits) return "limits";
  if (a.nice != b.nice) return "nice";
  if (a.scheduling != b.scheduling) return "scheduling";
  if (a.cpus != b.cpus) return "cpus";
  if (a.user != b.user) return "user";
  if (a.group != b.group) return "group";
  if (a.no_new_privs != b.no_new_privs) return "no_new_privs";
  if (a.capabilities != b.capabilities) return "capabilities";
  if (a.devices != b.devices) return "devices";
  return a == b ? "" : "seccomp";
}

/// The option that `argument` begins with, of those that an actor in a shared process may be given: its main() gets no
/// arguments, so that all are libactor's, and the rest of those is for programs that are started by hand.
std::string_view option_in(std::string_view argument) {
  for (const std::string_view option : {"--actor", "--latency"}) {
    if (argument == option || (argument.starts_with(option) && argument[option.size()] == '=')) return option;
  }
  return {};
}

/// The first argument that the process would refuse.
std::optional<std::size_t> wrong_argument(const std::vector<std::string>& args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view option = option_in(args[i]);
    if (option.empty()) return i;
    if (args[i] == option && ++i == args.size()) return i - 1;  // its value is the next argument
  }
  return std::nullopt;
}

}  // namespace

std::string process_image(const ActorSection& actor) {
  std::string image = actor.exec + '\0' + (actor.cwd ? actor.cwd->string() : std::string()) + '\0';
  for (const auto& [name, value] : actor.env) image += name + '=' + value + '\0';
  std::string sandbox(encoded_size(actor.sandbox), '\0');
  encode(actor.sandbox, std::as_writable_bytes(std::span(sandbox)));
  return image + sandbox;
}

void check_processes(const Manifest& manifest, const SoundSections& sound, Findings& findings) {
  std::map<std::string_view, const ActorSection*> first;
  for (const ActorSection& actor : manifest.actors) {
    if (actor.process.empty()) continue;
    const std::string section = key_path("actors", actor.name);
    const auto error_at = [&](const std::string& path, const std::string& text) {
      const SourcePosition at = findings.position(path);
      findings.error(at == SourcePosition{} ? findings.position(section) : at, path, text);
    };
    const auto error = [&](std::string_view key, const std::string& text) { error_at(key_path(section, key), text); };
    if (manifest.find_actor(actor.process))
      error("process", in_quotes(actor.process) + " is an actor's name; give the process another one");
    if (actor.standby > 0)
      error("standby", "a spare process is for an actor that has a process of its own; remove standby, or process = " +
                           in_quotes(actor.process));
    if (const auto wrong = wrong_argument(actor.args)) {
      const std::string& argument = actor.args[*wrong];
      error_at(section + ".args[" + std::to_string(*wrong) + "]",
               in_quotes(argument) +
                   (option_in(argument).empty() ? " cannot be given to an actor that shares a process"
                                                : " lacks its value") +
                   "; allowed: \"--actor\", \"CLASS\" and \"--latency\", \"WORD\". Remove it, or process = " +
                   in_quotes(actor.process));
    }
    if (!sound.has(section)) continue;
    const auto [known, is_new] = first.emplace(actor.process, &actor);
    const std::string_view key = is_new ? "" : difference(*known->second, actor);
    if (!key.empty())
      error(key, "is not what it is in " + in_quotes(known->second->name) + ", and the two share the process " +
                     in_quotes(actor.process) + ", which has only one " + std::string(key) +
                     "; write the same in both, or give one of them another process");
  }
}

}  // namespace actor::broker
