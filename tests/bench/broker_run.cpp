#include "broker_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "children.hpp"

namespace bench {
namespace {

using Line = nlohmann::json;

[[noreturn]] void fail(const std::string& doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

/// Removed with all that is in it.
class WorkDirectory {
 public:
  WorkDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "libactor-bench-XXXXXX";
    if (!mkdtemp(name.data())) fail("making the directory " + name);
    path_ = name;
  }
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  ~WorkDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string in_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class ManifestWriter {
 public:
  ManifestWriter(const Case& what, const WorkDirectory& work) : what_(what), results_(work.file("results")) {
    text_ << "[broker]\nname = \"bench\"\nruntime_dir = \"" << work.file("runtime") << "\"\ndrain_timeout = \"1s\"\n\n";
    add_topic("Forward");
    if (what.kind == Kind::Latency) add_topic("Back");
  }

  void add_topic(const char* topic) {
    text_ << "[topics.\"BenchTopic." << topic << "\"]\noverflow = \"block\"\ncapacity = " << what_.capacity << "\n\n";
  }

  void add(const std::string& name, const char* actor, const char* publishes, const char* subscribes, int core) {
    const auto topics = [](const char* topic) {
      return *topic ? "[\"BenchTopic." + std::string(topic) + "\"]" : std::string("[]");
    };
    text_ << "[actors." << name << "]\nexec = \"" BENCH_ACTORS "\"\nargs = [\"--actor\", \"" << actor
          << "\"]\npublishes = " << topics(publishes) << "\nsubscribes = " << topics(subscribes)
          << "\nrestart = \"temporary\"\nmemory = \"64MiB\"\nspin = \"" << (what_.mode == Mode::Spin ? "24h" : "0")
          << "\"\nenv = { BENCH_RESULTS = \"" << results_ << "\", BENCH_SIZE = \"" << what_.size
          << "\", BENCH_EVENTS = \"" << what_.events << "\", BENCH_WARM_UP = \"" << what_.warm_up()
          << "\", BENCH_WRITERS = \"" << what_.writers << "\", BENCH_READ = \"" << to_string(what_.read) << '"';
    if (core >= 0) text_ << ", BENCH_CPU = \"" << core << '"';
    text_ << " }\n\n";
    ++actors_;
  }

  std::string text() const { return text_.str(); }
  unsigned actors() const { return actors_; }

 private:
  const Case& what_;
  std::string results_;
  std::ostringstream text_;
  unsigned actors_ = 0;
};

void add_actors(const Case& what, ManifestWriter& manifest) {
  int first = -1;
  int second = -1;
  if (what.mode == Mode::SleepOneCore) first = second = cores().front();
  if (what.mode == Mode::Spin) {
    first = cores().front();
    second = cores().back();
  }
  if (what.kind == Kind::Latency) {
    manifest.add("ponger", "Ponger", "Back", "Forward", second);
    manifest.add("pinger", "Pinger", "Forward", "Back", first);
    return;
  }
  for (unsigned i = 0; i < what.readers; ++i) manifest.add("sink" + std::to_string(i), "Sink", "", "Forward", second);
  for (unsigned i = 0; i < what.writers; ++i)
    manifest.add("source" + std::to_string(i), "Source", "Forward", "", first);
}

/// actor-broker as our child; told to stop and waited for when this goes.
class Broker {
 public:
  explicit Broker(const WorkDirectory& work) : log_(work.file("log")) {
    pid_ = fork();
    if (pid_ < 0) fail("fork");
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    const std::string manifest = work.file("bench.toml");
    execl(BENCH_BROKER, "actor-broker", manifest.c_str(), nullptr);
    std::perror("bench: starting " BENCH_BROKER);
    _exit(127);
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  ~Broker() {
    if (pid_ < 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }

  bool has_ended() {
    if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    return pid_ < 0;
  }
  std::string output() const { return in_file(log_); }

 private:
  std::string log_;
  pid_t pid_;
};

/// One line of each actor.
std::vector<Line> collect(int results, unsigned actors, Broker& broker) {
  constexpr int look_every_ms = 200;
  const std::int64_t until = monotonic_ns() + std::int64_t{Children::limit_s} * 1'000'000'000;
  std::string text;
  while (std::count(text.begin(), text.end(), '\n') < static_cast<std::ptrdiff_t>(actors)) {
    pollfd ready{results, POLLIN, 0};
    const int found = poll(&ready, 1, look_every_ms);
    char buffer[4096];
    const ssize_t got = found > 0 ? read(results, buffer, sizeof buffer) : 0;
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    const bool late = monotonic_ns() > until;
    // An actor that failed is not started again; the others would wait for it for good.
    const bool failed = got <= 0 && broker.output().find(" died: ") != std::string::npos;
    if (got <= 0 && (late || failed || broker.has_ended()))
      throw std::runtime_error(std::string(late ? "a case took too long" : "an actor or the broker has failed") +
                               "; reported so far:\n" + text + "the broker said:\n" + broker.output());
  }
  std::vector<Line> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Line::parse(line));
  return lines;
}

Outcome outcome_of(const Case& what, const std::vector<Line>& lines) {
  Outcome outcome;
  double cpu = 0;
  double writing = 0;
  std::int64_t first = INT64_MAX;
  std::int64_t last = 0;
  for (const Line& line : lines) {
    const std::string end = line.at("end");
    cpu += line.at("cpu_ns").get<double>();
    if (end == "source") writing += line.at("cpu_ns").get<double>();
    if (end == "pinger") {
      outcome.p50_ns = line.at("p50_ns");
      outcome.p99_ns = line.at("p99_ns");
    }
    if (end == "sink") {
      first = std::min(first, line.at("first_ns").get<std::int64_t>());
      last = std::max(last, line.at("last_ns").get<std::int64_t>());
    }
  }
  const auto written = static_cast<double>((what.events - what.warm_up()) * what.writers);
  const double delivered = what.kind == Kind::Latency ? 2 * written : written * what.readers;
  outcome.cpu_s_per_million = cpu * 1e-9 / delivered * 1e6;
  if (what.kind == Kind::Latency) return outcome;
  outcome.per_s = delivered * 1e9 / static_cast<double>(last - first);
  outcome.writer_ns = writing / written;
  return outcome;
}

}  // namespace

Outcome run_through_broker(const Case& what) {
  const WorkDirectory work;
  ManifestWriter manifest(what, work);
  add_actors(what, manifest);
  std::ofstream(work.file("bench.toml")) << manifest.text();
  if (mkfifo(work.file("results").c_str(), 0600) != 0) fail("making " + work.file("results"));
  const int results = open(work.file("results").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (results < 0) fail("opening " + work.file("results"));
  const std::shared_ptr<void> closer(nullptr, [results](void*) { close(results); });
  Broker broker(work);
  return outcome_of(what, collect(results, manifest.actors(), broker));
}

}  // namespace bench
