// Random kill -9 of readers and writers at full rate, under a real broker, on Block topics.
//
//   torture [--kills N] [--kill-broker-every M] [--share K] [--transport shm|iceoryx
//           [--hang-roudi-every M]] [--seed S] [--json]
//
// With --kill-broker-every, each M-th kill is of three within a millisecond, in any order: an actor, another one, and
// the broker's brain. The count of kills is of actors.
//
// With --share, K actors each are in one process: a kill is of all of them.
//
// With --transport iceoryx what a dead reader had not read is lost, and counted by its next life: no more may be lost
// than that. RouDi hangs when a kill comes at the wrong instruction: then it and all actors are started anew
// (roudi_restarts). --hang-roudi-every M makes sure of that: after each M-th kill a program dies inside iceoryx,
// holding a lock.
//
// actor-broker and torture_actor are found through PATH. What was sent and handled is counted in a file that the actors
// share (torture.hpp), so that the account survives them. lost: committed, and not handled by one of its readers.
// duplicated: handled twice without having been sent twice: the event in flight at a kill, at most one per actor
// killed. Exit code 0: nothing lost, corrupted, out of order or hung, and no more duplicates than actors killed.

#include "fault/torture.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <control/fd.hpp>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>

namespace torture {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds hung_after(30);
constexpr auto glance = std::chrono::microseconds(200);

struct Options {
  unsigned kills = 200;
  std::uint64_t seed = std::random_device()();
  unsigned kill_broker_every = 0;  // 0: never
  unsigned share = 1;              // actors in a process
  bool iceoryx = false;
  unsigned hang_roudi_every = 0;  // 0: only by chance
  bool json = false;
};

struct Result {
  unsigned kills = 0;
  unsigned brain_kills = 0;
  std::uint64_t sent = 0, handled = 0, lost = 0, duplicated = 0, repeated_outputs = 0;
  std::uint64_t dropped = 0, roudi_restarts = 0;  // as the broker counts them; iceoryx only
  unsigned hung = 0;
  int broker_status = -1;
  std::vector<double> restart_ms;
};

/// The broker, its manifest and its directory. Ends it, if need be, when destroyed.
class Broker {
 public:
  Broker(int account_fd, unsigned share, bool iceoryx) : share_(share), iceoryx_(iceoryx) {
    std::string pattern = (std::filesystem::temp_directory_path() / "torture-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) actor::throw_errno("making a directory like " + pattern);
    directory_ = pattern;
    write_manifest();
    const std::string account = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(account_fd);
    setenv(account_variable, account.c_str(), 1);
    pid_ = fork();
    if (pid_ < 0) actor::throw_errno("forking the broker");
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      dup2(STDERR_FILENO, STDOUT_FILENO);
      const std::string manifest = (directory_ / "torture.toml").string();
      execlp("actor-broker", "actor-broker", manifest.c_str(), nullptr);
      std::fprintf(stderr, "torture: cannot run actor-broker: %s\n", std::strerror(errno));
      _exit(127);
    }
  }
  ~Broker() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  bool has_ended() {
    if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
    return pid_ < 0;
  }
  /// SUBTLE: a broker that has ended has no number any more, and -1 would be everybody on this machine.
  void stop() {
    if (pid_ > 0) kill(pid_, SIGTERM);
  }
  /// False: there was none just then.
  bool kill_brain() const {
    std::ifstream children("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children");
    for (pid_t child = 0; children >> child;) {
      std::ifstream comm("/proc/" + std::to_string(child) + "/comm");
      std::string name;
      if (comm >> name && name == "actor-brain") return kill(child, SIGKILL) == 0;
    }
    return false;
  }
  /// The sum of a column of `actorctl ps` over all actors, or over the one of that name.
  std::uint64_t sum(const std::string& column, const std::string& of = "") const {
    const std::string command = "actorctl --broker " + (directory_ / "run").string() + " ps --json";
    FILE* const tool = popen(command.c_str(), "r");
    std::string said;
    for (int c = 0; tool && (c = std::fgetc(tool)) != EOF;) said += static_cast<char>(c);
    if (tool) pclose(tool);
    const auto ps = nlohmann::json::parse(said, nullptr, false);
    std::uint64_t total = 0;
    if (ps.is_discarded() || !ps.contains("actors")) return total;
    for (const auto& actor : ps.at("actors")) {
      if (of.empty() || actor.at("name") == of) total += actor.at(column).get<std::uint64_t>();
    }
    return total;
  }
  /// A program of the tests that knows iceoryx only.
  static pid_t start_outsider(const char* what, const std::string& instance) {
    const pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execlp("process_outsider", "process_outsider", what, "actor.torture", instance.c_str(), "Topic.Small", nullptr);
    _exit(127);
  }
  /// Of waitpid(); valid once it has ended.
  int status() const { return status_; }

