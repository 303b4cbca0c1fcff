#include "runtime_under_test.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace process_test {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

/// A watchdog against hangs, below that of ctest so that the transcript gets out.
constexpr std::chrono::seconds too_long(TOO_LONG_S);
/// Between two looks at what cannot be waited for: `ps`, and processes that are no children.
constexpr int glance_ms = 5;

[[noreturn]] void fail(const std::string& doing) {
  throw std::runtime_error(doing + ": " + std::strerror(errno));
}

std::pair<actor::Fd, actor::Fd> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {actor::Fd(ends[0]), actor::Fd(ends[1])};
}

actor::Fd make_fifo(const std::filesystem::path& path) {
  if (mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) fail("making " + path.string());
  actor::Fd fifo(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fifo) fail("opening " + path.string());
  fcntl(fifo.get(), F_SETPIPE_SZ, 1 << 20);
  return fifo;
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::vector<pid_t> children() {
  std::ifstream file("/proc/self/task/" + std::to_string(gettid()) + "/children");
  std::vector<pid_t> result;
  for (pid_t pid = 0; file >> pid;) result.push_back(pid);
  return result;
}

/// Starts a program; its standard output and error go to `out` and `err` if those are set.
pid_t spawn(const std::vector<std::string>& words, int out, int err) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid > 0) return pid;
  setpgid(0, 0);
  if (out >= 0) dup2(out, STDOUT_FILENO);
  if (err >= 0) dup2(err, STDERR_FILENO);
  execvp(argv[0], argv.data());
  std::fprintf(stderr, "cannot run %s: %s\n", argv[0], std::strerror(errno));
  _exit(127);
}

}  // namespace

void Lines::read_what_is_there() {
  char buffer[16384];
  for (ssize_t count; (count = read(fd_.get(), buffer, sizeof buffer)) > 0;) {
    rest_.append(buffer, static_cast<std::size_t>(count));
    for (std::size_t end; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1))
      lines_.push_back(rest_.substr(0, end));
  }
}

std::size_t Lines::count(const std::string& whole_line) const {
  return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), whole_line));
}

std::size_t Lines::count_with(const std::string& part) const {
  return static_cast<std::size_t>(std::count_if(
      lines_.begin(), lines_.end(), [&](const std::string& line) { return line.find(part) != std::string::npos; }));
}

std::string Lines::first_with(const std::string& part) const {
  for (const std::string& line : lines_) {
    if (line.find(part) != std::string::npos) return line;
  }
  return {};
}

// ---- RuntimeTest

RuntimeTest::RuntimeTest() {
  // qemu-user does not know it (EINVAL): the tests that need it are in tests/qemu-user.txt.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 && errno != EINVAL) fail("becoming a subreaper");
  std::string pattern = (std::filesystem::temp_directory_path() / "process-XXXXXX").string();
  if (!mkdtemp(pattern.data())) fail("making the directory " + pattern);
  directory_ = pattern;
  std::filesystem::create_directory(directory_ / "run");
  setenv("XDG_RUNTIME_DIR", (directory_ / "run").c_str(), 1);
  setenv("XDG_STATE_HOME", (directory_ / "state").c_str(), 1);
  setenv("PUPPETS", directory_.c_str(), 1);
  journal_ = std::make_unique<Lines>(make_fifo(directory_ / "journal"));
}

RuntimeTest::~RuntimeTest() {
  while (true) {
    reap();
    const auto left = children();
    if (left.empty()) break;
    for (const pid_t child : left) kill(child, SIGKILL);
    poll(nullptr, 0, glance_ms);
  }
  if (HasFailure()) std::cerr << transcript();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string RuntimeTest::section(const std::string& name, const std::string& more, const std::string& actor_class,
                                 const std::string& program) {
  commands_[name] = make_fifo(directory_ / (name + ".commands"));
  // Many programs that start at once on an emulated machine take longer than the default.
  const bool own_limit = more.find("start_timeout") != std::string::npos;
  return "[actors." + name + "]\nexec = \"" + program + "\"\nargs = [\"--actor\", \"" + actor_class + "\"]\n" +
         (own_limit ? "" : "start_timeout = \"1h\"\n") + more + '\n';
}

std::chrono::milliseconds RuntimeTest::enough_for_a_start(std::chrono::milliseconds at_least) {
  const auto began = Clock::now();
  run("process_actors");  // it says how it is called
  return std::max(at_least, 10 * std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - began));
}

