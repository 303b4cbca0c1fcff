// Actors and tools that speak rubbish to the broker: they come to their end, and nobody else notices.

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Rubbish : public RuntimeTest {
 protected:
  /// Where whoever connects may write, and nobody reads.
  std::string port() {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    nobody_reads_ = actor::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(nobody_reads_.get(), generic, bytes), 0);
    EXPECT_EQ(::listen(nobody_reads_.get(), 100), 0);
    EXPECT_EQ(::getsockname(nobody_reads_.get(), generic, &bytes), 0);
    return std::to_string(ntohs(address.sin_port));
  }
  std::string speaker(const std::string& name, const std::string& what) {
    return "[actors." + name + "]\nexec = \"process_rubbish\"\nargs = [\"" + what + "\", \"" + port() +
           "\", \"5\"]\nrestart = \"temporary\"\nstart_timeout = \"1h\"\n";
  }
  std::string control_socket() { return (directory() / "run/actor/test/control.sock").string(); }
  Broker& start_honest(const std::string& of_broker = "") {
    Broker& broker = start("[broker]\nname = \"test\"\n" + of_broker + section("honest"));
    broker.wait_for_state("honest", "ready");
    return broker;
  }
  /// An actor that does so is killed, and everything goes on.
  void expect_killed(const std::string& what_it_does, const std::string& why) {
    Broker& broker = start_honest();
    const pid_t brain = broker.brain_pid();
    std::ofstream(directory() / "test0.toml", std::ios::app) << speaker("rubbish", what_it_does);
    EXPECT_EQ(broker.ctl("reload").code, 0);
    broker.wait_for_log(why);
    broker.wait_for_state("rubbish", "ended");
    expect_undisturbed(broker, brain);
  }
  /// The broker as it was, with all that it does.
  void expect_undisturbed(Broker& broker, pid_t brain) {
    EXPECT_EQ(broker.ctl("restart honest").code, 0);
    broker.wait_for_incarnation("honest", 2);
    broker.wait_for_state("honest", "ready");
    tell("honest", "print still heard");
    broker.wait_for_line("still heard");
    EXPECT_EQ(broker.brain_pid(), brain);
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }

 private:
  actor::Fd nobody_reads_;
};

TEST_F(Rubbish, WhoPrintsADescriptorIsKilledAndItsCloseIsWaitedForByNobody) {
  expect_killed("print", "it sent a descriptor to its standard output or error");
}

TEST_F(Rubbish, SoIsWhoSendsOneOverItsControlSocket) {
  expect_killed("say", "it sent a descriptor that is no shared memory");
}

TEST_F(Rubbish, AToolThatDoesSoIsHungUpOn) {
  Broker& broker = start_honest();
  const pid_t brain = broker.brain_pid();
  EXPECT_EQ(run("process_rubbish say " + port() + " 5 " + control_socket()).code, 0);
  broker.wait_for_log("closed a connection that broke the control protocol: it sent a descriptor");
  expect_undisturbed(broker, brain);
}

TEST_F(Rubbish, WhoKnocksAllTheTimeKeepsNobodyElseOut) {
  Broker& broker = start_honest("brain_watchdog = \"2s\"\n");
  const pid_t brain = broker.brain_pid();
  std::vector<pid_t> knocking;
  for (int i = 0; i < 4; ++i)
    knocking.push_back(start_program("process_rubbish knock " + control_socket(), "knock" + std::to_string(i)));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(broker.brain_pid(), brain);
  for (const pid_t pid : knocking) {
    EXPECT_EQ(::kill(pid, SIGKILL), 0);
    wait_for_exit(pid);
  }
  EXPECT_EQ(broker.brain_pid(), brain) << "it was let in after all of them";
  EXPECT_LE(broker.log().count_with("refused a connection"), 20u) << "a line for powers of ten";
  expect_undisturbed(broker, brain);
}

}  // namespace
}  // namespace process_test
