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

/// What bench_actors finds in its environment.
std::vector<std::pair<std::string, std::string>> settings_of(const Case& what, const std::string& results, int core) {
  std::vector<std::pair<std::string, std::string>> settings = {{"BENCH_RESULTS", results},
                                                               {"BENCH_SIZE", std::to_string(what.size)},
                                                               {"BENCH_EVENTS", std::to_string(what.events)},
                                                               {"BENCH_WARM_UP", std::to_string(what.warm_up())},
                                                               {"BENCH_WRITERS", std::to_string(what.writers)},
                                                               {"BENCH_READ", to_string(what.read)},
                                                               {"BENCH_DATA", to_string(what.data)}};
  if (what.mode == Mode::Paced) settings.emplace_back("BENCH_PACED", "1");
  if (core >= 0) settings.emplace_back("BENCH_CPU", std::to_string(core));
  return settings;
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
          << "\"\nenv = {";
    const char* between = " ";
    for (const auto& [setting, value] : settings_of(what_, results_, core)) {
      text_ << between << setting << " = \"" << value << '"';
      between = ", ";
    }
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
  if (is_on_two_cores(what.mode)) {
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

/// A program as our child, its output in a file; told to stop and waited for when this goes.
class Program {
 public:
  Program(const WorkDirectory& work, const char* path, const std::string& argument,
          const std::vector<std::pair<std::string, std::string>>& environment = {})
      : log_(work.file("log")) {
    pid_ = fork();
    if (pid_ < 0) fail("fork");
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    execl(path, path, argument.c_str(), nullptr);
    std::perror(("bench: starting " + std::string(path)).c_str());
    _exit(127);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (pid_ < 0) return;
    kill(pid_, SIGTERM);
    kill(pid_, SIGCONT);  // whoever was stopped would not hear it
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
std::vector<Line> collect(int results, unsigned actors, Program& program) {
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
    const bool failed = got <= 0 && program.output().find(" died: ") != std::string::npos;
    if (got <= 0 && (late || failed || program.has_ended()))
      throw std::runtime_error(std::string(late ? "a case took too long" : "an actor, or what runs it, has failed") +
                               "; reported so far:\n" + text + "its output:\n" + program.output());
  }
  std::vector<Line> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Line::parse(line));
  return lines;
}

Outcome outcome_of(const Case& what, const std::vector<Line>& lines) {
  Outcome outcome;
  double cpu = 0;
  double broker = 0;  // each reader has seen it: once counts
  double writing = 0;
  std::int64_t first = INT64_MAX;
  std::int64_t last = 0;
  for (const Line& line : lines) {
    const std::string end = line.at("end");
    cpu += line.at("cpu_ns").get<double>();
    broker = std::max(broker, line.value("broker_ns", 0.0));
    if (end == "source") writing += line.at("cpu_ns").get<double>();
    if (end == "pinger") {
      outcome.p50_ns = line.at("p50_ns");
      outcome.p99_ns = line.at("p99_ns");
      outcome.p999_ns = line.at("p999_ns");
    }
    if (end == "sink") {
      first = std::min(first, line.at("first_ns").get<std::int64_t>());
      last = std::max(last, line.at("last_ns").get<std::int64_t>());
    }
  }
  const auto written = static_cast<double>((what.events - what.warm_up()) * what.writers);
  const double delivered = what.kind == Kind::Latency ? 2 * written : written * what.readers;
  outcome.cpu_s_per_million = (cpu + broker) * 1e-9 / delivered * 1e6;
  if (what.kind == Kind::Latency) return outcome;
  outcome.per_s = delivered * 1e9 / static_cast<double>(last - first);
  outcome.writer_ns = writing / written;
  return outcome;
}

/// The pipe that the actors report into.
class Results {
 public:
  explicit Results(const WorkDirectory& work) {
    if (mkfifo(work.file("results").c_str(), 0600) != 0) fail("making " + work.file("results"));
    fd_ = open(work.file("results").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) fail("opening " + work.file("results"));
  }
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;
  ~Results() { close(fd_); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Outcome run_through_broker(const Case& what) {
  const WorkDirectory work;
  ManifestWriter manifest(what, work);
  add_actors(what, manifest);
  std::ofstream(work.file("bench.toml")) << manifest.text();
  const Results results(work);
  Program broker(work, BENCH_BROKER, work.file("bench.toml"));
  return outcome_of(what, collect(results.fd(), manifest.actors(), broker));
}

Outcome run_in_process(const Case& what) {
  const WorkDirectory work;
  const Results results(work);
  const int core = what.mode == Mode::SleepOneCore ? cores().front() : -1;
  auto settings = settings_of(what, work.file("results"), core);
  settings.emplace_back("BENCH_KIND", to_string(what.kind));
  settings.emplace_back("BENCH_READERS", std::to_string(what.readers));
  settings.emplace_back("BENCH_CAPACITY", std::to_string(what.capacity));
  Program program(work, BENCH_ACTORS, "--in-process", settings);
  std::vector<Line> lines = collect(results.fd(), what.writers + what.readers, program);
  // Each has seen the processor time of all: the largest is what they took together.
  const auto longest = std::max_element(lines.begin(), lines.end(),
                                        [](const Line& a, const Line& b) { return a.at("cpu_ns") < b.at("cpu_ns"); });
  for (auto line = lines.begin(); line != lines.end(); ++line) {
    if (line != longest) (*line)["cpu_ns"] = 0;
  }
  Outcome outcome = outcome_of(what, lines);
  outcome.writer_ns = 0;
  return outcome;
}

}  // namespace bench
