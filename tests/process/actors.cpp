// Real actor programs for the tests of this folder. A Puppet does what it is told through a FIFO, and what the
// manifest's environment says of its handlers:
//   ON_EVENT  "3=hang 5=die 7=deaf 9=stop-all": what to do in the handler of that Number (a redelivered one is handled)
//   ALWAYS    the same, for a redelivered one, too
//   ON_START, ON_SHUTDOWN  "hang", "throw" or "exit N"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <actor/run.hpp>
#include <control/channel.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "events.hpp"
#include "journal.hpp"

namespace puppets {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// A child of the actor's own, that ends only when somebody ends it. A runaway leaves the actor's process group.
pid_t start_child(bool runs_away = false) {
  const pid_t child = fork();
  if (child != 0) return child;
  if (runs_away) setsid();
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  hang();
}

/// Keeps its standard output busy for ever, if that can be done: something to read, and more to come.
void clog_output() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || write(STDOUT_FILENO, "x", 1) != 1) return;
  (void)splice(ends[0], nullptr, STDOUT_FILENO, nullptr, 65536, 0);
}

/// Nobody reads it just now: whatever is said next finds no room. A repetition, which the broker passes over.
void fill_control_socket() {
  const auto packet = actor::control::encode_packet<actor::control::ToBroker>(actor::control::Ready{}, 1);
  while (send(3, packet.data(), packet.size(), MSG_DONTWAIT) > 0) {
  }
}

/// Until the stack is used up.
int recurse(int depth) {
  volatile char frame[4096];
  frame[depth % 4096] = 1;
  return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

void act(const std::string& what) {
  std::istringstream words(what);
  std::string verb;
  int number = 0;
  words >> verb >> number;
  if (verb == "hang") hang();
  if (verb == "deaf") {
    std::signal(SIGABRT, SIG_IGN);
    hang();
  }
  if (verb == "exit") std::_Exit(number);
  if (verb == "die") raise(SIGKILL);
  if (verb == "abort") std::abort();
  if (verb == "recurse") recurse(0);
  if (verb == "throw") throw std::runtime_error("told to throw");
}

}  // namespace

class Puppet : public actor::Actor<Events> {
 public:
  void on_start() override {
    name_ = ctx().actor_name();
    act(variable("ON_START"));
    commands_ = open_commands(name_);
    ctx().watch(commands_, actor::Loop::Interest::Read, [this] { read_commands(); });
    write_journal(name_, "started " + std::to_string(getpid()));
  }

  void handle_event(const actor::Envelope<Events>& envelope) override {
    const bool again = envelope.redelivered();
    const std::string mark = again ? " again, attempt " + std::to_string(envelope.meta().attempt) : "";
    if (const auto* word = envelope.get_if<Word>())
      return write_journal(name_, "word " + shown(word->text) + mark + (envelope.latched() ? " latched" : ""));
    const int value = envelope.get_if<Number>()->value;
    const std::string always = told_to_do_at(value, "ALWAYS");
    const std::string todo = !always.empty() || again ? always : told_to_do_at(value, "ON_EVENT");
    if (!todo.empty()) {
      write_journal(name_, todo + " at " + std::to_string(value));
      act(todo);
      if (todo == "stop-all") {
        fill_control_socket();
        ctx().stop_runtime();
      }
    }
    write_journal(name_, "got " + std::to_string(value) + mark);
  }

  void on_shutdown() override {
    write_journal(name_, "shutdown");
    act(variable("ON_SHUTDOWN"));
  }

 private:
  /// A line of the journal must not be long.
  static std::string shown(const std::string& text) {
    return text.size() < 1000 ? text : "of " + std::to_string(text.size()) + " bytes";
  }

  static std::string told_to_do_at(int value, const char* from) {
    std::istringstream rules(variable(from));
    const std::string prefix = std::to_string(value) + '=';
    for (std::string rule; rules >> rule;) {
      if (rule.starts_with(prefix)) return rule.substr(prefix.size());
    }
    return {};
  }

  void read_commands() {
    char byte = 0;
    // One line at a time, and not a byte more: the next line may be the successor's.
    while (read(commands_, &byte, 1) == 1) {
      if (byte != '\n') {
        line_ += byte;
        continue;
      }
      obey(std::exchange(line_, {}));
      return;
    }
  }

