#include <spdlog/spdlog.h>

#include <actor/detail/text.hpp>
#include <actor/monitors/tracer.hpp>
#include <actor/name.hpp>

namespace actor {
namespace {

static_assert(static_cast<int>(Tracer::Level::Trace) == SPDLOG_LEVEL_TRACE &&
                  static_cast<int>(Tracer::Level::Off) == SPDLOG_LEVEL_OFF,
              "Tracer::Level is spdlog's level");

spdlog::level::level_enum level_of(Tracer::Level level) {
  return static_cast<spdlog::level::level_enum>(level);
}

/// spdlog itself would log at level "off".
bool should_log(const spdlog::logger& logger, Tracer::Level level) {
  return level != Tracer::Level::Off && logger.should_log(level_of(level));
}

/// "Temperature a1b2...-17 on WeatherTopic.Reading from sensor to alerter"
std::string way_of(const Observation& event) {
  std::string text(event.label());
  text.append(" ").append(to_string(event.meta.id)).append(" on ").append(event.topic);
  text.append(" from ").append(event.meta.sender.name()).append(" to ").append(event.receiver.name());
  return text;
}

}  // namespace

Tracer::Tracer() : Tracer(Levels()) {}
Tracer::Tracer(Levels levels) : Tracer(spdlog::default_logger(), levels) {}
Tracer::Tracer(std::shared_ptr<spdlog::logger> logger) : Tracer(std::move(logger), Levels()) {}
Tracer::Tracer(std::shared_ptr<spdlog::logger> logger, Levels levels) : logger_(std::move(logger)), levels_(levels) {
  ACTOR_ASSERT(logger_ != nullptr, "a Tracer needs a logger; without one it takes spdlog's default logger");
}
Tracer::~Tracer() = default;

void Tracer::on_event_dispatched(const Observation& event) {
  if (should_log(*logger_, levels_.dispatched))
    logger_->log(level_of(levels_.dispatched), "dispatched {}", way_of(event));
}

void Tracer::on_event_delivered(const Observation& event) {
  if (should_log(*logger_, levels_.delivered)) logger_->log(level_of(levels_.delivered), "delivered {}", way_of(event));
}

void Tracer::on_event_handled(const Observation& event) {
  if (!should_log(*logger_, levels_.handled)) return;
  std::string fields;
  if (event.type) event.type->print(event.event, fields);
  logger_->log(level_of(levels_.handled), "handled {}: {}", way_of(event), fields);
}

void Tracer::on_overflow(const Observation& event, const OverflowPolicy& policy) {
  if (!should_log(*logger_, levels_.overflow)) return;
  logger_->log(level_of(levels_.overflow), "no room for {}; the policy is {}", way_of(event), to_string(policy));
}

void Tracer::on_error(ActorId actor, const Error& error) {
  if (should_log(*logger_, levels_.error))
    logger_->log(level_of(levels_.error), "{} failed: {}", actor.name(), error.what());
}

void Tracer::on_actor_registered(ActorId actor) {
  if (should_log(*logger_, levels_.registered)) logger_->log(level_of(levels_.registered), "{} is there", actor.name());
}

void Tracer::on_actor_stop(ActorId actor) {
  if (should_log(*logger_, levels_.stop)) logger_->log(level_of(levels_.stop), "{} has ended", actor.name());
}

void Tracer::on_actor_restart(ActorId actor, const Error& why, std::chrono::nanoseconds delay) {
  if (!should_log(*logger_, levels_.restart)) return;
  std::string in;
  detail::append_brief_duration(in, delay);
  logger_->log(level_of(levels_.restart), "{} comes back in {}: {}", actor.name(), in, why.what());
}

void Tracer::on_stall(const std::string& report) {
  if (should_log(*logger_, levels_.stall))
    logger_->log(level_of(levels_.stall), "actors wait for each other: {}", report);
}

void Tracer::on_step_enter(ActorId actor) {
  if (should_log(*logger_, levels_.step)) logger_->log(level_of(levels_.step), "{} takes a step", actor.name());
}

void Tracer::on_step_exit(ActorId actor, StepAction next) {
  if (should_log(*logger_, levels_.step))
    logger_->log(level_of(levels_.step), "{} has taken a step: {}", actor.name(), enumerator_name(next.kind()));
}

}  // namespace actor
