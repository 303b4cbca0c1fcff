#include <actor/monitors/actor_monitor.hpp>

namespace actor {

std::vector<ActorId> ActorMonitor::in_state(State state) const {
  const std::scoped_lock lock(mutex_);
  std::vector<ActorId> found;
  for (const auto& [actor, life] : lives_) {
    if (life.state == state) found.push_back(actor);
  }
  return found;
}

ActorMonitor::Life ActorMonitor::life_of(ActorId actor) const {
  const std::scoped_lock lock(mutex_);
  const auto found = lives_.find(actor);
  return found == lives_.end() ? Life{} : found->second;
}

std::vector<ActorId> ActorMonitor::actors() const {
  return in_state(State::Alive);
}
std::vector<ActorId> ActorMonitor::stopped_actors() const {
  return in_state(State::Stopped);
}
bool ActorMonitor::is_alive(ActorId actor) const {
  return life_of(actor).state == State::Alive;
}
bool ActorMonitor::is_alive(std::string_view name) const {
  return is_alive(ActorId(name));
}
bool ActorMonitor::is_stopped(ActorId actor) const {
  return life_of(actor).state == State::Stopped;
}
bool ActorMonitor::is_stopped(std::string_view name) const {
  return is_stopped(ActorId(name));
}
std::uint64_t ActorMonitor::overflow_count(ActorId receiver) const {
  return life_of(receiver).overflows;
}
std::uint64_t ActorMonitor::overflow_count() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t total = 0;
  for (const auto& [actor, life] : lives_) total += life.overflows;
  return total;
}
std::uint64_t ActorMonitor::restarts(ActorId actor) const {
  return life_of(actor).restarts;
}

void ActorMonitor::on_actor_registered(ActorId actor) {
  const std::scoped_lock lock(mutex_);
  lives_[actor].state = State::Alive;
}
void ActorMonitor::on_actor_stop(ActorId actor) {
  const std::scoped_lock lock(mutex_);
  lives_[actor].state = State::Stopped;
}
void ActorMonitor::on_actor_restart(ActorId actor, const Error&, std::chrono::nanoseconds) {
  const std::scoped_lock lock(mutex_);
  ++lives_[actor].restarts;
}
void ActorMonitor::on_overflow(const Observation& event, const OverflowPolicy&) {
  const std::scoped_lock lock(mutex_);
  ++lives_[event.receiver].overflows;
}

}  // namespace actor
