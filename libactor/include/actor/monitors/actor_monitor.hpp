#pragma once
// Knows which actors of a runtime live, which have ended, how often each came back and how often its mailbox was full.
// Shared between the runtime, whose hooks fill it, and whoever asks; any thread may ask at any time.

#include <actor/monitor.hpp>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

namespace actor {

///   const auto watched = std::make_shared<actor::ActorMonitor>();
///   supervisor.monitors().add(watched);
class ActorMonitor : public Monitor {
 public:
  /// Registered and not ended, in the order of their names. An actor that waits for its restart is one of them.
  std::vector<ActorId> actors() const;
  std::vector<ActorId> stopped_actors() const;
  bool is_alive(ActorId actor) const;
  bool is_alive(std::string_view name) const;
  /// Was it registered, and has it ended since?
  bool is_stopped(ActorId actor) const;
  bool is_stopped(std::string_view name) const;
  /// How many events found no room in this actor's mailbox, whatever the policy then did.
  std::uint64_t overflow_count(ActorId receiver) const;
  std::uint64_t overflow_count() const;
  std::uint64_t restarts(ActorId actor) const;

  void on_actor_registered(ActorId actor) override;
  void on_actor_stop(ActorId actor) override;
  void on_actor_restart(ActorId actor, const Error& why, std::chrono::nanoseconds delay) override;
  void on_overflow(const Observation& event, const OverflowPolicy& policy) override;

 private:
  enum class State : std::uint8_t { Unknown, Alive, Stopped };
  struct Life {
    State state = State::Unknown;
    std::uint64_t overflows = 0;
    std::uint64_t restarts = 0;
  };
  std::vector<ActorId> in_state(State state) const;
  Life life_of(ActorId actor) const;

  mutable std::mutex mutex_;
  std::map<ActorId, Life> lives_;
};

}  // namespace actor
