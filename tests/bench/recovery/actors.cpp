// The actors of the recovery benchmark: a source that always has something to say, and a reader that is killed. With
// --bare the program only says that it has come as far as main(): the least that a new process can cost.

#include <actor/run.hpp>
#include <cstring>

#include "shared.hpp"

namespace recovery {

Shared* shared = nullptr;

class Source : public actor::Actor<Events> {
 public:
  void on_start() override {
    ctx().every(std::chrono::microseconds(100), [this] {
      if (!ctx().is_sender_full()) ctx().send(Tick{++number_});
    });
  }
  void handle_event(const actor::Envelope<Events>&) override {}

 private:
  std::uint64_t number_ = 0;
};

class Reader : public actor::Actor<Events> {
 public:
  void on_start() override {
    place_ = ctx().actor_name() == reader_names[1] ? 1 : 0;
    shared->pid[place_].store(static_cast<std::uint64_t>(getpid()));
  }
  void handle_event(const actor::Envelope<Events>&) override {
    if (std::exchange(seen_, true)) return;
    shared->first_ns[place_].store(monotonic_ns());
  }

 private:
  std::size_t place_ = 0;
  bool seen_ = false;
};

}  // namespace recovery

int main(int argc, char** argv) {
  const std::int64_t now = recovery::monotonic_ns();
  recovery::shared = recovery::map_shared();
  if (!recovery::shared) return 3;
  if (argc == 2 && std::strcmp(argv[1], "--bare") == 0) {
    recovery::shared->main_ns.store(now);
    return 0;
  }
  return actor::run<recovery::Source, recovery::Reader>(argc, argv);
}
