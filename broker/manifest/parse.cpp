#include <algorithm>

#include "manifest/cross_checks.hpp"
#include "manifest/iceoryx.hpp"
#include "manifest/manifest.hpp"
#include "manifest/names.hpp"
#include "manifest/parse_events.hpp"
#include "manifest/parse_sandbox.hpp"
#include "manifest/parse_supervision.hpp"
#include "manifest/table_reader.hpp"
#include "manifest/units.hpp"

// The sections of the manifest: a line for each key, with its limits. docs/manifest.md describes the same keys for
// people.
namespace actor::broker {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kib = std::uint64_t{1} << 10;
constexpr std::uint64_t gib = std::uint64_t{1} << 30;
constexpr std::chrono::nanoseconds longest = 24h;

void read_broker(TableReader& read, BrokerSection& broker) {
  read.text("name", broker.name);
  read.text("runtime_dir", broker.runtime_dir);
  read.choice<LogFormat>("log", broker.log, {{"text", LogFormat::Text}, {"json", LogFormat::Json}});
  read.choice<Transport>("transport", broker.transport, {{"shm", Transport::Shm}, {"iceoryx", Transport::Iceoryx}});
  read.duration("drain_timeout", broker.drain_timeout, {0s, longest});
  read.duration("shutdown_timeout", broker.shutdown_timeout, {100ms, longest});
  read_broker_events(read, broker);
  read.text("cgroup", broker.cgroup);
  read.duration("stall_after", broker.stall_after, {0s, longest});
  read.duration("brain_watchdog", broker.brain_watchdog, {0s, longest});
  read_broker_supervision(read, broker);

  if (read.has("name") && !broker.name.empty()) {
    const std::string problem = actor_name_problem(broker.name, "a broker's name");
    if (!problem.empty()) read.error("name", problem);
  }
  if (broker.shutdown_timeout && *broker.shutdown_timeout < broker.drain_timeout) {
    read.error("shutdown_timeout", "must not be shorter than drain_timeout (" + format_duration(broker.drain_timeout) +
                                       "), which is a part of it; raise it or lower drain_timeout");
  }
}

void read_topic(TableReader& read, TopicSection& topic, const std::string& name) {
  using Kind = OverflowPolicy::Kind;
  std::optional<Kind> kind;
  std::chrono::nanoseconds deadline{0};
  read.choice<Kind>(
      "overflow", kind,
      {{"fail", Kind::Fail}, {"drop", Kind::Drop}, {"drop-oldest", Kind::DropOldest}, {"block", Kind::Block}});
  read.duration("block_deadline", deadline, {1us, longest});
  read.integer("capacity", topic.capacity, {1, 65536});
  read.choice<Transport>("transport", topic.transport, {{"shm", Transport::Shm}, {"iceoryx", Transport::Iceoryx}});
  read.bytes("payload", topic.payload_bytes, {1, gib});
  read.boolean("latched", topic.latched);
  if (kind) topic.overflow = OverflowPolicy{.kind = *kind, .deadline = deadline};

  if (read.has("block_deadline") && kind != Kind::Block) {
    read.error("block_deadline",
               "is only for overflow = \"block\"; set that in this section, or remove block_deadline");
  }
  if (is_system_topic(name) && (kind == Kind::Block || kind == Kind::Fail)) {
    read.error("overflow", "the broker's own topics neither block nor fail; allowed: \"drop\", \"drop-oldest\"");
  }
}

void read_backoff(TableReader& read, Backoff& backoff) {
  read.duration("base", backoff.base, {1ms, 1h});
  read.duration("max", backoff.max, {1ms, longest});
  read.duration("reset_after", backoff.reset_after, {1ms, longest});
  if (backoff.max < backoff.base) {
    read.error(read.has("max") ? "max" : "base", "max (" + format_duration(backoff.max) + ") is shorter than base (" +
                                                     format_duration(backoff.base) + "); set max to at least base");
  }
}

void read_environment(TableReader& read, ActorSection& actor) {
  read.text_map("env", actor.env);
  for (const auto& [name, value] : actor.env) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      read.error("env", in_quotes(name) +
                            " cannot be the name of a variable; allowed: any characters but \"=\", at least one");
    }
  }
}

