#pragma once

// Which topics an actor wants. Built implicitly from a topic or a list of them, so that it reads as
// sup.add_actor<Alerter>("alerter", {WeatherTopic::Reading}). A value: any thread.

#include <actor/topic.hpp>
#include <algorithm>
#include <iosfwd>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace actor {
namespace detail {

/// A vector, an array, a set... of topics.
template <class T>
concept TopicRange = std::ranges::input_range<T> && TopicValue<std::ranges::range_value_t<T>>;

/// std::array is a plain struct to the compiler, and no topic.
template <class T>
concept SingleTopic = TopicValue<T> && !std::ranges::range<T>;

}  // namespace detail

class Subscribe {
 public:
  /// None.
  Subscribe() = default;
  /// Enumerators, struct topics, DefaultTopic{}, or of<Event> for self-routed events.
  template <detail::SingleTopic... Topic>
  requires(sizeof...(Topic) > 0) Subscribe(const Topic&... topics) {  // NOLINT: implicit on purpose
    (add(topic_name(topics)), ...);
  }

  template <detail::TopicRange Topics>
  Subscribe(const Topics& topics) {  // NOLINT: implicit on purpose
    for (const auto& topic : topics) add(topic_name(topic));
  }

  static Subscribe none() { return {}; }
  /// All but the runtime's own topics ("$sys/..."), which are named one by one.
  static Subscribe all() {
    Subscribe everything;
    everything.all_ = true;
    return everything;
  }
  template <detail::SingleTopic... Topic>
  static Subscribe to(const Topic&... topics) {
    Subscribe some;
    (some.add(topic_name(topics)), ...);
    return some;
  }
  template <detail::TopicRange Topics>
  static Subscribe to(const Topics& topics) {
    return Subscribe(topics);
  }
  /// By wire name, as a manifest has them.
  static Subscribe named(const std::vector<std::string>& names) {
    Subscribe some;
    for (const std::string& name : names) some.add(name);
    return some;
  }

  /// These, too: Subscribe::all().and_named({actor::sys::topic}).
  Subscribe and_named(std::initializer_list<std::string_view> names) const {
    Subscribe more = *this;
    for (const std::string_view name : names) {
      if (std::find(names_.begin(), names_.end(), name) == names_.end()) more.names_.emplace_back(name);
    }
    return more;
  }

  bool is_all() const { return all_; }
  bool is_none() const { return !all_ && names_.empty(); }
  bool includes(std::string_view topic) const {
    return (all_ && !is_system(topic)) || std::find(names_.begin(), names_.end(), topic) != names_.end();
  }
  /// Wire names, each once, in the order given; beside all(), those of the runtime's own topics.
  const std::vector<std::string>& names() const { return names_; }

  friend bool operator==(const Subscribe&, const Subscribe&) = default;

 private:
  static bool is_system(std::string_view topic) { return topic.substr(0, 5) == "$sys/"; }
  void add(std::string name) {
    if (!includes(name)) names_.push_back(std::move(name));
  }

  bool all_ = false;
  std::vector<std::string> names_;
};

/// "all topics", "no topics", or their wire names: "[WeatherTopic.Reading, WeatherTopic.Alert]".
std::string to_string(const Subscribe& topics);
std::ostream& operator<<(std::ostream& out, const Subscribe& topics);

}  // namespace actor
