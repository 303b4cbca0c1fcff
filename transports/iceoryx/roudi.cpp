// actor-roudi: iceoryx's daemon as an actor, so that the broker starts, watches and restarts it like any other, and
// never in a process of its own. Its memory pools come from the manifest (ACTOR_ROUDI_POOLS, made by the broker).
//
// RouDi hangs for good when a program is killed at the wrong instruction: its locks in shared memory are not robust.
// So a child of ours does what any program does, again and again, and says so; when it falls silent, this process
// exits, and the broker restarts it with all who depend on it.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <actor/run.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iceoryx_hoofs/platform/platform_settings.hpp>
#include <iceoryx_posh/internal/roudi/roudi.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/roudi/iceoryx_roudi_components.hpp>
#include <optional>
#include <thread>

#include "iceoryx/naming.hpp"
#include "iceoryx/only_roudi.hpp"
#include "iceoryx/pools.hpp"
#include "iceoryx/runtime.hpp"

namespace actor::iceoryx {

struct Nothing {  // it neither sends nor receives
  bool unused = false;
};

}  // namespace actor::iceoryx

namespace {

using namespace std::chrono_literals;

constexpr int hung_exit = 70;
constexpr const char* probe_name = "actor-roudi-probe";
constexpr auto between_probes = 500ms;
/// A probe takes a fifth of a second: RouDi looks around ten times a second. A machine with other things to do gets
/// twenty-five times that.
constexpr auto silence = 5s;

// ---- the child ----

/// Offers a service and takes the offer back, as RouDi's two threads see it.
void probe_once(iox::popo::UntypedPublisher& publisher) {
  publisher.offer();
  while (!publisher.isOffered()) std::this_thread::sleep_for(10ms);
  publisher.stopOffer();
  while (publisher.isOffered()) std::this_thread::sleep_for(10ms);
}

/// Writes a byte to stdout after each probe, until nobody reads it.
int probe() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  actor::iceoryx::join(probe_name);
  iox::popo::PublisherOptions options;
  options.offerOnCreate = false;
  for (;;) {
    {  // made anew each time: that is what RouDi's other thread does
      iox::popo::UntypedPublisher publisher(actor::iceoryx::description("actor", "@probe", "alive"), options);
      probe_once(publisher);
    }
    if (write(STDOUT_FILENO, ".", 1) != 1) return 0;
    std::this_thread::sleep_for(between_probes);
  }
}

// ---- the actor ----

iox::RouDiConfig_t make_config() {
  const char* const text = std::getenv("ACTOR_ROUDI_POOLS");
  const auto pools = actor::iceoryx::parse_pools(text ? text : "");
  if (!pools)
    throw actor::Error(actor::ErrorCode::Refused,
                       "ACTOR_ROUDI_POOLS is not a list such as 256:1000,65728:20 (bytes of a chunk, and how many); "
                       "the broker makes it from the manifest");
  iox::mepoo::MePooConfig memory;
  for (const actor::iceoryx::Pool& pool : *pools) memory.addMemPool({pool.chunk_bytes, pool.chunks});
  const auto group = iox::posix::PosixGroup::getGroupOfCurrentProcess().getName();
  iox::RouDiConfig_t config;
  config.m_sharedMemorySegments.push_back({group, group, memory});
  return config;
}

/// RouDi itself, with its threads.
class Daemon {
 public:
  Daemon() : components_(make_config()) {
    // Without its own watch over programs: it would take one that is stopped for a while for dead, and that one would
    // abort when it goes on. Who dies is started again by the broker, and registers under the same name: then RouDi
    // clears up. It kills nobody at its end either: that is the broker's affair.
    roudi_.emplace(components_.rouDiMemoryManager, components_.portManager,
                   iox::roudi::RouDi::RoudiStartupParameters{iox::roudi::MonitoringMode::OFF, false});
  }

  actor::iceoryx::OnlyRoudi& only() { return only_; }

 private:
  actor::iceoryx::OnlyRoudi only_;  // first: what follows makes iceoryx's memory anew
  iox::roudi::IceOryxRouDiComponents components_;
  std::optional<iox::roudi::RouDi> roudi_;
};

/// Without a broker, for tests: says "!" when it is ready, and runs until its input ends.
int run_alone() {
  actor::iceoryx::report_errors("roudi");
  std::signal(SIGPIPE, SIG_IGN);
  const auto daemon = std::make_unique<Daemon>();
  std::fputs("!\n", stdout);
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

class Roudi : public actor::Actor<std::variant<actor::iceoryx::Nothing>> {
 public:
  void on_start() override {
    actor::iceoryx::report_errors("roudi");
    daemon_ = std::make_unique<Daemon>();
    start_probe();
    wait_for_first_answer();
    ctx().watch(answers_, actor::Loop::Interest::Read, [this] { on_answer(); });
    ctx().watch(daemon_->only().fd(), actor::Loop::Interest::Read, [this] { daemon_->only().let_go_of_who_asked(); });
    deadline_ = ctx().after(silence, [this] { hangs(); });
  }

  void on_shutdown() override {
    if (probe_ > 0) {
      kill(probe_, SIGKILL);
      waitpid(probe_, nullptr, 0);
    }
    daemon_.reset();
    for (const char* const left : {"", ".lock"})  // by a program that is killed
      unlink((iox::platform::IOX_UDS_SOCKET_PATH_PREFIX + std::string(probe_name) + left).c_str());
  }

 private:
  void start_probe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) actor::throw_errno("making the pipe of the probe (pipe2)");
    probe_ = fork();
    if (probe_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      // RouDi's lock is among what iceoryx leaves open to children: the next RouDi would not get it while this one
      // ends.
      close_range(STDERR_FILENO + 1, ~0U, 0);
      execl("/proc/self/exe", "actor-roudi", "--probe", nullptr);
      _exit(127);
    }
    close(ends[1]);
    if (probe_ < 0) actor::throw_errno("starting the probe (fork)");
    answers_ = ends[0];
  }

  void wait_for_first_answer() {
    char answer;
    if (read(answers_, &answer, 1) != 1)
      throw actor::Error(actor::ErrorCode::Io, "the probe of RouDi has ended before its first answer");
    fcntl(answers_, F_SETFL, O_NONBLOCK);
  }

  void on_answer() {
    char answers[64];
    const auto got = read(answers_, answers, sizeof answers);
    if (got < 0) return;
    if (got == 0) throw actor::Error(actor::ErrorCode::Io, "the probe of RouDi was killed");
    ctx().cancel(deadline_);
    deadline_ = ctx().after(silence, [this] { hangs(); });
  }

  /// Nothing of RouDi's can be ended in good order any more: its threads hold their locks for good.
  [[noreturn]] void hangs() {
    std::fputs(
        "RouDi hangs: a program was killed while it held a lock of iceoryx's. Exiting, so that RouDi and all "
        "who depend on it are started anew\n",
        stderr);
    std::fflush(nullptr);
    _exit(hung_exit);
  }

  std::unique_ptr<Daemon> daemon_;
  pid_t probe_ = -1;
  int answers_ = -1;
  actor::TimerId deadline_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--probe") == 0) return probe();
  if (argc == 2 && std::strcmp(argv[1], "--alone") == 0) return run_alone();
  return actor::run<Roudi>(argc, argv);
}
