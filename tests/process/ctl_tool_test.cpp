// actorctl as a program: what it does without a broker, with several, without an output, and on a terminal.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Tool : public RuntimeTest {
 protected:
  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
  }
};

TEST_F(Tool, WithoutABrokerItSaysSoAndWhatToDo) {
  for (const char* verb : {"ps", "top --once", "topology", "tail T", "send T {}", "why a", "logs a", "reload"}) {
    const Finished finished = run(std::string("actorctl ") + verb);
    EXPECT_EQ(finished.code, 3) << verb;
    EXPECT_NE(finished.said.find("no broker of this user is running"), std::string::npos) << finished.said;
    EXPECT_NE(finished.said.find("start one with actor-broker MANIFEST"), std::string::npos);
  }
}

TEST_F(Tool, WithSeveralBrokersItAsksWhichAndThereItIs) {
  Broker& attic = start("[broker]\nname = \"attic\"\n" + section("a"));
  Broker& cellar = start("[broker]\nname = \"cellar\"\n" + section("b"));
  wait_until("both", [&] {
    return run("actorctl --broker attic ps").code == 0 && run("actorctl --broker cellar ps").code == 0;
  });
  const Finished finished = run("actorctl ps");
  EXPECT_EQ(finished.code, 3);
  EXPECT_NE(finished.said.find("several brokers are running: attic, cellar"), std::string::npos) << finished.said;
  EXPECT_NE(run("actorctl ps --broker cellar").said.find("b "), std::string::npos);
  const Finished elsewhere = run("actorctl ps --broker garden");
  EXPECT_EQ(elsewhere.code, 3);
  EXPECT_NE(elsewhere.said.find("running are: attic, cellar"), std::string::npos) << elsewhere.said;
  end(attic);
  end(cellar);
}

TEST_F(Tool, MembersOfTheGroupThatTheRuntimeDirectoryIsOpenToMayAskButBeNoActors) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may change the user";
  const auto open = directory() / "open";
  std::filesystem::create_directory(open);
  ASSERT_EQ(chown(open.c_str(), 0, 12345), 0);
  std::filesystem::permissions(open, std::filesystem::perms(0750));
  std::filesystem::permissions(directory(), std::filesystem::perms(0755));
  Broker& broker = start("[broker]\nname = \"test\"\nruntime_dir = \"open\"\n" + section("a"));
  wait_until("it is ready", [&] {
    return run("actorctl --broker " + open.string() + " ps").said.find(" ready ") != std::string::npos;
  });
  const auto as = [&](const std::string& groups, const std::string& program, const std::string& arguments) {
    return run("setpriv --reuid 12346 --regid 12346 " + groups + " " + program + " --broker " + open.string() + " " +
               arguments);
  };
  const Finished member = as("--groups 12345", "actorctl", "ps");
  EXPECT_EQ(member.code, 0) << member.said;
  EXPECT_NE(member.said.find(" ready "), std::string::npos) << member.said;
  EXPECT_EQ(as("--groups 12345", "actorctl", "restart a").code, 0);
  const Finished stranger = as("--clear-groups", "actorctl", "ps");
  EXPECT_EQ(stranger.code, 3);
  EXPECT_NE(stranger.said.find("is that of user 'root', and this user may not ask it: sudo actorctl --broker "),
            std::string::npos)
      << stranger.said;
  const Finished actor = as("--groups 12345", "process_actors", "--actor Puppet --name guest");
  EXPECT_NE(actor.code, 0);
  EXPECT_NE(actor.said.find("actors are started by hand by the broker's own user or root"), std::string::npos)
      << actor.said;
  end(broker);
}

TEST_F(Tool, AnOutputThatTakesNothingIsAnErrorAndAPipeThatEndsIsNone) {
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("a"));
  broker.wait_for_state("a", "ready");
  const Finished closed = run("actorctl ps 2>&1 >&-");
  EXPECT_EQ(closed.code, 1);
  EXPECT_NE(closed.said.find("cannot write to stdout: Bad file descriptor"), std::string::npos) << closed.said;
  const Finished full = run("actorctl ps 2>&1 >/dev/full");
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.said.find("No space left on device"), std::string::npos) << full.said;
  // The reader has gone: it ends as any filter does, without a word.
  EXPECT_EQ(run("actorctl top -i 0.05 | head -n 1 >/dev/null").said, "");
  EXPECT_EQ(broker.actor("a")["state"], "ready");
  end(broker);
}

