#pragma once
// Publishes a supervisor's own events (actor/sys.hpp) into its hub, as a sender named "$sys" that never waits. Owned by
// its core; any thread.

#include <actor/sys.hpp>
#include <mutex>
#include <supervisor/hub.hpp>

namespace actor {

class SysPublisher {
 public:
  explicit SysPublisher(Hub& hub);

  template <class T>
  void publish(const T& event) {
    const std::scoped_lock lock(mutex_);
    port_->new_turn();
    port_->send({&event_type<T>(), &event, topic_, {}});
    port_->flush();
  }

 private:
  struct Nobody final : Waker {
    void wake() noexcept override {}
  };
  std::mutex mutex_;
  Nobody nobody_;
  std::shared_ptr<Signal> signal_;
  std::unique_ptr<HubPort> port_;
  std::uint16_t topic_;
};

}  // namespace actor
