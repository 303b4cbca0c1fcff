#pragma once
// What a monitor saw of a runtime while a test ran. A Recording is the monitor: it is fed by the actors' threads and
// read by the test's, which takes snapshots; every call is thread-safe. It keeps a copy of every event and grows
// without bound: for tests only.

#include <actor/monitor.hpp>
#include <actor/testing/entry.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace actor::testing {

/// What is known of one actor.
struct ActorLife {
  bool registered = false;
  bool stopped = false;
  std::size_t restarts = 0;
  std::string last_error;
};

/// A receiver had no room for an event.
struct Overflow {
  EventEntry entry;  ///< its stage says nothing
  OverflowPolicy policy;
};

/// A snapshot; never changes.
struct Records {
  std::vector<EventEntry> entries;  ///< in the order in which the recording saw them
  std::map<ActorId, ActorLife> actors;
  std::vector<Overflow> overflows;
};
using RecordsPtr = std::shared_ptr<const Records>;

class Recording final : public Monitor {
 public:
  Recording();
  ~Recording() override;

  // The test's side -------------------------------------------------------------------------------------------------

  /// Goes on recording. What was frozen is forgotten.
  void record();
  /// Stops recording; snapshot() is the same from now on.
  void freeze();
  bool is_frozen() const;
  /// Forgets all events. What is known of actors stays.
  void clear();
  /// Adds an entry by hand.
  void add(EventEntry entry);
  RecordsPtr snapshot() const;

  /// Rises with whatever is seen.
  std::uint64_t revision() const;
  /// Waits until revision() is another; false when `deadline` has come first.
  bool wait_for_change(std::uint64_t revision, std::chrono::steady_clock::time_point deadline) const;
  /// Waits until nothing is in a mailbox or in a handler, and nothing has been seen for `quiet`: but no longer than
  /// `limit` while events keep coming, and no longer than `patience` while none does. False: it gave up.
  bool wait_for_quiet(std::chrono::nanoseconds quiet, std::chrono::nanoseconds limit,
                      std::chrono::nanoseconds patience) const;

  // The runtime's side ----------------------------------------------------------------------------------------------

  void on_event_dispatched(const Observation& event) override;
  void on_event_delivered(const Observation& event) override;
  void on_event_handled(const Observation& event) override;
  void on_overflow(const Observation& event, const OverflowPolicy& policy) override;
  void on_error(ActorId actor, const Error& error) override;
  void on_actor_registered(ActorId actor) override;
  void on_actor_stop(ActorId actor) override;
  void on_actor_restart(ActorId actor, const Error& why, std::chrono::nanoseconds delay) override;

 private:
  EventEntry make_entry(const Observation& event, Stage stage) const;
  EventEntry& push(EventEntry entry);
  template <class Condition>
  EventEntry* find(const Observation& event, Condition condition);
  void set_stage(EventEntry& entry, Stage stage);
  /// The handler of `actor` has ended without on_event_handled.
  void fail_event_in_hand(ActorId actor);
  void changed();

  mutable std::mutex mutex_;
  mutable std::condition_variable change_;
  Records records_;
  std::unordered_map<EventId, std::vector<std::size_t>> by_event_;  // places in records_.entries
  std::unordered_map<ActorId, std::size_t> in_flight_;              // entries of each receiver that are not done
  std::unordered_map<ActorId, std::size_t> in_hand_;                // the entry that each actor is handling
  std::uint64_t revision_ = 0;
  bool frozen_ = false;
};

}  // namespace actor::testing
