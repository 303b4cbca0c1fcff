#include <actor/testing/broker_target.hpp>
#include <testing/broker_watch.hpp>

namespace actor::testing {

BrokerTarget::BrokerTarget(const std::string& broker, std::span<const EventType* const> types)
    : watch_(std::make_unique<BrokerWatch>(broker, types)) {}
BrokerTarget::BrokerTarget(BrokerTarget&&) noexcept = default;
BrokerTarget::~BrokerTarget() = default;

void BrokerTarget::attach(std::shared_ptr<Monitor> monitor) {
  watch_->start(std::move(monitor));
}

void BrokerTarget::detach() {
  watch_->stop();
}

EventId BrokerTarget::send_as(ActorId sender, const Injected& event) {
  return watch_->send_as(sender, event);
}

void BrokerTarget::check() const {
  watch_->check();
}

void BrokerTarget::advance(std::chrono::nanoseconds) {
  throw Error(ErrorCode::Refused, "advancing virtual time: processes live in real time");
}

}  // namespace actor::testing
