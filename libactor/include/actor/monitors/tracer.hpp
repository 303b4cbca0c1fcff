#pragma once
// Logs what happens in a runtime through spdlog, a line per hook, each at its own level. Owned by the runtime's
// Monitors; its hooks come one at a time. What the logger would not log costs no formatting.

#include <actor/monitor.hpp>
#include <cstdint>
#include <memory>

namespace spdlog {
class logger;
}

namespace actor {

class Tracer : public Monitor {
 public:
  enum class Level : std::uint8_t { Trace, Debug, Info, Warn, Error, Critical, Off };  // spdlog's, in its order
  struct Levels {
    Level dispatched = Level::Trace;
    Level delivered = Level::Trace;
    Level handled = Level::Debug;  ///< with the event's fields
    Level overflow = Level::Warn;
    Level error = Level::Warn;
    Level registered = Level::Debug;
    Level stop = Level::Info;
    Level restart = Level::Warn;
    Level stall = Level::Error;
    Level step = Level::Off;
  };

  /// To spdlog's default logger, with the levels above.
  Tracer();
  explicit Tracer(Levels levels);
  /// `logger` may be shared: spdlog's own are thread-safe when their names end in _mt.
  explicit Tracer(std::shared_ptr<spdlog::logger> logger);
  Tracer(std::shared_ptr<spdlog::logger> logger, Levels levels);
  ~Tracer() override;

  void on_event_dispatched(const Observation& event) override;
  void on_event_delivered(const Observation& event) override;
  void on_event_handled(const Observation& event) override;
  void on_overflow(const Observation& event, const OverflowPolicy& policy) override;
  void on_error(ActorId actor, const Error& error) override;
  void on_actor_registered(ActorId actor) override;
  void on_actor_stop(ActorId actor) override;
  void on_actor_restart(ActorId actor, const Error& why, std::chrono::nanoseconds delay) override;
  void on_stall(const std::string& report) override;
  void on_step_enter(ActorId actor) override;
  void on_step_exit(ActorId actor, StepAction next) override;

 private:
  std::shared_ptr<spdlog::logger> logger_;
  Levels levels_;
};

}  // namespace actor
