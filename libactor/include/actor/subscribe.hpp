#pragma once

// Which topics an actor wants. Built implicitly from a topic or a list of them, so that it reads as
// sup.add_actor<Alerter>("alerter", {WeatherTopic::Reading}). A value: any thread.

#include <actor/topic.hpp>
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace actor {

class Subscribe {
 public:
  /// None.
  Subscribe() = default;
  /// Enumerators, struct topics, DefaultTopic{}, or of<Event> for self-routed events.
  template <TopicValue... Topic>
  requires(sizeof...(Topic) > 0) Subscribe(const Topic&... topics) {  // NOLINT: implicit on purpose
    (add(topic_name(topics)), ...);
  }

  static Subscribe none() { return {}; }
  static Subscribe all() {
    Subscribe everything;
    everything.all_ = true;
    return everything;
  }
  template <TopicValue... Topic>
  static Subscribe to(const Topic&... topics) {
    Subscribe some;
    (some.add(topic_name(topics)), ...);
    return some;
  }
  /// By wire name, as a manifest has them.
  static Subscribe named(const std::vector<std::string>& names) {
    Subscribe some;
    for (const std::string& name : names) some.add(name);
    return some;
  }

  bool is_all() const { return all_; }
  bool is_none() const { return !all_ && names_.empty(); }
  bool includes(std::string_view topic) const {
    return all_ || std::find(names_.begin(), names_.end(), topic) != names_.end();
  }
  /// Wire names, each once, in the order given; empty when is_all().
  const std::vector<std::string>& names() const { return names_; }

  friend bool operator==(const Subscribe&, const Subscribe&) = default;

 private:
  void add(std::string name) {
    if (!includes(name)) names_.push_back(std::move(name));
  }

  bool all_ = false;
  std::vector<std::string> names_;
};

}  // namespace actor
