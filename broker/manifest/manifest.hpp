// What the broker is told to run: the manifest, a TOML file, as plain values. Reading is pure: text in, a Manifest or
// every error at once out; only load_manifest() and check_executables() look at the file system. The broker's brain
// owns the result; `actorctl check` uses the same functions. Thread-safe: no global state. Every key is described in
// docs/manifest.md.
#pragma once

#include <actor/after_death.hpp>
#include <actor/group.hpp>
#include <actor/latency.hpp>
#include <actor/overflow_policy.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sandbox.hpp"

namespace actor::broker {

/// Both count from 1; a column counts characters, not bytes. 0: not in the file.
struct SourcePosition {
  unsigned line = 0;
  unsigned column = 0;
  bool operator==(const SourcePosition&) const = default;
};

struct ManifestError {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
  std::string key;      // "actors.cpu.restart"; empty for what concerns the whole file
  std::string message;  // what is wrong, what is allowed, what to do
};

/// "station.toml:12:11: actors.cpu.restart: ...", the form that editors jump to.
std::string format(const ManifestError& error);

/// In the order of the file.
void sort_by_position(std::vector<ManifestError>& errors);

enum class LogFormat { Text, Json };
/// How a topic's events travel from process to process.
enum class Transport { Shm, Iceoryx };
enum class Restart { Permanent, Transient, Temporary };

struct BrokerSection {
  std::string name;  // [broker] name, or made from the manifest's file name
  std::optional<std::filesystem::path> runtime_dir;
  LogFormat log = LogFormat::Text;
  Transport transport = Transport::Shm;  // of topics whose sections do not say
  std::chrono::nanoseconds drain_timeout = std::chrono::seconds(5);
  std::optional<std::chrono::nanoseconds> shutdown_timeout;  // absent: as long as the drain and the stop timeouts take
  std::chrono::nanoseconds stall_after = std::chrono::seconds(5);      // zero: stalls are told when asked for only
  std::chrono::nanoseconds brain_watchdog = std::chrono::seconds(30);  // without progress; zero: for ever
  std::optional<std::filesystem::path> cgroup = {};     // whose parts the actors' are; absent: the own one if delegated
  AutoShutdown auto_shutdown = AutoShutdown::Never;     // by the significant actors and groups that are in no group
  bool allow_reboot = false;                            // on_exhausted = "reboot" may
  std::optional<std::filesystem::path> state_dir = {};  // absent: chosen by the broker
  std::uint64_t dead_letter_bytes = std::uint64_t{64} << 20;        // of all that are kept
  std::chrono::nanoseconds mailbox_hold = std::chrono::seconds(5);  // for a successor, after a crash
  bool operator==(const BrokerSection&) const = default;
};

struct TopicSection {
  std::optional<OverflowPolicy> overflow;   // with its deadline; absent: what the programs declare
  std::uint32_t capacity = 256;             // events per subscriber
  std::optional<bool> latched = {};         // absent: what the programs declare
  std::optional<Transport> transport = {};  // absent: the broker's
  std::uint64_t payload_bytes = 1024;       // the largest event that iceoryx carries; larger ones go through shm
  bool operator==(const TopicSection&) const = default;
};

/// A list of topics in the manifest. "*" stands for every topic but the broker's own ("$sys/...").
struct TopicSet {
  bool all = false;
  std::vector<std::string> names;  // as written, without "*"
  bool contains(std::string_view topic) const;
  bool operator==(const TopicSet&) const = default;
};

/// The first restart happens at once, the next waits `base`, each further one twice as long, never longer than `max`.
/// It begins anew after `reset_after` of being Ready without a break.
struct Backoff {
  std::chrono::nanoseconds base = std::chrono::milliseconds(10);
  std::chrono::nanoseconds max = std::chrono::seconds(5);
  std::chrono::nanoseconds reset_after = std::chrono::seconds(10);
  bool operator==(const Backoff&) const = default;
};

/// At most `restarts` inside any window of length `within`; one more exhausts the budget.
struct RestartBudget {
  std::uint32_t restarts = 5;
  std::chrono::nanoseconds within = std::chrono::seconds(10);
  bool operator==(const RestartBudget&) const = default;
};

/// [groups.NAME]: actors, and other groups, that belong together.
struct GroupSection {
  std::string name;
  std::string parent = {};  // empty: none
  RestartStrategy strategy = RestartStrategy::OneForOne;
  RestartBudget budget = {};
  OnExhausted on_exhausted = OnExhausted::Quarantine;                   // by default Escalate when it has a parent
  std::chrono::nanoseconds quarantine_retry = std::chrono::minutes(1);  // zero: never by itself
  AutoShutdown auto_shutdown = AutoShutdown::Never;
  bool significant = false;
  bool operator==(const GroupSection&) const = default;
};

/// What [actors.NAME] says about its place among the others, and about ends.
struct ActorSupervision {
  std::string member_of;  // a group; empty: none
  std::map<std::string, Dependency> depends_on = {};
  OnExhausted on_exhausted = OnExhausted::Quarantine;
  std::chrono::nanoseconds quarantine_retry = std::chrono::minutes(1);  // zero: never by itself
  std::vector<int> success_exit = {};
  std::vector<int> never_restart_exit = {78};
  bool significant = false;
  bool operator==(const ActorSupervision&) const = default;
};

/// A value: what a reload compares to see whether an actor has changed.
struct ActorSection {
  std::string name;
  std::string exec;  // as written; find_executable() says which file that is
  std::vector<std::string> args;
  std::map<std::string, std::string> env;    // added to the broker's environment
  std::optional<std::filesystem::path> cwd;  // relative to the manifest's directory; absent: the broker's own
  TopicSet publishes{.all = true, .names = {}};
  TopicSet subscribes;
  Restart restart = Restart::Permanent;
  Backoff backoff;
  RestartBudget budget;
  std::chrono::nanoseconds start_timeout = std::chrono::seconds(10);
  std::chrono::nanoseconds stop_timeout = std::chrono::seconds(5);
  Latency latency = Latency::Balanced;
  std::optional<std::chrono::nanoseconds> spin =
      {};  // how long to look for events before sleeping; none: as `latency` says
  AfterDeath after_death = {};
  std::uint64_t memory_bytes = std::uint64_t{16} << 20;  // for the events it has sent and nobody has finished with
  std::string process = {};   // that it shares with all that name the same one; empty: it has one of its own
  std::uint32_t standby = 0;  // processes that are started ahead, to take over when this one dies: 0 or 1
  ActorSupervision supervision = {};
  Sandbox sandbox = {};
  std::optional<std::chrono::nanoseconds> watchdog = {};  // without progress, though there is work; absent: for ever
  std::chrono::nanoseconds abort_grace = std::chrono::seconds(2);  // then: from SIGABRT to SIGKILL
  bool operator==(const ActorSection&) const = default;
};

struct Manifest {
  BrokerSection broker;
  std::map<std::string, TopicSection> topics;
  std::vector<GroupSection> groups;  // each after its parent
  std::vector<ActorSection> actors;  // in file order: the order of starting, as far as depends_on allows
  std::filesystem::path file;
  std::map<std::string, SourcePosition, std::less<>> positions;

