#pragma once
// A broker as a user has it, for one test: a directory of its own (manifest, XDG_RUNTIME_DIR, what the puppets hang
// on), actor-broker as a child, actorctl run beside it. The test waits for what it can see: lines of the broker, lines
// of the puppets' journal, what `ps` says. A wait that lasts too long fails the test with all that was said. The test's
// process adopts every process that a broker leaves behind, so none goes unseen. One thread; programs by PATH.

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <control/fd.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace process_test {

/// The lines that came out of a descriptor so far.
class Lines {
 public:
  explicit Lines(actor::Fd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }
  void read_what_is_there();
  const std::vector<std::string>& all() const { return lines_; }
  std::size_t count(const std::string& whole_line) const;
  std::size_t count_with(const std::string& part) const;
  /// The first line with `part` in it; empty without one.
  std::string first_with(const std::string& part) const;

 private:
  actor::Fd fd_;
  std::string rest_;
  std::vector<std::string> lines_;
};

/// What a program that ran to its end said, and its exit code (128 + signal when killed).
struct Finished {
  int code = 0;
  std::string said;
};

class Broker;

class RuntimeTest : public testing::Test {
 protected:
  RuntimeTest();
  ~RuntimeTest() override;

  /// "[actors.NAME]" for a program of this folder, with further lines of its section. It may take its time to start.
  std::string section(const std::string& name, const std::string& more = "", const std::string& actor_class = "Puppet",
                      const std::string& program = "process_actors");
  /// A limit that a program which starts alone keeps: longer than `at_least` where programs start slowly (emulation).
  std::chrono::milliseconds enough_for_a_start(std::chrono::milliseconds at_least);
  /// Writes the manifest and starts a broker with it.
  Broker& start(const std::string& manifest, std::vector<std::string> options = {});
  /// A line for the puppet's command FIFO.
  void tell(const std::string& puppet, const std::string& command);
  /// Starts a puppet by hand; its process number.
  pid_t start_by_hand(const std::string& name, std::vector<std::string> options, const std::string& on_event = "");

  Lines& journal() { return *journal_; }
  /// Until the journal holds this line so many times.
  void wait_for(const std::string& journal_line, std::size_t times = 1);
  /// Until the condition holds; everything that is said meanwhile is read. `what` for the failure's text.
  void wait_until(const std::string& what, const std::function<bool()>& condition);
  /// The number at the end of the last journal line that begins so.
  pid_t pid_in_journal(const std::string& beginning);
  void wait_for_exit(pid_t pid);
  /// At rest every event that was sent is somewhere.
  static void expect_the_account_to_balance(Broker& broker);
  /// No process of any broker is left, and nothing in the runtime directory.
  void expect_nothing_left();

  Finished run(const std::string& command);
  /// Runs actorctl beside the test; what it says so far, by the name that the test gives it.
  pid_t start_tool(const std::string& arguments, const std::string& name);
  /// The same for any command.
  pid_t start_program(const std::string& command, const std::string& name);
  std::string output_of(const std::string& name) const;
  std::string errors_of(const std::string& name) const;
  const std::filesystem::path& directory() const { return directory_; }

 private:
  friend class Broker;
  void read_all(int timeout_ms);
  void reap();
  std::string transcript() const;

  std::filesystem::path directory_;
  std::unique_ptr<Lines> journal_;
  std::map<std::string, actor::Fd> commands_;
  std::vector<std::unique_ptr<Broker>> brokers_;
  std::map<pid_t, int> ended_;  // wait statuses
};

class Broker {
 public:
  Broker(RuntimeTest& test, const std::filesystem::path& manifest, const std::vector<std::string>& options);

  pid_t pid() const { return pid_; }
  /// The actors' lines, and the broker's own.
  Lines& out() { return out_; }
  Lines& log() { return log_; }
  void wait_for_log(const std::string& part, std::size_t times = 1);
  /// Until an actor has printed it.
  void wait_for_line(const std::string& part);

  nlohmann::json ps();
  /// Its line of ps. Throws when there is none.
  nlohmann::json actor(const std::string& name);
  /// Until the actor is in this state.
  void wait_for_state(const std::string& name, const std::string& state);
  void wait_for_incarnation(const std::string& name, int incarnation);
  pid_t brain_pid();
  Finished ctl(const std::string& arguments);
  /// As a terminal does it: the whole foreground process group gets the signal.
  void interrupt();
  void signal(int number);
  /// Its exit code, or minus the signal that killed it.
  int wait_for_end();

 private:
  nlohmann::json find_actor(const std::string& name);

  RuntimeTest& test_;
  Lines out_;
  Lines log_;
  pid_t pid_ = -1;
};

}  // namespace process_test
