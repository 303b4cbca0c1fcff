#include <supervisor/sys_publisher.hpp>

namespace actor {

SysPublisher::SysPublisher(Hub& hub)
    : signal_(std::make_shared<Signal>(nobody_)),
      port_(hub.attach(ActorId("$sys"), {}, Subscribe::none(), signal_, 0)),
      topic_(port_->open_topic(sys::topic, OverflowPolicy::drop_oldest())) {}

}  // namespace actor
