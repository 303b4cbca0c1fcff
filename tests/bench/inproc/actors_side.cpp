// Our side: every role is an actor, every hop an event on a Block topic.

#include <sched.h>

#include <actor/supervisor.hpp>
#include <deque>
#include <string>
#include <type_traits>
#include <variant>

#include "../children.hpp"
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

/// The one place that knows how a runtime with so many threads is made. Today every actor has a thread of its own;
/// `workers` says on how many cores they run.
struct Runtime {
  explicit Runtime(unsigned workers) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (unsigned i = 0; i < workers && i < cores().size(); ++i) CPU_SET(static_cast<unsigned>(cores()[i]), &set);
    sched_setaffinity(0, sizeof set, &set);
  }

  template <class Role>
  void add(const std::string& name, const actor::Subscribe& topics, Role& role, bool produces = false) {
    supervisor.add_actor<Player<Role>>(name, topics, &role, produces);
  }

  actor::Supervisor<InprocEvents> supervisor;
};

}  // namespace

Result run_actors(const Exchange& what) {
  Cast cast(what);
  count_allocations(what.count_allocations);
  {
    Runtime runtime(what.workers);
    const bool acknowledged = what.shape.acknowledge_every > 0;
    unsigned stage = 0;
    for (Relay& relay : cast.relays) {
      const auto hop = static_cast<Hop>(++stage);
      runtime.add("relay" + std::to_string(stage), hop, relay);
    }
    ++stage;
    unsigned reader = 0;
    for (Sink& sink : cast.sinks) runtime.add("sink" + std::to_string(++reader), static_cast<Hop>(stage), sink);
    runtime.add("source", acknowledged ? actor::Subscribe(Hop::Back) : actor::Subscribe::none(), cast.source,
                what.shape.window == 0);
    runtime.supervisor.run();
  }
  count_allocations(false);
  return cast.result(what);
}

}  // namespace bench
