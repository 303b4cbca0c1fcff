#pragma once
// Everything that is needed to make an actor, again and again: a supervisor makes it anew after a failure. A value.

#include <actor/subscribe.hpp>
#include <actor/supervisor_config.hpp>
#include <functional>
#include <memory>
#include <string>

namespace actor {

class ActorBase;

struct ActorSpec {
  std::string name;
  Subscribe topics;
  std::function<std::unique_ptr<ActorBase>()> make;
  ActorConfig config = {};
};

}  // namespace actor
