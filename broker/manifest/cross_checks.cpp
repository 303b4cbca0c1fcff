#include "manifest/cross_checks.hpp"

#include <algorithm>

#include "manifest/names.hpp"
#include "manifest/suggestion.hpp"
#include "manifest/units.hpp"

namespace actor::broker {
namespace {

// Who publishes a topic, when every actor says what it publishes.
class Publishers {
 public:
  explicit Publishers(const Manifest& manifest) : manifest_(manifest) {
    for (const ActorSection& actor : manifest.actors) {
      known_ = known_ && !actor.publishes.all;
      names_.insert(names_.end(), actor.publishes.names.begin(), actor.publishes.names.end());
    }
  }

  bool are_known() const { return known_; }
  const std::vector<std::string>& topics() const { return names_; }
  bool publish(std::string_view topic) const { return std::find(names_.begin(), names_.end(), topic) != names_.end(); }
  bool publish_to(const ActorSection& subscriber, std::string_view topic) const {
    return std::any_of(manifest_.actors.begin(), manifest_.actors.end(), [&](const ActorSection& actor) {
      return actor.name != subscriber.name && actor.publishes.contains(topic);
    });
  }

 private:
  const Manifest& manifest_;
  bool known_ = true;
  std::vector<std::string> names_;
};

void check_subscriptions(const ActorSection& actor, const Publishers& publishers, Findings& findings) {
  const std::string path = key_path("actors", actor.name) + ".subscribes";
  for (const std::string& topic : actor.subscribes.names) {
    if (is_system_topic(topic) || publishers.publish_to(actor, topic)) continue;
    const SourcePosition at = findings.position(key_path(path, topic));
    if (publishers.publish(topic)) {
      findings.warn(
          findings.position(path), path,
          "only this actor itself publishes " + in_quotes(topic) + ", and no event is delivered to its own sender");
    } else {
      findings.warn(at, path,
                    "no actor lists " + in_quotes(topic) + " in publishes" + did_you_mean(topic, publishers.topics()));
    }
  }
}

// The shortest time that `restarts` + 1 restarts in a row can take.
std::chrono::nanoseconds shortest_burst(const ActorSection& actor) {
  std::chrono::nanoseconds total{0};
  std::chrono::nanoseconds delay = actor.backoff.base;
  for (std::uint32_t i = 0; i < actor.budget.restarts && total <= actor.budget.within; ++i) {
    total += delay;
    delay = std::min(actor.backoff.max, delay * 2);
  }
  return total;
}

}  // namespace

void check_topics(const Manifest& manifest, const SoundSections& sound, Findings& findings) {
  if (!sound.all()) return;  // who publishes what is known when everything is
  const Publishers publishers(manifest);
  if (!publishers.are_known()) return;
  for (const ActorSection& actor : manifest.actors) check_subscriptions(actor, publishers, findings);
  for (const auto& [topic, section] : manifest.topics) {
    if (is_system_topic(topic) || publishers.publish(topic)) continue;
    const std::string path = key_path("topics", topic);
    findings.warn(
        findings.position(path), path,
        "this section has no effect: no actor lists the topic in publishes" + did_you_mean(topic, publishers.topics()));
  }
}

void check_budgets(const Manifest& manifest, const SoundSections& sound, Findings& findings) {
  for (const ActorSection& actor : manifest.actors) {
    if (!sound.has(key_path("actors", actor.name))) continue;
    if (actor.restart == Restart::Temporary || shortest_burst(actor) <= actor.budget.within) continue;
    const std::string path = key_path("actors", actor.name) + ".budget";
    SourcePosition at = findings.position(path);
    if (at == SourcePosition{}) at = findings.position(key_path("actors", actor.name));
    findings.warn(at, path,
                  "can never be exceeded, so that the actor restarts for ever: the backoff spreads " +
                      std::to_string(actor.budget.restarts + 1) + " restarts over more than " +
                      format_duration(actor.budget.within) + "; lengthen within, or lower restarts or backoff.max");
  }
}

}  // namespace actor::broker