Broker& RuntimeTest::start(const std::string& manifest, std::vector<std::string> options) {
  const auto path = directory_ / ("test" + std::to_string(brokers_.size()) + ".toml");
  std::ofstream(path) << manifest;
  brokers_.push_back(std::make_unique<Broker>(*this, path, options));
  return *brokers_.back();
}

void RuntimeTest::tell(const std::string& puppet, const std::string& command) {
  if (!commands_.contains(puppet)) commands_[puppet] = make_fifo(directory_ / (puppet + ".commands"));
  const std::string line = command + '\n';
  if (write(commands_.at(puppet).get(), line.data(), line.size()) < 0) fail("telling " + puppet + ' ' + command);
}

pid_t RuntimeTest::start_by_hand(const std::string& name, std::vector<std::string> options,
                                 const std::string& on_event) {
  if (!commands_.contains(name)) commands_[name] = make_fifo(directory_ / (name + ".commands"));
  std::vector<std::string> words = {"process_actors", "--actor", "Puppet", "--name", name};
  words.insert(words.end(), options.begin(), options.end());
  setenv("ON_EVENT", on_event.c_str(), 1);
  const pid_t pid = spawn(words, -1, -1);
  unsetenv("ON_EVENT");
  return pid;
}

void RuntimeTest::read_all(int timeout_ms) {
  std::vector<pollfd> polled{{journal_->fd(), POLLIN, 0}};
  poll(polled.data(), polled.size(), timeout_ms);
  journal_->read_what_is_there();
  for (const auto& broker : brokers_) {
    broker->out().read_what_is_there();
    broker->log().read_what_is_there();
  }
  reap();
}

void RuntimeTest::reap() {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) ended_[pid] = status;
}

void RuntimeTest::wait_until(const std::string& what, const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + too_long;
  for (read_all(0); !condition(); read_all(glance_ms)) {
    if (Clock::now() > deadline) throw std::runtime_error("waited too long for: " + what);
  }
}

void RuntimeTest::wait_for(const std::string& journal_line, std::size_t times) {
  wait_until("the journal's line '" + journal_line + "'", [&] { return journal().count(journal_line) >= times; });
}

pid_t RuntimeTest::pid_in_journal(const std::string& beginning) {
  pid_t pid = 0;
  wait_until("a journal line that begins with " + beginning, [&] {
    for (const std::string& line : journal().all()) {
      if (line.starts_with(beginning + ' ')) pid = std::stoi(line.substr(beginning.size()));
    }
    return pid != 0;
  });
  return pid;
}

void RuntimeTest::wait_for_exit(pid_t pid) {
  wait_until("the end of process " + std::to_string(pid), [&] { return kill(pid, 0) != 0 && errno == ESRCH; });
}

void RuntimeTest::expect_the_account_to_balance(Broker& broker) {
  const nlohmann::json answer = broker.ps();
  std::uint64_t sent = 0;
  std::uint64_t found = 0;
  for (const auto& row : answer.at("actors")) {
    sent += row.at("sent").get<std::uint64_t>();
    for (const char* where : {"handled", "skipped", "dropped", "dead_lettered", "queued"})
      found += row.at(where).get<std::uint64_t>();
  }
  EXPECT_EQ(sent, found) << answer.dump(1);
}

void RuntimeTest::expect_nothing_left() {
  wait_until("the end of all processes of the runtime", [] { return children().empty(); });
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / "run")) {
    // The directory that all brokers of a user share may stay.
    EXPECT_EQ(entry.path(), directory_ / "run" / "actor") << "was left behind";
  }
}

Finished RuntimeTest::run(const std::string& command) {
  auto [reading, writing] = make_pipe();
  const pid_t pid = spawn({"sh", "-c", command}, writing.get(), writing.get());
  writing.reset();
  Finished finished;
  char buffer[16384];
  wait_until("the end of: " + command, [&, &in = reading] {
    for (ssize_t count; (count = read(in.get(), buffer, sizeof buffer)) > 0;)
      finished.said.append(buffer, static_cast<std::size_t>(count));
    return ended_.contains(pid);
  });
  for (ssize_t count; (count = read(reading.get(), buffer, sizeof buffer)) > 0;)
    finished.said.append(buffer, static_cast<std::size_t>(count));
  finished.code = exit_code(ended_.at(pid));
  return finished;
}

