#include "conformance/iceoryx_world.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <atomic>
#include <control/fd.hpp>
#include <iceoryx/carrier.hpp>

#include "conformance/shm_world.hpp"

namespace actor::conformance {
namespace {

/// `actor-roudi --alone`, for as long as the test program runs.
class RoudiAlone {
 public:
  RoudiAlone() {
    int input[2];
    int output[2];
    ACTOR_ASSERT(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0, "a test has descriptors left");
    stop_ = Fd(input[1]);
    const Fd its_input(input[0]);
    Fd its_output(output[1]);
    const Fd answer(output[0]);
    setenv("ACTOR_ROUDI_POOLS", "320:40000,4352:8000", 1);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    char program[] = "actor-roudi";
    char alone[] = "--alone";
    char* arguments[] = {program, alone, nullptr};
    const int failed = posix_spawnp(&pid_, program, &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    ACTOR_ASSERT(failed == 0, "actor-roudi is in PATH: ctest puts it there");
    its_output.reset();
    char byte = 0;
    while (byte != '!') ACTOR_ASSERT(read(answer.get(), &byte, 1) == 1, "RouDi starts: its own words say why not");
  }
  ~RoudiAlone() {
    stop_.reset();
    waitpid(pid_, nullptr, 0);
  }

 private:
  Fd stop_;
  pid_t pid_ = -1;
};

std::atomic<std::uint64_t> carried = 0;

class CountingCarrier final : public iceoryx::IceoryxCarrier {
 public:
  using IceoryxCarrier::IceoryxCarrier;
  std::uint64_t publish(const CarriedEvent& event) override {
    ++carried;
    return IceoryxCarrier::publish(event);
  }
};

bool can_carry(const TopicSpec& topic) {
  using Kind = OverflowPolicy::Kind;
  const bool policy =
      topic.policy.kind == Kind::DropOldest || (topic.policy.kind == Kind::Block && topic.policy.deadline.count() == 0);
  return policy && !topic.latched && topic.capacity <= 256;
}

}  // namespace

bool has_iceoryx() {
  return true;
}

std::unique_ptr<World> make_iceoryx_world(WorldOptions options) {
  static const RoudiAlone roudi;
  carried = 0;
  static unsigned worlds = 0;  // each has names of its own: nothing of the last one is heard
  const std::string service = "conformance." + std::to_string(getpid()) + "." + std::to_string(++worlds);
  return make_carried_world(
      std::move(options),
      {[service](const std::string& peer, std::uint32_t life) {
         return std::make_unique<CountingCarrier>(CarrierOptions{"", service, "conformance", peer, life});
       },
       can_carry, 4096, [] { return carried.load(); }});
}

}  // namespace actor::conformance
