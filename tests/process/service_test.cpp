// What a service manager hears from a broker: the test listens where NOTIFY_SOCKET says.

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Service : public RuntimeTest {
 protected:
  Service() {
    const std::string path = (directory() / "notify").string();
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    socket_ = actor::Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot listen at " + path);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Service() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }
  std::size_t heard(const std::string& text) {
    char buffer[4096];
    for (ssize_t bytes; (bytes = recv(socket_.get(), buffer, sizeof buffer, 0)) > 0;)
      heard_.emplace_back(buffer, static_cast<std::size_t>(bytes));
    return static_cast<std::size_t>(std::count_if(heard_.begin(), heard_.end(), [&](const std::string& message) {
      return message.find(text) != std::string::npos;
    }));
  }
  void wait_to_hear(const std::string& text, std::size_t times = 1) {
    wait_until("\"" + text + "\" from the broker", [&] { return heard(text) >= times; });
  }
  std::string environment_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  actor::Fd socket_;
  std::vector<std::string> heard_;
};

TEST_F(Service, IsReadyWhenAllActorsAreAndSaysWhatItDoes) {
  const std::string failing = "env = { ON_START = \"exit 3\" }\nbudget = { restarts = 0, within = \"1h\" }\n";
  Broker& broker =
      start("[broker]\nname = \"test\"\n" + section("sink", "subscribes = [\"*\"]\n") + section("failing", failing));
  wait_to_hear("READY=1");
  EXPECT_EQ(heard("STATUS=1 of 2 actors ready; failing quarantined"), 1U);
  EXPECT_EQ(heard("WATCHDOG=1"), 0U) << "nobody asked for it";
  EXPECT_EQ(environment_of(broker.actor("sink").at("pid")).find("NOTIFY_SOCKET"), std::string::npos);
  EXPECT_EQ(broker.ctl("reload").code, 0);
  wait_to_hear("RELOADING=1\nMONOTONIC_USEC=");
  wait_to_hear("READY=1", 2);
  broker.signal(SIGTERM);
  wait_to_hear("STOPPING=1");
  EXPECT_EQ(broker.wait_for_end(), 0);
}

TEST_F(Service, IsReadyWhenTheOthersWaitForOneThatDoesNotCome) {
  Broker& broker =
      start("[broker]\nname = \"test\"\n" + section("app", "depends_on = { store = \"ready\" }\n") +
            section("later", "depends_on = { app = \"ready\" }\n") + section("sibling") +
            section("store", "env = { ON_START = \"exit 3\" }\nbudget = { restarts = 0, within = \"1h\" }\n"));
  wait_to_hear("READY=1");
  EXPECT_EQ(heard("STATUS=1 of 4 actors ready; store quarantined"), 1U);
  EXPECT_EQ(broker.actor("later").at("state"), "waiting");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

TEST_F(Service, HearsThatTheBrainLivesAndTheNextBrainGoesOn) {
  setenv("WATCHDOG_USEC", "20000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("sink"));
  wait_to_hear("READY=1");
  wait_to_hear("WATCHDOG=1", 3);
  const pid_t brain = broker.brain_pid();
  ASSERT_EQ(kill(brain, SIGKILL), 0);
  broker.wait_for_log("a new brain goes on");
  const std::size_t before = heard("WATCHDOG=1");
  wait_to_hear("WATCHDOG=1", before + 3);
  EXPECT_EQ(heard("READY=1"), 1U) << "it was ready all the time";
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

}  // namespace
}  // namespace process_test
