#pragma once

// Which topic an event goes to, what a topic is called on the wire, and which overflow policy it declares. An
// application says so in free functions beside its events, found by argument-dependent lookup:
//
//   constexpr WeatherTopic topic_of(const Temperature&) { return WeatherTopic::Reading; }          // one per event, or
//   constexpr WeatherTopic topic_of(const auto& event) { ... }                                     // one for all
//   constexpr actor::OverflowPolicy overflow_policy(WeatherTopic) { return actor::OverflowPolicy::block(); }   //
//   optional
//   constexpr bool is_latched(WeatherTopic topic) { return topic == WeatherTopic::Config; }                    //
//   optional: the last event is kept, and handed first to each subscriber that comes later or is made anew
//
// A topic is an enum, a struct of values (open-ended: one topic per value), or DefaultTopic (one for everything).
// Without topic_of every event type is its own topic; overflow_policy(actor::Of<Ping>) then sets a policy.
// The functions must be declared before the first use of Actor<Events>. Pure functions, any thread; a TopicMap belongs
// to one thread.

#include <actor/detail/text.hpp>
#include <actor/detail/topic_text.hpp>
#include <actor/event.hpp>
#include <actor/name.hpp>
#include <actor/overflow_policy.hpp>
#include <actor/sys.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <variant>
#include <vector>

namespace actor {

/// One topic for everything; its wire name is "default". Use: constexpr actor::DefaultTopic topic_of(const auto&) {
/// return {}; }
struct DefaultTopic {
  friend constexpr bool operator==(DefaultTopic, DefaultTopic) = default;
};

/// Names an event type as a value: the topic of a self-routed event.
template <class T>
struct Of {};
template <class T>
inline constexpr Of<T> of{};

/// The topic of self-routed events: the event's place in Events. The wire name is the event's label.
template <EventSet Events>
class TypeTopic {
 public:
  explicit constexpr TypeTopic(std::size_t index) : index_(index) {}
  template <class T>
  requires EventOf<T, Events>
  constexpr TypeTopic(Of<T>) : index_(event_index<Events, T>) {}  // NOLINT: implicit on purpose

  constexpr std::size_t index() const { return index_; }
  friend constexpr bool operator==(TypeTopic, TypeTopic) = default;

 private:
  std::size_t index_;
};

/// What an application declares of a topic.
struct TopicDecl {
  std::string name;
  OverflowPolicy policy;
  bool latched = false;
  friend bool operator==(const TopicDecl&, const TopicDecl&) = default;
};

namespace detail {

template <class T>
inline constexpr bool is_type_topic = false;
template <class Events>
inline constexpr bool is_type_topic<TypeTopic<Events>> = true;
template <class T>
inline constexpr bool is_of = false;
template <class T>
inline constexpr bool is_of<Of<T>> = true;
template <class T>
inline constexpr bool is_default_topic = std::is_same_v<T, DefaultTopic>;

// Only what is found beside the argument's type counts: these stop the search of the enclosing namespaces.
void topic_of() = delete;
void overflow_policy() = delete;
void is_latched() = delete;

template <class T>
concept Routed = requires(const T& event) {
  topic_of(event);
};
template <class Topic>
concept HasPolicy = requires(const Topic& topic) {
  OverflowPolicy(overflow_policy(topic));
};

template <class Topic>
concept SaysLatched = requires(const Topic& topic) {
  bool(is_latched(topic));
};

template <class T>
constexpr auto call_topic_of(const T& event) {
  return topic_of(event);
}
template <class Topic>
constexpr OverflowPolicy declared_policy(const Topic& topic) {
  if constexpr (HasPolicy<Topic>) {
    return overflow_policy(topic);
  } else {
    return {};
  }
}

template <class Topic>
constexpr bool declared_latched(const Topic& topic) {
  if constexpr (SaysLatched<Topic>) {
    return is_latched(topic);
  } else {
    return false;
  }
}

/// What topic_of() gives for the first of these that it is written for.
// Doxygen takes this for a class that inherits from itself.
/// @cond
template <class First, class... Rest>
struct FirstTopic : FirstTopic<Rest...> {};
template <class First, class... Rest>
requires(Routed<First> && !is_sys_event<First>) struct FirstTopic<First, Rest...> {
  using type = decltype(call_topic_of(std::declval<const First&>()));
};
/// @endcond
template <class Topic, class T>
constexpr bool gives() {
  if constexpr (is_sys_event<T>) {
    return true;
  } else {
    return std::is_same_v<Topic, decltype(call_topic_of(std::declval<const T&>()))>;
  }
}

template <class Events>
struct Routing;
template <class First, class... Rest>
struct Routing<std::variant<First, Rest...>> {
  using Events = std::variant<First, Rest...>;
  static constexpr bool is_routed = Routed<First> || (Routed<Rest> || ...);