TEST_F(Tool, ChecksAManifestWithoutABroker) {
  std::ofstream(directory() / "good.toml") << "[actors.a]\nexec = \"/bin/true\"\n";
  std::ofstream(directory() / "bad.toml") << "[actors.a]\nexec = \"/bin/true\"\nrestart = \"often\"\n";
  const Finished good = run("actorctl check " + (directory() / "good.toml").string());
  EXPECT_EQ(good.code, 0);
  EXPECT_NE(good.said.find("OK: broker 'good', 1 actors"), std::string::npos) << good.said;
  const Finished bad = run("actorctl check " + (directory() / "bad.toml").string());
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.said.find("bad.toml:3:11: actors.a.restart"), std::string::npos) << bad.said;
  const auto json = nlohmann::json::parse(run("actorctl --json check " + (directory() / "bad.toml").string()).said);
  EXPECT_EQ(json["errors"][0]["line"], 3);
  EXPECT_EQ(json["errors"][0]["key"], "actors.a.restart");
}

/// In a container without /dev/pts there are none to be had.
bool can_make_terminals() {
  const actor::Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  return static_cast<bool>(terminal);
}

class TopOnATerminal : public Tool {
 protected:
  void SetUp() override {
    if (!can_make_terminals()) GTEST_SKIP() << "no pseudo-terminal can be made here (/dev/pts)";
  }
  /// `top` between two looks at the terminal's settings, on a terminal of its own whose keyboard is a FIFO.
  pid_t start_top() {
    mkfifo((directory() / "keys").c_str(), 0600);
    keys_.open(directory() / "keys", std::ios::in | std::ios::out);
    std::ofstream(directory() / "session") << "trap : INT\n"
                                           << "stty -a > " << (directory() / "before").string() << "\n"
                                           << "actorctl --broker test top -i 0.05\n"
                                           << "echo ended $?\n"
                                           << "stty -a > " << (directory() / "after").string() << "\n";
    const Finished started =
        run("TERM=xterm script -qfec 'sh " + (directory() / "session").string() + "' " +
            (directory() / "screen").string() + " < " + (directory() / "keys").string() + " >/dev/null 2>&1 & echo $!");
    return static_cast<pid_t>(std::stoi(started.said));
  }
  std::string text_of(const char* name) {
    std::ifstream file(directory() / name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void end_with(const std::string& key) {
    Broker& broker = start("[broker]\nname = \"test\"\n" + section("a"));
    broker.wait_for_state("a", "ready");
    const pid_t top = start_top();
    wait_until("the table", [&] { return text_of("screen").find("HANDLED/s") != std::string::npos; });
    EXPECT_NE(text_of("screen").find("\x1b[?1049h"), std::string::npos) << "it is on the second screen";
    keys_ << key << std::flush;
    wait_until("its end", [&] { return text_of("screen").find("ended 0") != std::string::npos; });
    wait_for_exit(top);
    const std::string screen = text_of("screen");
    EXPECT_LT(screen.find("\x1b[?25h\x1b[?1049l"), screen.find("ended 0")) << "back on the first, with a cursor";
    EXPECT_EQ(text_of("before"), text_of("after"));
    EXPECT_NE(text_of("before").find(" echo"), std::string::npos);
    end(broker);
  }

  std::fstream keys_;
};

TEST_F(TopOnATerminal, EndsWithQAndLeavesItAsItWas) {
  end_with("q");
}

TEST_F(TopOnATerminal, EndsWithControlCAndLeavesItAsItWas) {
  end_with("\x03");
}

TEST_F(Tool, ColoursATerminalUnlessNoColorSaysOtherwise) {
  if (!can_make_terminals()) GTEST_SKIP() << "no pseudo-terminal can be made here (/dev/pts)";
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("a"));
  broker.wait_for_state("a", "ready");
  const std::string on_a_terminal = " script -qec 'actorctl --broker test ps' /dev/null";
  EXPECT_NE(run("TERM=xterm" + on_a_terminal).said.find("\x1b[32mready"), std::string::npos);
  EXPECT_EQ(run("NO_COLOR=1 TERM=xterm" + on_a_terminal).said.find('\x1b'), std::string::npos);
  EXPECT_EQ(run("TERM=dumb" + on_a_terminal).said.find('\x1b'), std::string::npos);
  EXPECT_EQ(broker.ctl("ps").said.find('\x1b'), std::string::npos);
  end(broker);
}

}  // namespace
}  // namespace process_test