pid_t RuntimeTest::start_tool(const std::string& arguments, const std::string& name) {
  return start_program("actorctl --broker test " + arguments, name);
}

pid_t RuntimeTest::start_program(const std::string& command, const std::string& name) {
  const std::string file = (directory_ / name).string();
  const Finished started = run(command + " > " + file + ".out 2> " + file + ".err & echo $!");
  return static_cast<pid_t>(std::stoi(started.said));
}

std::string RuntimeTest::output_of(const std::string& name) const {
  std::ifstream file(directory_ / (name + ".out"));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string RuntimeTest::errors_of(const std::string& name) const {
  std::ifstream file(directory_ / (name + ".err"));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string RuntimeTest::transcript() const {
  std::string text = "---- the journal\n";
  for (const std::string& line : journal_->all()) text += line + '\n';
  for (const auto& broker : brokers_) {
    text += "---- the broker " + std::to_string(broker->pid()) + "\n";
    for (const std::string& line : broker->log().all()) text += line + '\n';
    text += "---- its actors\n";
    for (const std::string& line : broker->out().all()) text += line + '\n';
  }
  return text;
}

// ---- Broker

namespace {

/// Where a child's lines go: the reading end stays with the test.
struct Ends {
  std::pair<actor::Fd, actor::Fd> out = make_pipe();
  std::pair<actor::Fd, actor::Fd> err = make_pipe();
};

}  // namespace

Broker::Broker(RuntimeTest& test, const std::filesystem::path& manifest, const std::vector<std::string>& options)
    : test_(test), out_(actor::Fd()), log_(actor::Fd()) {
  Ends ends;
  std::vector<std::string> words = {"actor-broker", manifest.string()};
  words.insert(words.end(), options.begin(), options.end());
  pid_ = spawn(words, ends.out.second.get(), ends.err.second.get());
  out_ = Lines(std::move(ends.out.first));
  log_ = Lines(std::move(ends.err.first));
}

void Broker::wait_for_log(const std::string& part, std::size_t times) {
  test_.wait_until("the broker's line with '" + part + "'", [&] { return log_.count_with(part) >= times; });
}

void Broker::wait_for_line(const std::string& part) {
  test_.wait_until("an actor's line with '" + part + "'", [&] { return out_.count_with(part) >= 1; });
}

Finished Broker::ctl(const std::string& arguments) {
  return test_.run("exec actorctl --broker " + std::string("test ") + arguments);
}

Json Broker::ps() {
  Json answer;
  test_.wait_until("an answer to ps", [&] {
    const Finished finished = ctl("--json ps");
    answer = Json::parse(finished.said, nullptr, false);
    return finished.code == 0 && answer.is_object();
  });
  return answer;
}

Json Broker::find_actor(const std::string& name) {
  const Json answer = ps();
  for (const Json& row : answer.at("actors")) {
    if (row.at("name") == name) return row;
  }
  return nullptr;
}

Json Broker::actor(const std::string& name) {
  Json row = find_actor(name);
  if (row.is_null()) throw std::runtime_error("ps does not know " + name);
  return row;
}

void Broker::wait_for_state(const std::string& name, const std::string& state) {
  // Who is started by hand is unknown until it has said hello.
  test_.wait_until(name + " to be " + state, [&] {
    const Json row = find_actor(name);
    return !row.is_null() && row.at("state") == state;
  });
}

void Broker::wait_for_incarnation(const std::string& name, int incarnation) {
  test_.wait_until("the next life of " + name, [&] {
    const Json row = actor(name);
    return row.at("incarnation") == incarnation && row.at("state") == "ready";
  });
}

pid_t Broker::brain_pid() {
  return ps().at("broker").at("pid").get<pid_t>();
}

void Broker::interrupt() {
  kill(-pid_, SIGINT);
}

void Broker::signal(int number) {
  kill(pid_, number);
}

int Broker::wait_for_end() {
  test_.wait_until("the broker's end", [&] { return test_.ended_.contains(pid_); });
  test_.read_all(0);
  return exit_code(test_.ended_.at(pid_));
}

}  // namespace process_test