 private:
  void write_manifest() const {
    std::ofstream out(directory_ / "torture.toml");
    out << "[broker]\nname = \"torture\"\nruntime_dir = \"" << (directory_ / "run").string() << "\"\n"
        << (iceoryx_ ? "transport = \"iceoryx\"\nmailbox_hold = \"1min\"\n" : "")
        << "[topics.\"Topic.Small\"]\noverflow = \"block\"\ncapacity = 64\n"
        << "[topics.\"Topic.Large\"]\noverflow = \"block\"\ncapacity = 16\n"
        << (iceoryx_ ? "payload = \"64KiB\"\n" : "")
        << "[topics.\"Topic.Relayed\"]\noverflow = \"block\"\ncapacity = 64\n"
        << (iceoryx_ ? "payload = \"64KiB\"\n" : "");
    for (unsigned i = 0; i < actors; ++i) {
      const bool is_source = i < sources;
      const bool is_relay = i == sources + relay;
      out << "[actors." << actor_names[i] << "]\nexec = \"torture_actor\"\nargs = [\"--actor\", \""
          << (is_source  ? "Source"
              : is_relay ? "Relay"
                         : "Sink")
          << "\"]\nbackoff = { base = \"1ms\", max = \"2ms\", reset_after = \"1ms\" }\n"
          << "budget = { restarts = 10000, within = \"1h\" }\n"
          << "poison_after = 0\n";  // an event that was in hand at three kills is no poison: we kill
      if (share_ > 1) out << "process = \"together-" << i / share_ << "\"\n";
      if (is_relay)
        out << "subscribes = [\"Topic.Small\", \"Topic.Large\"]\npublishes = [\"Topic.Relayed\"]\n";
      else if (is_source)
        out << "publishes = [\"Topic.Small\", \"Topic.Large\"]\n";
      else
        out << "subscribes = [\"*\"]\npublishes = []\n";
    }
  }

  unsigned share_;
  bool iceoryx_;
  std::filesystem::path directory_;
  pid_t pid_ = -1;
  int status_ = 0;
};

class Torture {
 public:
  explicit Torture(const Options& options) : options_(options), random_(options.seed) {
    file_ = actor::Fd(memfd_create("torture-account", MFD_CLOEXEC));
    if (!file_ || ftruncate(file_.get(), sizeof(Account)) != 0) actor::throw_errno("making the account");
    account_ = map_account(("/proc/self/fd/" + std::to_string(file_.get())).c_str());
    if (account_ == nullptr) actor::throw_errno("mapping the account");
  }

