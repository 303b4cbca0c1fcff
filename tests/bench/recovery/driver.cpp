// How long an actor is away when its process is killed: from kill -9 to the first event that the replacement has
// handled, for an actor with and without a standby, and beside them what a bare fork and exec of the same program costs
// until its main(). The three take turns in one run.
//
//   bench_recovery [--json FILE] [--quick] [--kills N]

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "../options.hpp"
#include "shared.hpp"

extern char** environ;  // NOLINT: declared by POSIX in no header

namespace recovery {
namespace {

namespace fs = std::filesystem;
using Times = std::vector<double>;  // µs

constexpr auto glance = std::chrono::microseconds(100);
constexpr auto patience = std::chrono::seconds(30);

template <class Done>
void wait_until(const char* what, Done&& done) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error(std::string("waited too long for ") + what);
    std::this_thread::sleep_for(glance);
  }
}

class Run {
 public:
  Run() {
    std::string pattern = (fs::temp_directory_path() / "recovery-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("cannot make a directory like " + pattern);
    directory_ = pattern;
    const fs::path file = directory_ / "shared";
    std::ofstream(file).close();
    fs::resize_file(file, sizeof(Shared));
    setenv(shared_variable, file.c_str(), 1);
    shared_ = map_shared();
    if (!shared_) throw std::runtime_error("cannot map " + file.string());
    std::ofstream manifest(directory_ / "recovery.toml");
    const std::string common = std::string("\"\nbackoff = { base = \"1ms\", max = \"1ms\", reset_after = \"1ms\" }\n") +
                               "budget = { restarts = 10000, within = \"1h\" }\n";
    manifest << "[broker]\nname = \"recovery\"\nruntime_dir = \"" << (directory_ / "run").string() << "\"\n"
             << "[topics.\"Topic.Tick\"]\noverflow = \"block\"\ncapacity = 4096\n";
    for (int place = 0; place < 2; ++place)
      manifest << "[actors." << reader_names[place] << "]\nargs = [\"--actor\", \"Reader\"]\nsubscribes = [\"*\"]\n"
               << "publishes = []\nstandby = " << place << "\nexec = \"" << RECOVERY_ACTORS << common;
    manifest << "[actors.source]\nargs = [\"--actor\", \"Source\"]\nexec = \"" << RECOVERY_ACTORS << common;
    manifest.close();
    broker_ = spawn({RECOVERY_BROKER, (directory_ / "recovery.toml").string()}, (directory_ / "log").string());
  }
  ~Run() {
    if (broker_ > 0) {
      kill(broker_, SIGTERM);
      waitpid(broker_, nullptr, 0);
    }
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  /// µs from the kill to the first event handled.
  double kill_reader(int place) {
    wait_until("an actor that works", [&] { return shared_->first_ns[place].load() != 0; });
    if (place == 1) wait_until("a standby", [&] { return standbys() > standbys_used_; });
    if (place == 1) ++standbys_used_;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // be Ready long enough for a restart at once
    const auto pid = static_cast<pid_t>(shared_->pid[place].load());
    shared_->first_ns[place].store(0);
    const std::int64_t killed = monotonic_ns();
    kill(pid, SIGKILL);
    wait_until("the replacement", [&] { return shared_->first_ns[place].load() != 0; });
    return static_cast<double>(shared_->first_ns[place].load() - killed) / 1000;
  }

  double bare() {
    shared_->main_ns.store(0);
    const std::int64_t begun = monotonic_ns();
    const pid_t child = spawn({RECOVERY_ACTORS, "--bare"}, "/dev/null");
    waitpid(child, nullptr, 0);
    return static_cast<double>(shared_->main_ns.load() - begun) / 1000;
  }

 private:
  static pid_t spawn(std::vector<std::string> words, const std::string& output) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("cannot fork");
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      const int log = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      dup2(log, STDOUT_FILENO);
      dup2(log, STDERR_FILENO);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    return child;
  }

  /// How often the broker has said that a spare stands by.
  std::size_t standbys() const {
    std::ifstream log(directory_ / "log");
    std::size_t count = 0;
    for (std::string line; std::getline(log, line);) count += line.find("standing by") != std::string::npos ? 1 : 0;
    return count;
  }

  fs::path directory_;
  Shared* shared_ = nullptr;
  pid_t broker_ = -1;
  std::size_t standbys_used_ = 0;
};

double percentile(Times times, double part) {
  std::sort(times.begin(), times.end());
  return times[std::min(times.size() - 1, static_cast<std::size_t>(part * static_cast<double>(times.size())))];
}

void print(const char* name, const Times& times) {
  std::printf("%-42s p50 %8.0f us   p90 %8.0f us   p99 %8.0f us\n", name, percentile(times, 0.5),
              percentile(times, 0.9), percentile(times, 0.99));
}

void print_target(double figure, double most, const char* what) {
  std::printf("%s %8.3f <= %g    %s\n", figure <= most ? "pass" : "MISS", figure, most, what);
}

void write_json(const Times& bare, const Times& cold, const Times& warm, std::ostream& out) {
  out << "[";
  const char* separator = "";
  for (const auto& [name, times] :
       {std::pair("floor", &bare), std::pair("restart", &cold), std::pair("standby", &warm)}) {
    out << separator << "\n  {\"name\": \"recovery\", \"peer\": \"" << name << "\", \"runs\": " << times->size()
        << ", \"p50_us\": " << percentile(*times, 0.5) << ", \"p90_us\": " << percentile(*times, 0.9)
        << ", \"p99_us\": " << percentile(*times, 0.99) << "}";
    separator = ",";
  }
  out << "\n]\n";
}

void run(unsigned kills, const std::string& json) {
  Times bare, cold, warm;
  Run run;
  for (unsigned i = 0; i < kills; ++i) {
    bare.push_back(run.bare());
    cold.push_back(run.kill_reader(0));
    warm.push_back(run.kill_reader(1));
  }
  print("bare fork + exec, to main()", bare);
  print("kill -9 to first event handled", cold);
  print("kill -9 to first event handled, standby", warm);
  std::printf("targets:\n");
  const double floor = percentile(bare, 0.5);
  print_target(percentile(cold, 0.5) / floor, 3, "restart / bare fork + exec (p50)");
  print_target(percentile(warm, 0.5) / 1000, 1, "restart with standby, ms (p50)");
  print_target(percentile(warm, 0.5) / floor, 1, "restart with standby / bare fork + exec (p50)");
  if (!json.empty()) bench::save(json, [&](std::ostream& out) { write_json(bare, cold, warm, out); });
}

}  // namespace
}  // namespace recovery

int main(int argc, char** argv) {
  using namespace bench;
  unsigned kills = 100;
  std::string json;
  const Option quick{"--quick", "", [&](const std::string&) { return kills = 3; }};
  return drive(argc, argv, {text_option("--json", "FILE", json), quick, number_option("--kills", "N", kills)}, "",
               [&] { recovery::run(kills, json); });
}