  void obey(const std::string& command) {
    std::istringstream words(command);
    std::string verb;
    int first = 0;
    int last = 0;
    words >> verb >> first >> last;
    if (verb == "send") {
      for (int value = first; value <= last; ++value) ctx().send(Number{value});
      write_journal(name_, "sent " + std::to_string(last));
    } else if (verb == "say") {
      ctx().send(Word{command.substr(4)});
    } else if (verb == "shout") {
      ctx().send(Word{std::string(static_cast<std::size_t>(first), 'a')});
    } else if (verb == "always") {  // from now on, in place of ALWAYS
      setenv("ALWAYS", command.substr(6).c_str(), 1);
      write_journal(name_, command);
    } else if (verb == "print") {
      std::printf("%s\n", command.substr(6).c_str());
      std::fflush(stdout);
    } else if (verb == "complain") {
      std::fprintf(stderr, "%s\n", command.substr(9).c_str());
    } else if (verb == "clog") {
      write_journal(name_, "clogs");
      clog_output();
    } else if (verb == "child") {
      write_journal(name_, "child " + std::to_string(start_child()));
    } else if (verb == "runaway") {
      write_journal(name_, "runaway " + std::to_string(start_child(true)));
    } else if (verb == "stop") {
      ctx().stop();
    } else if (verb == "stop_runtime") {
      ctx().stop_runtime();
    } else {
      act(command);
    }
  }

  std::string name_;
  std::string line_;
  int commands_ = -1;
};

/// Crashes before it is there.
class Fragile : public actor::Actor<Events> {
 public:
  Fragile() { std::abort(); }
  void handle_event(const actor::Envelope<Events>&) override {}
};

/// Knows Word only: a Number is nothing to it.
class Narrow : public actor::Actor<std::variant<Word>> {
 public:
  void on_start() override { write_journal("narrow", "started " + std::to_string(getpid())); }
  void handle_event(const actor::Envelope<std::variant<Word>>& envelope) override {
    write_journal("narrow", "word " + envelope.get_if<Word>()->text);
  }
};

/// "knock HOUSE FLOOR TIMES" opens the topic Room{house,floor}; "flood HOUSE FLOOR 0" those of all floors up to it.
class Knocker : public actor::Actor<Knocks> {
 public:
  void on_start() override {
    commands_ = open_commands("knocker");
    ctx().watch(commands_, actor::Loop::Interest::Read, [this] { read_commands(); });
    write_journal("knocker", "started " + std::to_string(getpid()));
  }

 private:
  void read_commands() {
    char text[512];
    const ssize_t count = read(commands_, text, sizeof text);
    std::istringstream words(std::string(text, count > 0 ? static_cast<std::size_t>(count) : 0));
    for (std::string verb, house; words >> verb >> house;) {
      int floor = 0;
      int times = 0;
      words >> floor >> times;
      for (int i = verb == "flood" ? 0 : floor; i <= floor; ++i) ctx().send(Knock{{house, i}, times});
    }
  }
  int commands_ = -1;
};

class Porter : public actor::Actor<Knocks> {
 public:
  void on_start() override { write_journal(name(), "started " + std::to_string(getpid())); }
  void handle_event(const actor::Envelope<Knocks>& envelope) override {
    const Knock& knock = *envelope.get_if<Knock>();
    write_journal(name(), std::string(envelope.topic()) + " times " + std::to_string(knock.times));
  }

 private:
  std::string name() { return std::string(ctx().actor_name()); }
};

/// Writes down what the broker tells of actors.
using Told = std::variant<Number, actor::sys::Up, actor::sys::Ready, actor::sys::Down, actor::sys::Quarantined>;
class Watcher : public actor::Actor<Told> {
  void handle_event(const actor::Envelope<Told>& envelope) override {
    const std::string self(ctx().actor_name());
    const auto note = [&](const std::string& what, const std::string& who, std::uint32_t incarnation) {
      write_journal(self, what + " " + who + " " + std::to_string(incarnation));
    };
    if (const auto* up = envelope.get_if<actor::sys::Up>()) note("up", up->actor, up->incarnation);
    if (const auto* ready = envelope.get_if<actor::sys::Ready>()) note("ready", ready->actor, ready->incarnation);
    if (const auto* gone = envelope.get_if<actor::sys::Quarantined>())
      note("quarantined", gone->actor, gone->incarnation);
    if (const auto* down = envelope.get_if<actor::sys::Down>()) {
      const std::string hand = down->last_event ? " over an event" : "";
      note("down " + down->reason + hand + (down->comes_back ? ", comes back:" : ":"), down->actor, down->incarnation);
    }
    if (envelope.get_if<Number>()) write_journal(self, "number from " + std::string(envelope.sender().name()));
  }
};

}  // namespace puppets

int main(int argc, char** argv) {
  using namespace puppets;  // NOLINT: nothing else is in here
  return actor::run<Fragile, Puppet, Narrow, Knocker, Porter, Watcher>(argc, argv);
}
