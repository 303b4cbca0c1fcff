#include <fcntl.h>

#include <actor/error.hpp>
#include <actor/run.hpp>
#include <control/runtime_path.hpp>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <process/process.hpp>
#include <process/shared_process.hpp>
#include <process/signals.hpp>

namespace actor {
namespace {

/// What the broker that has started this process says in its environment. Taken out of it: children that an actor
/// starts have no business there.
struct Inherited {
  std::optional<int> control;  // a descriptor
  std::string name;
  bool is_shared = false;  // the process is for several actors, and `name` is its own

  static Inherited take() {
    Inherited inherited;
    if (const char* fd = std::getenv("ACTOR_CONTROL_FD")) inherited.control = std::atoi(fd);
    if (const char* name = std::getenv("ACTOR_NAME")) inherited.name = name;
    if (const char* process = std::getenv("ACTOR_PROCESS"); process && inherited.control) {
      inherited.name = process;
      inherited.is_shared = true;
    }
    unsetenv("ACTOR_CONTROL_FD");
    unsetenv("ACTOR_PROCESS");
    return inherited;
  }

  Fd open_control() const {
    if (*control < 3 || fcntl(*control, F_SETFD, FD_CLOEXEC) != 0)
      throw Error(ErrorCode::Refused, "ACTOR_CONTROL_FD does not name a file descriptor");
    return Fd(*control);
  }
};

int run_one(const std::vector<ActorClass>& classes, ProcessOptions options, const Inherited& inherited) {
  const bool by_hand = !options.broker.empty();
  if (!by_hand) options.name = inherited.name;
  Fd control = by_hand ? control::connect_to(control::find_broker(options.broker)) : inherited.open_control();
  return Process(find_class(classes, options.actor_class), options, std::move(control), open_signals(by_hand)).run();
}

}  // namespace

int run_process(int argc, char** argv, std::vector<ActorClass> classes) {
  const Inherited inherited = Inherited::take();
  try {
    if (inherited.is_shared) return SharedProcess(classes, argv[0], inherited.open_control()).run();
    const ParsedProcessOptions parsed =
        parse_process_options(argc, argv, labels_of(classes), inherited.control.has_value());
    if (!parsed.options) return parsed.exit_code;
    return run_one(classes, *parsed.options, inherited);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
}

}  // namespace actor
