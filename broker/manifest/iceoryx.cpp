#include "manifest/iceoryx.hpp"

#include <algorithm>
#include <set>

#include "manifest/names.hpp"

namespace actor::broker {
namespace {

using namespace std::chrono_literals;

// Of iceoryx 2.0, as Debian builds it; a few ports are RouDi's own.
constexpr std::size_t most_publishers = 500;
constexpr std::size_t most_subscribers = 1000;
constexpr std::size_t most_readers = 250;
constexpr std::size_t most_processes = 290;
constexpr std::size_t most_pools = 32;
constexpr std::uint32_t longest_queue = 256;
constexpr std::size_t longest_name = 100;
/// Beside the payload: the headers of iceoryx and ours, and the alignment. transports/iceoryx/naming.hpp.
constexpr std::uint64_t chunk_overhead = 192;
constexpr std::uint64_t chunk_unit = 64;

/// All topics that the manifest names and that travel by iceoryx.
std::set<std::string> carried_topics(const Manifest& manifest) {
  std::set<std::string> topics;
  const auto add = [&](const std::string& topic) {
    if (travels_by_iceoryx(manifest, topic)) topics.insert(topic);
  };
  for (const auto& [topic, section] : manifest.topics) add(topic);
  for (const ActorSection& actor : manifest.actors) {
    for (const std::string& topic : actor.publishes.names) add(topic);
    for (const std::string& topic : actor.subscribes.names) add(topic);
  }
  return topics;
}

TopicSection section_of(const Manifest& manifest, const std::string& topic) {
  const auto found = manifest.topics.find(topic);
  return found == manifest.topics.end() ? TopicSection{} : found->second;
}

std::size_t senders_of(const Manifest& manifest, const std::string& topic) {
  return static_cast<std::size_t>(std::count_if(manifest.actors.begin(), manifest.actors.end(), [&](const auto& actor) {
    return actor.name != roudi_actor && actor.publishes.contains(topic);
  }));
}

std::size_t readers_of(const Manifest& manifest, const std::string& topic) {
  return static_cast<std::size_t>(std::count_if(manifest.actors.begin(), manifest.actors.end(), [&](const auto& actor) {
    return actor.name != roudi_actor && actor.subscribes.contains(topic);
  }));
}

bool uses_iceoryx(const Manifest& manifest, const ActorSection& actor) {
  const auto topics = carried_topics(manifest);
  const bool any = manifest.broker.transport == Transport::Iceoryx;
  return (any && (actor.publishes.all || actor.subscribes.all)) ||
         std::any_of(topics.begin(), topics.end(), [&](const std::string& topic) {
           return actor.publishes.contains(topic) || actor.subscribes.contains(topic);
         });
}

bool needs_roudi(const Manifest& manifest) {
  return std::any_of(manifest.actors.begin(), manifest.actors.end(),
                     [&](const ActorSection& actor) { return uses_iceoryx(manifest, actor); });
}

void refuse(Findings& findings, const std::string& key, std::string message) {
  findings.error(findings.position(key), key, std::move(message));
}

void check_topic(const std::string& topic, const TopicSection& section, bool carried, Findings& findings) {
  const std::string path = key_path("topics", topic);
  if (!carried) {
    if (section.payload_bytes != TopicSection{}.payload_bytes)
      refuse(findings, path + ".payload", "is only for transport = \"iceoryx\"; set that, or remove payload");
    return;
  }
  const auto why = iceoryx_cannot(section.overflow.value_or(OverflowPolicy::block()), section.capacity,
                                  section.latched.value_or(false), topic);
  if (why.empty()) return;
  const std::string key = path + (section.transport ? ".transport" : "");
  findings.error(findings.position(section.transport ? key : path), key,
                 "cannot travel by iceoryx: " + why + "; change that, or set transport = \"shm\" for this topic");
}

void check_names(const Manifest& manifest, Findings& findings) {
  for (const ActorSection& actor : manifest.actors) {
    const std::string path = key_path("actors", actor.name);
    if (actor.name == roudi_actor)
      refuse(findings, path, "the name is that of iceoryx's daemon, which the broker adds by itself; choose another");
    const std::size_t length = manifest.broker.name.size() + 1 + actor.name.size();
    if (length > longest_name)
      refuse(findings, path,
             "the names of the broker and the actor have " + std::to_string(length) +
                 " characters together; iceoryx takes " + std::to_string(longest_name) + ": shorten one of them");
  }
  for (const char* const group : {iceoryx_group, iceoryx_users}) {
    if (manifest.find_group(group))
      refuse(findings, key_path("groups", group),
             "the name is that of a group that the broker adds by itself for iceoryx; choose another");
  }
}

void check_count(std::size_t have, std::size_t most, const std::string& of_what, Findings& findings) {
  if (have <= most) return;
  const std::string key = findings.position("broker.transport") == SourcePosition{} ? "topics" : "broker.transport";
  refuse(findings, key,
         "iceoryx has room for " + std::to_string(most) + " " + of_what + ", and this manifest needs " +
             std::to_string(have) +
             "; set transport = \"shm\" for some topics, or let fewer actors publish or subscribe to them");
}

void check_limits(const Manifest& manifest, const std::set<std::string>& topics, Findings& findings) {
  std::size_t publishers = 0;
  std::size_t subscribers = 0;
  for (const std::string& topic : topics) {
    const std::size_t senders = senders_of(manifest, topic);
    const std::size_t readers = readers_of(manifest, topic);
    publishers += senders;
    subscribers += readers * (senders + 1);  // one for what comes from outside
    check_count(readers, most_readers, "readers of one topic (" + in_quotes(topic) + ")", findings);
  }
  const auto users = std::count_if(manifest.actors.begin(), manifest.actors.end(),
                                   [&](const ActorSection& actor) { return uses_iceoryx(manifest, actor); });
  check_count(publishers, most_publishers, "publishers (one for each actor and topic)", findings);
  check_count(subscribers, most_subscribers, "subscribers (one for each reader, topic and sender)", findings);
  check_count(static_cast<std::size_t>(users), most_processes, "processes", findings);
  check_count(roudi_pools(manifest).size(), most_pools, "different sizes of `payload`", findings);
}

GroupSection group(const char* name, const char* parent, RestartStrategy strategy, RestartBudget budget) {
  GroupSection section;
  section.name = name;
  section.parent = parent;
  section.strategy = strategy;
  section.budget = budget;
  section.on_exhausted = *parent ? OnExhausted::Escalate : OnExhausted::Quarantine;
  return section;
}

ActorSection roudi_section(const Manifest& manifest) {
  ActorSection roudi;
  roudi.name = roudi_actor;
  roudi.exec = "actor-roudi";
  roudi.env = {{"ACTOR_ROUDI_POOLS", iceoryx::print_pools(roudi_pools(manifest))}};
  roudi.publishes = {};
  roudi.start_timeout = 30s;
  roudi.memory_bytes = std::uint64_t{64} << 10;
  roudi.supervision.member_of = iceoryx_group;
  roudi.supervision.on_exhausted = OnExhausted::RestartGroup;
  return roudi;
}

}  // namespace

bool travels_by_iceoryx(const Manifest& manifest, std::string_view topic) {
  if (is_system_topic(topic)) return false;
  const auto found = manifest.topics.find(std::string(topic));
  const auto said = found == manifest.topics.end() ? std::nullopt : found->second.transport;
  return said.value_or(manifest.broker.transport) == Transport::Iceoryx;
}

std::string iceoryx_cannot(const OverflowPolicy& policy, std::uint32_t capacity, bool latched, std::string_view topic) {
  using Kind = OverflowPolicy::Kind;
  if (policy.kind == Kind::Drop || policy.kind == Kind::Fail)
    return "a publisher there cannot leave out one reader, as overflow = \"drop\" and \"fail\" do; it knows \"block\" "
           "and \"drop-oldest\"";
  if (policy.kind == Kind::Block && policy.deadline.count() != 0)
    return "a publisher there cannot leave out a reader that is late, as block_deadline does";
  if (capacity > longest_queue)
    return "its queues hold " + std::to_string(longest_queue) + " events, and capacity is " + std::to_string(capacity);
  if (latched) return "its last values die with their publisher, and latched ones outlive it";
  if (topic.size() > longest_name)
    return "it takes names of " + std::to_string(longest_name) + " bytes, and this one has " +
           std::to_string(topic.size());
  return {};
}

void check_iceoryx(const Manifest& manifest, const SoundSections& sound, Findings& findings) {
  for (const auto& [topic, section] : manifest.topics) {
    if (section.transport == Transport::Iceoryx && is_system_topic(topic))
      refuse(findings, key_path("topics", topic) + ".transport",
             "the broker's own topics travel over its connections, not by iceoryx; remove it");
    if (sound.has("broker") && sound.has(key_path("topics", topic)))
      check_topic(topic, section, travels_by_iceoryx(manifest, topic), findings);
  }
  if (!sound.all() || !needs_roudi(manifest)) return;
  check_names(manifest, findings);
  check_limits(manifest, carried_topics(manifest), findings);
}

std::vector<iceoryx::Pool> roudi_pools(const Manifest& manifest) {
  std::map<std::uint64_t, std::uint64_t> chunks_by_size;
  for (const std::string& topic : carried_topics(manifest)) {
    const TopicSection section = section_of(manifest, topic);
    const std::uint64_t readers = readers_of(manifest, topic);
    // What one sender can have under way: a queue full, once more for a reader that died and is not cleared up yet,
    // what the readers have in hand, what it is writing. From outside: a queue full for each reader.
    const std::uint64_t of_a_sender = 2 * std::uint64_t{section.capacity} + 2 * readers + 8;
    const std::uint64_t from_outside = section.capacity + 2 * readers + 8;
    const std::uint64_t bytes = (section.payload_bytes + chunk_overhead + chunk_unit - 1) / chunk_unit * chunk_unit;
    chunks_by_size[bytes] += senders_of(manifest, topic) * of_a_sender + from_outside;
  }
  std::vector<iceoryx::Pool> pools;
  for (const auto& [bytes, chunks] : chunks_by_size)
    pools.push_back({static_cast<std::uint32_t>(bytes), static_cast<std::uint32_t>(chunks)});
  // "*" only: no topic is named. One size, as for the default payload.
  if (pools.empty()) pools.push_back({1216, 2048});
  return pools;
}

void add_roudi(Manifest& manifest) {
  if (!needs_roudi(manifest)) return;
  ActorSection roudi = roudi_section(manifest);
  constexpr RestartBudget of_all{.restarts = 10, .within = 1min};
  constexpr RestartBudget none{.restarts = 10'000, .within = 1ms};  // each actor and group has its own
  // Groups of their own keep their rules: they become members, with all that is in them.
  std::set<std::string> inner;
  bool any_significant = false;
  for (ActorSection& actor : manifest.actors) {
    if (!uses_iceoryx(manifest, actor)) continue;
    actor.supervision.depends_on.emplace(roudi_actor, Dependency::Ready);
    const GroupSection* around = manifest.find_group(actor.supervision.member_of);
    if (!around) {
      actor.supervision.member_of = iceoryx_users;
      any_significant |= actor.supervision.significant;
    }
    while (around && !around->parent.empty()) around = manifest.find_group(around->parent);
    if (around) inner.insert(around->name);
  }
  for (GroupSection& section : manifest.groups) {
    if (!inner.contains(section.name)) continue;
    section.parent = iceoryx_users;
    any_significant |= section.significant;
  }
  std::vector<GroupSection> groups = {group(iceoryx_group, "", RestartStrategy::RestForOne, of_all),
                                      group(iceoryx_users, iceoryx_group, RestartStrategy::OneForOne, none)};
  if (any_significant) {  // whose end counted for the broker: now by way of the groups
    for (GroupSection& section : groups) {
      section.auto_shutdown = manifest.broker.auto_shutdown;
      section.significant = true;
    }
  }
  manifest.groups.insert(manifest.groups.begin(), groups.begin(), groups.end());
  manifest.actors.insert(manifest.actors.begin(), std::move(roudi));
}

}  // namespace actor::broker