  const ActorSection* find_actor(std::string_view name) const;
  const GroupSection* find_group(std::string_view name) const;
  /// Of all actors; a second at least.
  std::chrono::nanoseconds longest_stop_timeout() const;
  /// An error about a key of this manifest, for checks made after reading. It points at the key's value, or, when the
  /// key is not written, at the section that it would be in.
  ManifestError error(std::string key, std::string message) const;
};

struct ManifestResult {
  std::optional<Manifest> manifest;     // set exactly when there are no errors
  std::optional<Manifest> wrong;        // otherwise: as far as it could be read, to look for more errors
  std::vector<ManifestError> errors;    // all of them, in file order; a syntax error hides what comes after it
  std::vector<ManifestError> warnings;  // the manifest can be run, but is likely not what was meant
};

constexpr std::size_t max_manifest_bytes = std::size_t{1} << 20;

/// The file's text; `error` says why there is none.
struct ManifestText {
  std::string text;
  std::optional<ManifestError> error;
};
ManifestText read_manifest(const std::filesystem::path& file);

/// read_manifest() and parse_manifest().
ManifestResult load_manifest(const std::filesystem::path& file);

/// `file_name` appears in errors, and its stem is the broker's default name. The text is UTF-8.
ManifestResult parse_manifest(std::string_view text, std::string file_name);

/// The file that `actor.exec` means, absolute: `exec` itself when it is absolute, else relative to the manifest's
/// directory when it has a slash, else the first executable of that name in `path` (directories with colons between, as
/// in $PATH). Nothing when it is not an executable file.
std::optional<std::filesystem::path> find_executable(const Manifest& manifest, const ActorSection& actor,
                                                     std::string_view path);

/// All that a process is made from, as bytes to compare: two actors with the same can share one.
std::string process_image(const ActorSection& actor);

/// One error for each actor whose program, working directory or sandbox this process could not use now. `known`: what
/// is wrong with the manifest beside that.
std::vector<ManifestError> check_executables(const Manifest& manifest, std::string_view path,
                                             const std::vector<ManifestError>& known = {});

/// "actors.cpu", "topics.\"StationTopic.Reading\"": how a name is written in the key of an error.
std::string key_path(std::string_view parent, std::string_view name);

}  // namespace actor::broker
