#pragma once
// What a reader is handed beside its routes, and before them: the runtime's own events, dead letters that it is to try
// again, and, to one that came later, the last values of its latched topics, copied from the publishers' memory as soon
// as that is there. Owned by the Receiver, one thread.

#include <deque>
#include <map>
#include <memory>
#include <shm/latch.hpp>
#include <vector>

namespace actor::shm {

class LatchedInbox {
 public:
  /// A publisher's life that may have last values. Of several lives the newest one that has a value counts. An event
  /// with a number from `below` on comes through the route anyway.
  struct Source {
    std::uint32_t route;
    std::shared_ptr<Publisher> publisher;
    std::vector<std::uint16_t> topics;
    bool dead;
    std::uint64_t below;
  };

  void expect(Source source);
  void forget(std::uint32_t route);
  /// An event of the runtime's own. A reader that does not keep up misses the oldest.
  void add_system_event(LatchedValue event);
  /// None is missed. The broker sends one at a time.
  void add_letter(LatchedValue letter);

  /// Is there anything to look for?
  bool is_empty() const { return is_empty_; }
  /// Has it something to hand out for certain? What a pending source has cannot be told before next().
  bool has_values() const { return !values_.empty() || !letters_.empty() || !system_.empty(); }
  /// The oldest; null when there is nothing, or nothing yet. The value stays until the next call.
  const LatchedValue* next();

 private:
  static constexpr std::size_t max_system_events = 1024;

  void note() { is_empty_ = pending_.empty() && values_.empty() && letters_.empty() && system_.empty(); }
  bool read(const Source& source);

  std::vector<Source> pending_;                                             // could not be read when they came
  std::map<std::pair<std::uint64_t, std::uint16_t>, LatchedValue> values_;  // by publisher and topic
  std::deque<LatchedValue> letters_;
  std::deque<LatchedValue> system_;
  bool is_empty_ = true;
  LatchedValue in_hand_;
};

}  // namespace actor::shm
