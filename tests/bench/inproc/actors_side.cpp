// Our side: every role is an actor, every hop an event on a Block topic.

#include <actor/supervisor.hpp>
#include <string>
#include <type_traits>
#include <variant>

#include "roles.hpp"

namespace bench {

using InprocEvents = std::variant<Message>;

constexpr Hop topic_of(const Message& message) {
  return message.hop;
}
constexpr actor::OverflowPolicy overflow_policy(Hop) {
  return actor::OverflowPolicy::block();
}

namespace {

/// How many events the source of a fan-out sends in one step.
constexpr unsigned burst = 32;

struct ContextOut {
  actor::Context<InprocEvents>& ctx;

  void send(const Message& message) { ctx.send(message); }
  void finish() { ctx.stop(); }
  bool is_full() const { return ctx.is_sender_full(); }
};

template <class Role>
class Player final : public actor::Actor<InprocEvents> {
 public:
  Player(Role* role, bool produces) : role_(role), produces_(produces) {}

  void on_start() override {
    if constexpr (std::is_same_v<Role, Source>) role_->start(out());
  }
  actor::StepAction step() override {
    if constexpr (std::is_same_v<Role, Source>) {
      if (produces_ && role_->produce(burst, out())) return actor::StepAction::Continue();
    }
    return actor::StepAction::Never();
  }
  void handle_event(const actor::Envelope<InprocEvents>& envelope) override {
    role_->handle(*envelope.get_if<Message>(), out());
  }

 private:
  ContextOut out() { return {ctx()}; }

  Role* role_;
  bool produces_;
};

/// The defaults of a supervisor, but for the number of its threads; an actor that fails must not come back.
actor::SupervisorConfig config_of(const Exchange& what) {
  actor::SupervisorConfig config;
  config.threads = what.workers;
  config.default_actor_channel_capacity = capacity_per_reader;
  config.default_restart.restart = actor::RestartClass::Temporary;
  return config;
}

}  // namespace

Result run_actors(const Exchange& what) {
  Cast cast(what);
  count_allocations(what.count_allocations);
  {
    actor::Supervisor<InprocEvents> supervisor(config_of(what));
    const bool is_acknowledged = what.shape.acknowledge_every > 0;
    unsigned stage = 0;
    for (Relay& relay : cast.relays) {
      const auto hop = static_cast<Hop>(++stage);
      supervisor.add_actor<Player<Relay>>("relay" + std::to_string(stage), hop, &relay, false);
    }
    const auto last = static_cast<Hop>(++stage);
    unsigned reader = 0;
    for (Sink& sink : cast.sinks)
      supervisor.add_actor<Player<Sink>>("sink" + std::to_string(++reader), last, &sink, false);
    supervisor.add_actor<Player<Source>>("source",
                                         is_acknowledged ? actor::Subscribe(Hop::Back) : actor::Subscribe::none(),
                                         &cast.source, what.shape.window == 0);
    supervisor.run();
  }
  count_allocations(false);
  return cast.result(what);
}

}  // namespace bench
