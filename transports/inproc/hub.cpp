// The inproc transport as a supervisor sees it.

#include <inproc/bus.hpp>
#include <inproc/bus_port.hpp>
#include <supervisor/hub.hpp>

namespace actor {
namespace {

class InprocHub final : public Hub {
 public:
  InprocHub(std::uint64_t runtime_id, inproc::BusOptions options) : bus_(runtime_id, std::move(options)) {}

  std::unique_ptr<Port> attach(ActorId id, std::span<const EventType* const> types, const Subscribe& topics,
                               std::shared_ptr<Signal> signal) override {
    return bus_.attach(id, types, topics, std::move(signal));
  }

 private:
  inproc::Bus bus_;
};

}  // namespace

std::unique_ptr<Hub> make_inproc_hub(std::uint64_t runtime_id,
                                     std::function<void(ActorId reader, std::string_view topic)> on_overflow) {
  inproc::BusOptions options;
  options.on_overflow = std::move(on_overflow);
  return std::make_unique<InprocHub>(runtime_id, std::move(options));
}

}  // namespace actor