  static constexpr auto find() {
    if constexpr (!is_routed) {
      return std::type_identity<TypeTopic<Events>>{};
    } else {
      constexpr bool complete = (Routed<First> || is_sys_event<First>)&&((Routed<Rest> || is_sys_event<Rest>)&&...);
      static_assert(complete, "topic_of() is missing for some of the events: write one for each, or one for all");
      if constexpr (complete) {
        using Common = typename FirstTopic<First, Rest...>::type;
        static_assert(gives<Common, First>() && (gives<Common, Rest>() && ...),
                      "topic_of() must give the same topic type for all events");
        return std::type_identity<Common>{};
      } else {
        return std::type_identity<DefaultTopic>{};
      }
    }
  }
  using Topic = typename decltype(find())::type;

  static constexpr bool labels_differ() {
    constexpr std::string_view labels[] = {type_name<First>(), type_name<Rest>()...};
    for (std::size_t i = 0; i < sizeof...(Rest) + 1; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (labels[i] == labels[j]) return false;
      }
    }
    return true;
  }
  static_assert(is_routed || labels_differ(), "two self-routed events have the same label, which names their topics");

  static constexpr OverflowPolicy policy_of_type(std::size_t index) {
    constexpr std::size_t count = sizeof...(Rest) + 1;
    const OverflowPolicy policies[count] = {declared_policy(Of<First>{}), declared_policy(Of<Rest>{})...};
    return index < count ? policies[index] : OverflowPolicy{};
  }
  static constexpr bool is_type_latched(std::size_t index) {
    constexpr std::size_t count = sizeof...(Rest) + 1;
    const bool latched[count] = {declared_latched(Of<First>{}), declared_latched(Of<Rest>{})...};
    return index < count && latched[index];
  }
};

template <class T>
struct TypeTopicEvents;
template <class Events>
struct TypeTopicEvents<TypeTopic<Events>> {
  using type = Events;
};

template <class T>
struct EventOfTag;
template <class T>
struct EventOfTag<Of<T>> {
  using type = T;
};

}  // namespace detail

/// What can be a topic.
template <class T>
concept TopicValue = std::is_enum_v<T> || detail::is_type_topic<T> ||(std::is_class_v<T>&& std::is_aggregate_v<T>);

/// The type of an application's topics: what topic_of() returns, TypeTopic<Events> without one.
template <EventSet Events>
using topic_type = typename detail::Routing<Events>::Topic;

template <EventSet Events, EventOf<Events> T>
constexpr topic_type<Events> topic_for([[maybe_unused]] const T& event) {
  static_assert(!detail::is_sys_event<T>, "this event is the runtime's own: only the runtime sends it");
  if constexpr (detail::Routing<Events>::is_routed) {
    return detail::call_topic_of(event);
  } else {
    return TypeTopic<Events>(event_index<Events, T>);
  }
}

/// The wire name: "Enum.Enumerator" ("Enum.7" without one), "Type{field=value,...}", "default", or an event's label.
template <TopicValue Topic>
std::string topic_name(const Topic& topic) {
  if constexpr (detail::is_default_topic<Topic>) {
    return "default";
  } else if constexpr (detail::is_of<Topic>) {
    return std::string(type_name<typename detail::EventOfTag<Topic>::type>());
  } else if constexpr (detail::is_type_topic<Topic>) {
    return std::string(event_types<typename detail::TypeTopicEvents<Topic>::type>()[topic.index()]->label);
  } else if constexpr (std::is_enum_v<Topic>) {
    std::string name(type_name<Topic>());
    name += '.';
    detail::append_topic_value(name, topic);
    return name;
  } else {
    std::string name(type_name<Topic>());
    detail::append_topic_value(name, topic);
    return name;
  }
}

/// The topic of that wire name: of an enum, of self-routed events, DefaultTopic. nullopt when there is none.
template <TopicValue Topic>
requires(std::is_enum_v<Topic> || detail::is_type_topic<Topic> ||
         detail::is_default_topic<Topic>) std::optional<Topic> topic_named(std::string_view name) {
  if constexpr (std::is_enum_v<Topic>) {
    for (const Topic topic : enumerators<Topic>()) {
      if (topic_name(topic) == name) return topic;
    }
  } else if constexpr (detail::is_type_topic<Topic>) {
    for (std::size_t i = 0; i < std::variant_size_v<typename detail::TypeTopicEvents<Topic>::type>; ++i) {
      if (topic_name(Topic(i)) == name) return Topic(i);
    }
  } else if (topic_name(Topic{}) == name) {
    return Topic{};
  }
  return std::nullopt;
}

