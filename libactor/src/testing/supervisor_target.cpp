// A supervisor as the target of a Harness.

#include <actor/host.hpp>
#include <actor/supervisor.hpp>
#include <actor/testing/harness.hpp>
#include <algorithm>
#include <optional>
#include <vector>

namespace actor::testing {
namespace {

class SupervisorTarget final : public Target {
 public:
  explicit SupervisorTarget(SupervisorBase& supervisor) : supervisor_(supervisor) {}

  void attach(std::shared_ptr<Monitor> monitor) override {
    // The actors that were added before: their hook has been called already.
    const std::vector<ActorId> before = supervisor_.actors();
    for (const ActorId actor : before) monitor->on_actor_registered(actor);
    handle_ = supervisor_.monitors().add(monitor);
    const std::vector<ActorId> after = supervisor_.actors();
    for (const ActorId actor : before) {
      if (std::find(after.begin(), after.end(), actor) == after.end()) monitor->on_actor_stop(actor);
    }
  }
  void detach() override {
    if (handle_) handle_->remove();
  }
  EventId send_as(ActorId sender, const Injected& event) override {
    EventId id;
    supervisor_.call_on(sender, [&](Host& host) {
      const std::uint16_t topic = host.port.open_topic(event.topic, event.policy);
      id = host.port.send({.type = event.type, .event = event.event, .topic = topic, .parent = event.parent});
    });
    return id;
  }
  bool is_simulated() const override { return supervisor_.is_simulated(); }
  void settle() override { supervisor_.settle(); }
  void advance(std::chrono::nanoseconds duration) override { supervisor_.advance(duration); }

 private:
  SupervisorBase& supervisor_;
  std::optional<MonitorHandle> handle_;
};

}  // namespace

Harness::Harness(SupervisorBase& supervisor) : Harness(std::make_unique<SupervisorTarget>(supervisor)) {}

}  // namespace actor::testing