void read_actor(TableReader& read, ActorSection& actor) {
  read.text("exec", actor.exec);
  read.require("exec", "it names the program to run, such as exec = \"./sensor\"");
  read.texts("args", actor.args);
  read_environment(read, actor);
  read.text("cwd", actor.cwd);
  read.topics("publishes", actor.publishes);
  for (const std::string& topic : actor.publishes.names) {
    if (is_system_topic(topic))
      read.error("publishes", in_quotes(topic) + " is published by the broker only; remove it");
  }
  read.topics("subscribes", actor.subscribes);
  read.choice<Restart>(
      "restart", actor.restart,
      {{"permanent", Restart::Permanent}, {"transient", Restart::Transient}, {"temporary", Restart::Temporary}});
  read.table("backoff", [&](TableReader& table) { read_backoff(table, actor.backoff); });
  read.table("budget", [&](TableReader& table) { read_budget(table, actor.budget); });
  read.duration("start_timeout", actor.start_timeout, {1ms, longest});
  read.duration("stop_timeout", actor.stop_timeout, {0s, longest});
  read.choice<Latency>("latency", actor.latency,
                       {{"low", Latency::Low}, {"balanced", Latency::Balanced}, {"power-save", Latency::PowerSave}});
  read.duration("spin", actor.spin, {0s, longest});
  if (read.has("latency") && read.has("spin"))
    read.error("spin", "`latency` says already when the actor sleeps; remove one of the two");
  read_actor_events(read, actor);
  read.bytes("memory", actor.memory_bytes, {64 * kib, 64 * gib});
  read.duration("watchdog", actor.watchdog, {10ms, longest});
  read.duration("abort_grace", actor.abort_grace, {0s, longest});
  read.text("process", actor.process);
  read.integer("standby", actor.standby, {0, 1});
  read_sandbox(read, actor.sandbox);
  read_actor_supervision(read, actor.supervision);

  const std::string problem = actor_name_problem(actor.name, "an actor's name");
  if (!problem.empty()) read.error({}, problem);
  if (!actor.process.empty()) {
    const std::string bad = actor_name_problem(actor.process, "a process's name");
    if (!bad.empty()) read.error("process", bad);
  }
}

void read_manifest(TableReader& read, Manifest& manifest) {
  read.table("broker", [&](TableReader& table) { read_broker(table, manifest.broker); });
  read.sections("topics", [&](const std::string& name, TableReader& section) {
    read_topic(section, manifest.topics[name], name);
    const std::string problem = topic_name_problem(name);
    if (!problem.empty()) section.error({}, problem);
  });
  read.sections("groups", [&](const std::string& name, TableReader& section) {
    GroupSection& group = manifest.groups.emplace_back();
    group.name = name;
    read_group(section, group);
  });
  const bool any_actor = read.sections("actors", [&](const std::string& name, TableReader& section) {
    ActorSection& actor = manifest.actors.emplace_back();
    actor.name = name;
    read_actor(section, actor);
  });
  if (!any_actor) {
    read.error("actors", "the manifest has no actor to run; add a section [actors.NAME] with exec = \"./program\"");
  }
}

std::string default_broker_name(const std::filesystem::path& file) {
  const std::string name = to_actor_name(file.stem().string());
  return name.empty() ? "broker" : name;
}

}  // namespace

void sort_by_position(std::vector<ManifestError>& errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const ManifestError& a, const ManifestError& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
}

ManifestResult parse_manifest(std::string_view text, std::string file_name) {
  Manifest manifest;
  manifest.file = file_name;
  manifest.broker.name = default_broker_name(manifest.file);
  Findings findings;
  findings.file = std::move(file_name);

  auto document = parse_document(text);
  if (const auto* const error = std::get_if<SyntaxError>(&document)) {
    findings.error(error->at, {}, error->message);
  } else {
    TableReader::read(std::get<Table>(document), {}, {}, findings,
                      [&](TableReader& root) { read_manifest(root, manifest); });
  }
  const SoundSections sound(findings.errors);
  check_supervision(manifest, sound, findings);
  check_processes(manifest, sound, findings);
  check_topics(manifest, sound, findings);
  check_budgets(manifest, sound, findings);
  check_iceoryx(manifest, sound, findings);

  sort_by_position(findings.errors);
  sort_by_position(findings.warnings);
  ManifestResult result{
      .manifest = {}, .wrong = {}, .errors = std::move(findings.errors), .warnings = std::move(findings.warnings)};
  if (result.errors.empty()) add_roudi(manifest);
  manifest.positions = std::move(findings.positions);
  (result.errors.empty() ? result.manifest : result.wrong) = std::move(manifest);
  return result;
}

}  // namespace actor::broker
