#pragma once
// main() of an actor's own process: connects to the broker that started it (or to a named one), and runs the actor
// until it is told to stop. One executable may hold several actor classes; --actor, or the manifest, says which one.

#include <actor/actor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace actor {

/// One actor class that an executable can run.
struct ActorClass {
  std::string_view label;  ///< the class name; --actor LABEL selects it
  std::function<std::unique_ptr<ActorBase>()> make;
  std::vector<TopicDecl> topics;  ///< what its code says of its topics
};

template <class A>
ActorClass actor_class() {
  return {type_name<A>(), [] { return std::make_unique<A>(); }, known_topics<typename A::EventTypes>()};
}

/// Runs one of `classes` as this process. Returns the exit code for main(): 0 after an ordered stop, 1 after an error
/// (printed to stderr), 78 after a bad command line or when the broker refused this program: it would end so again.
int run_process(int argc, char** argv, std::vector<ActorClass> classes);

/// `int main(int argc, char** argv) { return actor::run<Alerter>(argc, argv); }`
template <class... Actors>
int run(int argc, char** argv) {
  return run_process(argc, argv, {actor_class<Actors>()...});
}

}  // namespace actor