  Result run() {
    Broker broker(file_.get(), options_.share, options_.iceoryx);
    for (const Victim& victim : victims_) wait_for_progress(broker, [&victim, this] { return is_working(victim); });
    while (result_.hung == 0 && result_.kills < options_.kills && !is_full() && !broker.has_ended()) {
      const unsigned before = result_.kills;
      kill_one(broker);
      const unsigned every = options_.hang_roudi_every;
      if (every != 0 && result_.kills / every != before / every) hang_roudi(broker);
    }
    for (Victim& victim : victims_)
      wait_for_progress(broker, [&victim, this] { return see(victim), is_working(victim); });
    account_->stop.store(1);
    wait_for_progress(broker, [this] { return all_handled(); });
    if (options_.iceoryx) {
      result_.dropped = broker.sum("dropped");
      result_.roudi_restarts = broker.sum("restarts", "roudi");
    }
    broker.stop();
    const auto deadline = Clock::now() + hung_after;
    while (!broker.has_ended()) {
      if (Clock::now() > deadline) return note_hang("the broker does not end"), settle();
      std::this_thread::sleep_for(glance);
    }
    result_.broker_status = broker.status();
    return settle();
  }

  const Account& account() const { return *account_; }

 private:
  struct Victim {
    unsigned index;
    std::uint64_t killed_pid = 0;
    Clock::time_point killed_at{};
    bool back = true;
  };

  std::uint64_t pid_of(const Victim& victim) const { return account_->actor[victim.index].pid.load(); }
  bool is_working(const Victim& victim) const {
    const ActorAccount& actor = account_->actor[victim.index];
    return actor.pid.load() != victim.killed_pid && actor.first_ns.load() != 0;
  }

  /// The sources have used up their numbers: a run of more kills needs a larger account.
  bool is_full() const {
    for (const SourceAccount& source : account_->source) {
      if (source.done.load() + 1000 > max_events) return true;
    }
    return false;
  }

  std::uint64_t progress() const {
    std::uint64_t sum = 0;
    for (const auto& reader : account_->direct) {
      for (const Stream& stream : reader) sum += stream.handled.load();
    }
    for (const auto& reader : account_->relayed) {
      for (const Stream& stream : reader) sum += stream.handled.load();
    }
    return sum;
  }

  void note_hang(const char* what) {
    std::fprintf(stderr, "torture: hung: %s\n", what);
    ++result_.hung;
  }

  /// Waits until `done`, for as long as anything is handled.
  template <class Done>
  void wait_for_progress(Broker& broker, Done&& done) {
    std::uint64_t last = progress();
    auto deadline = Clock::now() + hung_after;
    while (result_.hung == 0 && !done()) {
      if (broker.has_ended()) return note_hang("the broker has ended by itself");
      const std::uint64_t now = progress();
      if (now != last) deadline = Clock::now() + hung_after;
      last = now;
      if (Clock::now() > deadline) return note_hang("nothing is handled any more");
      std::this_thread::sleep_for(glance);
    }
  }

  /// Takes note of a restart that is complete.
  void see(Victim& victim) {
    if (victim.back || !is_working(victim)) return;
    victim.back = true;
    const std::chrono::nanoseconds at(account_->actor[victim.index].first_ns.load());
    result_.restart_ms.push_back(
        std::chrono::duration<double, std::milli>(at - victim.killed_at.time_since_epoch()).count());
  }

