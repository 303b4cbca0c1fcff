#pragma once
// An actor that sends what a Recorder wrote: a recorded day runs again, against changed actors, as fast as they keep up
// or at its own pace. As any actor it runs in-process, in virtual time too, or in a process of its own.
//
//   supervisor.add_actor<actor::Replayer<WeatherEvent>>("sensor", actor::Subscribe::none(), "monday.jsonl",
//                                                       actor::ReplayOptions{.topics = {WeatherTopic::Reading}});

#include <actor/actor.hpp>
#include <actor/monitors/recorded_events.hpp>
#include <chrono>
#include <unordered_map>

namespace actor {

struct ReplayOptions {
  enum class Pace : std::uint8_t {
    Fast,      ///< one event after the other, as the receivers have room
    Recorded,  ///< with the pauses in which they were sent
  };
  enum class AtEnd : std::uint8_t { Stay, Stop, StopRuntime };

  Subscribe topics = Subscribe::all();  ///< as recorded; where an event goes now is up to its topic_of()
  Pace pace = Pace::Fast;
  double speed = 1;  ///< Recorded: 2 is twice as fast
  AtEnd at_end = AtEnd::Stop;
};

/// Each event is sent once, however many receivers it had, with a new id; in answer to the same event as then, if that
/// one was sent too. The whole recording is checked before its first event is sent: a line that makes no sense stops
/// this actor with an Error that says "file:line: what is wrong".
template <EventSet Events>
class Replayer : public Actor<Events> {
 public:
  explicit Replayer(std::filesystem::path path, ReplayOptions options = {})
      : path_(std::move(path)), options_(std::move(options)) {}

  void on_start() override {
    ACTOR_ASSERT(options_.speed > 0, "a recording is replayed forwards: ReplayOptions::speed is above 0");
    for (RecordedEvents<Events> check(path_, options_.topics); check.next();) {
    }
    recording_.emplace(path_, options_.topics);
    next_ = recording_->next();
    if (next_) first_sent_ = next_->meta.monotonic_time;
    started_ = this->ctx().now();
  }

  /// While a receiver has no room, an actor is given no step: nothing piles up here.
  StepAction step() override {
    if (!next_) return finish();
    if (const auto wait = time_left(); wait > std::chrono::nanoseconds::zero()) return StepAction::Backoff(wait);
    const auto parent = sent_.find(next_->meta.parent);
    const EventId new_parent = parent == sent_.end() ? EventId{} : parent->second;
    sent_[next_->meta.id] =
        std::visit([&](const auto& event) { return this->ctx().send_child_event(event, new_parent); }, next_->event);
    next_ = recording_->next();
    return StepAction::Continue();
  }

 private:
  std::chrono::nanoseconds time_left() {
    if (options_.pace == ReplayOptions::Pace::Fast) return {};
    const std::chrono::duration<double, std::nano> offset(next_->meta.monotonic_time - first_sent_);
    const auto due = std::chrono::nanoseconds(static_cast<std::int64_t>(offset.count() / options_.speed));
    return due - (this->ctx().now() - started_);
  }
  StepAction finish() {
    if (options_.at_end == ReplayOptions::AtEnd::Stop) this->ctx().stop();
    if (options_.at_end == ReplayOptions::AtEnd::StopRuntime) this->ctx().stop_runtime();
    return StepAction::Never();
  }

  const std::filesystem::path path_;
  const ReplayOptions options_;
  std::optional<RecordedEvents<Events>> recording_;
  std::optional<RecordedEvent<Events>> next_;
  std::unordered_map<EventId, EventId> sent_;  // by the id that was recorded
  std::chrono::steady_clock::time_point first_sent_, started_;
};

}  // namespace actor
