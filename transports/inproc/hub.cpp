// The inproc transport as a supervisor sees it.

#include <inproc/bus.hpp>
#include <inproc/bus_port.hpp>
#include <supervisor/hub.hpp>

namespace actor {
namespace {

class InprocHub final : public Hub {
 public:
  InprocHub(std::uint64_t runtime_id, inproc::BusOptions options) : bus_(runtime_id, std::move(options)) {}

  std::unique_ptr<HubPort> attach(ActorId id, std::span<const EventType* const> types, const Subscribe& topics,
                                  std::shared_ptr<Signal> signal, std::size_t capacity) override {
    return bus_.attach(id, types, topics, std::move(signal), capacity);
  }
  std::vector<std::pair<ActorId, std::string>> publishers() const override { return bus_.publishers(); }

 private:
  inproc::Bus bus_;
};

}  // namespace

std::unique_ptr<Hub> make_inproc_hub(HubOptions options) {
  inproc::BusOptions bus;
  bus.topic_capacity = options.topic_capacity;
  bus.outbox_limit = options.outbox_limit;
  bus.wall_offset_ns = options.wall_offset_ns;
  if (options.clock) bus.clock = std::move(options.clock);
  bus.on_overflow = std::move(options.on_overflow);
  bus.on_dead_letter = std::move(options.on_dead_letter);
  bus.monitors = options.monitors;
  bus.disturb = std::move(options.disturb);
  bus.later = std::move(options.later);
  return std::make_unique<InprocHub>(options.runtime_id, std::move(bus));
}

}  // namespace actor