/// Topics of the library's own types print their wire names.
template <class Topic>
requires(detail::is_default_topic<Topic> || detail::is_type_topic<Topic>) std::ostream& operator<<(std::ostream& out,
                                                                                                   const Topic& topic) {
  return detail::write_text(out, topic_name(topic));
}

/// What overflow_policy() says, Fail without one.
template <TopicValue Topic>
constexpr OverflowPolicy policy_of(const Topic& topic) {
  if constexpr (detail::is_type_topic<Topic>) {
    return detail::Routing<typename detail::TypeTopicEvents<Topic>::type>::policy_of_type(topic.index());
  } else {
    return detail::declared_policy(topic);
  }
}

/// What is_latched() says, no without one.
template <TopicValue Topic>
constexpr bool is_latched_topic(const Topic& topic) {
  if constexpr (detail::is_type_topic<Topic>) {
    return detail::Routing<typename detail::TypeTopicEvents<Topic>::type>::is_type_latched(topic.index());
  } else {
    return detail::declared_latched(topic);
  }
}

/// All topics that can be told beforehand: none for struct topics with fields, which are open-ended.
template <EventSet Events>
std::vector<TopicDecl> known_topics() {
  using Topic = topic_type<Events>;
  std::vector<TopicDecl> topics;
  const auto add = [&](const Topic& topic) {
    topics.push_back({topic_name(topic), policy_of(topic), is_latched_topic(topic)});
  };
  if constexpr (std::is_enum_v<Topic>) {
    for (const Topic topic : enumerators<Topic>()) add(topic);
  } else if constexpr (detail::is_type_topic<Topic>) {
    [&]<class... T>(std::type_identity<std::variant<T...>>) {
      const bool own[] = {detail::is_sys_event<T>...};
      for (std::size_t i = 0; i < sizeof...(T); ++i) {
        if (!own[i]) add(Topic(i));
      }
    }(std::type_identity<Events>{});
  } else if constexpr (std::is_empty_v<Topic>) {
    add(Topic{});
  }
  return topics;
}

/// The wire name of the event's topic.
template <EventSet Events, EventOf<Events> T>
std::string topic_name_for([[maybe_unused]] const T& event) {
  if constexpr (detail::is_sys_event<T>) {
    return std::string(sys::topic);
  } else {
    return topic_name(topic_for<Events>(event));
  }
}

/// From topics to the handles that a port gave them; on the path of every send. Owned by one thread. At most 65 535
/// topics: 0xFFFF is no handle.
template <TopicValue Topic>
class TopicMap {
 public:
  /// nullptr for a topic that was not inserted. Valid until the next insert().
  const std::uint16_t* find(const Topic& topic) const {
    if constexpr (is_dense) {
      const std::size_t at = place(topic);
      if (at < dense_.size()) [[likely]]
        return dense_[at] == no_handle ? nullptr : &dense_[at];
      if (at < dense_limit || sparse_.empty()) return nullptr;
    }
    const auto found = sparse_.find(key(topic));
    return found == sparse_.end() ? nullptr : &found->second;
  }
  void insert(const Topic& topic, std::uint16_t handle) {
    if constexpr (is_dense) {
      if (const std::size_t at = place(topic); at < dense_limit) {
        while (at >= dense_.size()) dense_.push_back(no_handle);
        dense_[at] = handle;
        return;
      }
    }
    sparse_.insert_or_assign(key(topic), handle);
  }

 private:
  static constexpr bool is_dense = std::is_enum_v<Topic> || detail::is_type_topic<Topic> || std::is_empty_v<Topic>;
  static constexpr std::size_t dense_limit = 1024;  // enumerators beyond (flags, hashes) go to the hash table
  static constexpr std::uint16_t no_handle = 0xFFFF;
  using Key = std::conditional_t<is_dense, std::size_t, Topic>;
  struct Hash {
    std::size_t operator()(const Key& key) const { return detail::hash_topic_value(key); }
  };
  struct Equal {
    bool operator()(const Key& a, const Key& b) const { return detail::equal_topic_values(a, b); }
  };

  static constexpr std::size_t place(const Topic& topic) {
    if constexpr (std::is_enum_v<Topic>) {
      return static_cast<std::size_t>(topic);  // negative values become large ones
    } else if constexpr (detail::is_type_topic<Topic>) {
      return topic.index();
    } else {
      return 0;
    }
  }
  static decltype(auto) key(const Topic& topic) {
    if constexpr (is_dense) {
      return place(topic);
    } else {
      return (topic);
    }
  }

  std::vector<std::uint16_t> dense_;
  std::unordered_map<Key, std::uint16_t, Hash, Equal> sparse_;
};

}  // namespace actor