  void kill_one(Broker& broker) {
    // Mostly at work, sometimes while it starts.
    const auto pause = std::chrono::microseconds(random_() % 30'000);
    const auto until = Clock::now() + pause;
    while (Clock::now() < until) {
      for (Victim& victim : victims_) see(victim);
      std::this_thread::sleep_for(glance);
    }
    Victim& victim = victims_[random_() % victims_.size()];
    const bool in_starting = random_() % 8 == 0;
    wait_for_progress(broker, [&] {
      for (Victim& any : victims_) see(any);
      return in_starting ? pid_of(victim) != victim.killed_pid : victim.back;
    });
    const std::uint64_t pid = pid_of(victim);
    if (result_.hung != 0 || pid == 0 || pid == victim.killed_pid) return;
    const bool all = options_.kill_broker_every != 0 && (result_.kills + 1) % options_.kill_broker_every == 0;
    if (!all) return kill_now(victim, pid);
    // Another one as well, if it is there, and the brain: in any order.
    Victim& other = victims_[(victim.index + 1 + random_() % (victims_.size() - 1)) % victims_.size()];
    const std::uint64_t other_pid = other.back ? pid_of(other) : 0;
    std::array<unsigned, 3> order = {0, 1, 2};
    std::shuffle(order.begin(), order.end(), random_);
    for (const unsigned who : order) {
      if (who == 0) kill_now(victim, pid);
      if (who == 1 && other_pid != 0) kill_now(other, other_pid);
      if (who == 2 && broker.kill_brain()) ++result_.brain_kills;
      const auto next = Clock::now() + std::chrono::microseconds(random_() % 400);
      while (Clock::now() < next) {
      }
    }
  }

  /// Somebody dies with a lock in hand, somebody else makes RouDi ask for it; then the broker has to come to know.
  void hang_roudi(Broker& broker) {
    const std::uint64_t before = broker.sum("restarts", "roudi");
    const std::string victim = "victim" + std::to_string(result_.kills);
    int status = 0;
    waitpid(Broker::start_outsider("die-locked", victim), &status, 0);
    const pid_t asks = Broker::start_outsider("read", victim);
    const auto deadline = Clock::now() + hung_after;
    while (broker.sum("restarts", "roudi") == before && result_.hung == 0) {
      if (Clock::now() > deadline) note_hang("RouDi, and nobody has come to know");
      std::this_thread::sleep_for(100 * glance);
    }
    kill(asks, SIGKILL);
    waitpid(asks, &status, 0);
    // All have been started anew, those too that were not killed.
    for (Victim& any : victims_)
      wait_for_progress(broker, [&any, this] { return see(any), any.back && is_working(any); });
  }

  void kill_now(Victim& victim, std::uint64_t pid) {
    victim.killed_at = Clock::now();
    victim.killed_pid = pid;
    victim.back = false;
    const auto number = static_cast<pid_t>(pid);
    if (number > 0 && kill(number, SIGKILL) == 0) ++result_.kills;
  }

  bool all_handled() const {
    for (unsigned s = 0; s < sources; ++s) {
      const SourceAccount& source = account_->source[s];
      const std::uint64_t done = source.done.load();
      if (done != source.intent.load()) return false;
      for (unsigned r = 0; r < readers; ++r) {
        if (account_->direct[r][s].last.load() != done) return false;
      }
      for (unsigned r = 0; r < sinks; ++r) {
        if (account_->relayed[r][s].last.load() != done) return false;
      }
    }
    return true;
  }

  /// `through`: who has sent it on, if somebody has.
  void settle(const Stream& stream, const SourceAccount& source, const Stream* through) {
    for (std::uint64_t n = 1; n <= source.done.load(); ++n) {
      const unsigned times = stream.times[n].load();
      const unsigned sent = 1u + source.again[n].load();
      // What the relay has lost it has not sent on: one loss, and not three.
      const bool was_sent_on = !options_.iceoryx || !through || through->times[n].load() != 0;
      if (times == 0 && was_sent_on) {
        ++result_.lost;
        if (result_.lost < 5) std::fprintf(stderr, "torture: lost: number %llu\n", static_cast<unsigned long long>(n));
      }
      if (times > sent) (through ? result_.repeated_outputs : result_.duplicated) += times - sent;
    }
  }

  Result settle() {
    for (unsigned s = 0; s < sources; ++s) {
      const SourceAccount& source = account_->source[s];
      result_.sent += source.done.load();
      for (unsigned r = 0; r < readers; ++r) settle(account_->direct[r][s], source, nullptr);
      for (unsigned r = 0; r < sinks; ++r) settle(account_->relayed[r][s], source, &account_->direct[relay][s]);
    }
    result_.handled = progress();
    std::sort(result_.restart_ms.begin(), result_.restart_ms.end());
    return result_;
  }

  Options options_;
  std::mt19937_64 random_;
  actor::Fd file_;
  Account* account_ = nullptr;
  std::vector<Victim> victims_ = {{0}, {1}, {2}, {3}, {4}};
  Result result_;
};

double percentile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

bool report(const Options& options, const Result& result, const Account& account) {
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  // A number that is missing counts as misordered, too.
  const std::uint64_t broken =
      (options.iceoryx ? 0 : account.misordered.load()) + account.unmarked.load() + account.renumbered.load();
  std::printf(options.json
                  ? "{\"kills\":%u,\"brain_kills\":%u,\"sent\":%llu,\"handled\":%llu,\"lost\":%llu,\"duplicated\":%"
                    "llu,\"corrupted\":%llu,\"dropped\":%llu,\"roudi_restarts\":%llu,"
                    "\"hung\":%u,\"restart_ms_p50\":%.2f,\"restart_ms_p99\":%.2f,\"repeated_outputs\":%llu,"
                    "\"misordered\":%llu,\"unmarked\":%llu,\"renumbered\":%llu,\"seed\":%llu}\n"
                  : "torture: %u kills, %u of the brain, %llu sent, %llu handled, %llu lost, %llu duplicated, %llu "
                    "corrupted, %llu dropped, %llu restarts of RouDi, %u hung; "
                    "restart %.2f ms (p50), %.2f ms (p99); %llu repeated outputs, %llu misordered, %llu unmarked, "
                    "%llu renumbered; seed %llu\n",
              result.kills, result.brain_kills, number(result.sent), number(result.handled), number(result.lost),
              number(result.duplicated), number(account.corrupted.load()), number(result.dropped),
              number(result.roudi_restarts), result.hung, percentile(result.restart_ms, 0.5),
              percentile(result.restart_ms, 0.99), number(result.repeated_outputs), number(account.misordered.load()),
              number(account.unmarked.load()), number(account.renumbered.load()), number(options.seed));
  if (result.broker_status != 0)
    std::fprintf(stderr, "torture: the broker ended with status %d\n", result.broker_status);
  // By iceoryx an event that the relay has handled in part goes with it, and is one loss at each sink.
  const std::uint64_t may_be_lost = options.iceoryx ? result.dropped + result.kills : 0;
  return result.lost <= may_be_lost && account.corrupted.load() == 0 && result.hung == 0 && broken == 0 &&
         result.duplicated <= result.kills * options.share && result.repeated_outputs <= sinks * result.kills &&
         (options.hang_roudi_every == 0 || result.roudi_restarts >= options.kills / options.hang_roudi_every) &&
         result.kills >= options.kills && result.broker_status == 0 &&
         (options.kill_broker_every == 0 || options.kill_broker_every > options.kills || result.brain_kills > 0);
}

}  // namespace
}  // namespace torture

int main(int argc, char** argv) {
  using namespace torture;
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json")
      options.json = true;
    else if (word == "--kills" && i + 1 < argc)
      options.kills = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    else if (word == "--kill-broker-every" && i + 1 < argc)
      options.kill_broker_every = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    else if (word == "--share" && i + 1 < argc)
      options.share = std::max(1u, static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10)));
    else if (word == "--transport" && i + 1 < argc)
      options.iceoryx = std::string_view(argv[++i]) == "iceoryx";
    else if (word == "--hang-roudi-every" && i + 1 < argc)
      options.hang_roudi_every = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    else if (word == "--seed" && i + 1 < argc)
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    else
      return std::fprintf(stderr,
                          "usage: torture [--kills N] [--kill-broker-every M] [--share K] [--transport shm|iceoryx "
                          "[--hang-roudi-every M]] [--seed S] [--json]\n"),
             2;
  }
  std::fprintf(stderr, "torture: seed %llu\n", static_cast<unsigned long long>(options.seed));
  try {
    Torture torture(options);
    const Result result = torture.run();
    return report(options, result, torture.account()) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "torture: %s\n", error.what());
    return 1;
  }
}
