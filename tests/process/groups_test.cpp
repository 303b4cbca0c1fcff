// Actors that belong together, under a real broker: who is restarted with whom, in which order, what happens when
// restarting does not help, and who waits for whom.

#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Groups : public RuntimeTest {
 protected:
  const std::string head_ = "[broker]\nname = \"test\"\n";

  void wait_for_ready(Broker& broker, const std::vector<std::string>& names) {
    for (const auto& name : names) broker.wait_for_state(name, "ready");
  }
  void end(Broker& broker, int code = 0) {
    if (code == 0) broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), code);
    expect_nothing_left();
  }
  /// The position of a journal line among all; its `times`-th occurrence.
  std::size_t place(const std::string& beginning, std::size_t times = 1) {
    const auto& lines = journal().all();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].starts_with(beginning) && --times == 0) return i;
    }
    ADD_FAILURE() << "no line '" << beginning << "'";
    return 0;
  }
};

TEST_F(Groups, OneForAllStopsTheOthersInReverseAndStartsThemAnewWithTheirMailboxes) {
  Broker& broker =
      start(head_ + "[groups.g]\nstrategy = \"one_for_all\"\n" + section("x") + section("a", "member_of = \"g\"\n") +
            section("b", "member_of = \"g\"\n") + section("c", "member_of = \"g\"\n"));
  wait_for_ready(broker, {"x", "a", "b", "c"});
  tell("b", "die");
  for (const std::string name : {"a", "b", "c"}) broker.wait_for_incarnation(name, 2);
  wait_for_ready(broker, {"a", "b", "c"});
  EXPECT_EQ(broker.actor("x").at("incarnation"), 1);
  EXPECT_LT(place("c: shutdown"), place("a: shutdown"));
  EXPECT_LT(place("a: shutdown"), place("a: started", 2));
  EXPECT_EQ(broker.actor("a").at("last_exit"), "clean");
  EXPECT_NE(broker.log().first_with("b: died").find("with group 'g'"), std::string::npos);
  end(broker);
}

TEST_F(Groups, RestForOneRestartsWhatStartedAfterIt) {
  Broker& broker = start(head_ + "[groups.g]\nstrategy = \"rest_for_one\"\n" + section("a", "member_of = \"g\"\n") +
                         section("b", "member_of = \"g\"\n") + section("c", "member_of = \"g\"\n"));
  wait_for_ready(broker, {"a", "b", "c"});
  tell("b", "die");
  broker.wait_for_incarnation("c", 2);
  broker.wait_for_incarnation("b", 2);
  EXPECT_EQ(broker.actor("a").at("incarnation"), 1);
  end(broker);
}

TEST_F(Groups, AGroupWhoseBudgetIsUsedUpEscalatesToItsParent) {
  Broker& broker = start(head_ +
                         "[groups.outer]\nstrategy = \"one_for_all\"\n[groups.inner]\nparent = \"outer\"\n"
                         "budget = { restarts = 0, within = \"1h\" }\n" +
                         section("a", "member_of = \"outer\"\n") + section("b", "member_of = \"inner\"\n"));
  wait_for_ready(broker, {"a", "b"});
  tell("b", "die");
  broker.wait_for_incarnation("a", 2);
  broker.wait_for_incarnation("b", 2);
  end(broker);
}

TEST_F(Groups, AQuarantineIsTriedAgainByItself) {
  Broker& broker = start(head_ +
                         section("frail",
                                 "budget = { restarts = 0, within = \"1h\" }\n"
                                 "quarantine_retry = \"50ms\"\n") +
                         section("sibling"));
  wait_for_ready(broker, {"frail", "sibling"});
  tell("frail", "die");
  broker.wait_for_log("frail: quarantined");
  broker.wait_for_incarnation("frail", 2);
  broker.wait_for_state("frail", "ready");
  tell("frail", "die");  // too soon: it is on probation
  broker.wait_for_log("frail: quarantined", 2);
  EXPECT_EQ(broker.actor("sibling").at("incarnation"), 1);
  end(broker);
}

TEST_F(Groups, WhoseQuarantineIsOverAndWaitsForOthersSaysSo) {
  Broker& broker = start(head_ + section("base") +
                         section("frail",
                                 "budget = { restarts = 0, within = \"1h\" }\nquarantine_retry = \"50ms\"\n"
                                 "depends_on = { base = \"ready\" }\n"));
  wait_for_ready(broker, {"base", "frail"});
  EXPECT_EQ(broker.ctl("stop base").code, 0);
  broker.wait_for_state("base", "ended");
  tell("frail", "die");
  broker.wait_for_log("frail: quarantined");
  broker.wait_for_state("frail", "waiting");
  EXPECT_EQ(broker.actor("frail").at("waits_for"), "base (ready)");
  EXPECT_EQ(broker.ctl("start base").code, 0);
  broker.wait_for_incarnation("frail", 2);
  end(broker);
}

TEST_F(Groups, WhoIsQuarantinedSaysWhenItIsTriedAgain) {
  Broker& broker = start(head_ + section("frail", "budget = { restarts = 0, within = \"1h\" }\n"));
  wait_for_ready(broker, {"frail"});
  EXPECT_TRUE(broker.actor("frail").at("next_restart_s").is_null());
  tell("frail", "die");
  broker.wait_for_state("frail", "quarantined");
  const double left = broker.actor("frail").at("next_restart_s");
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 60);
  EXPECT_EQ(broker.ctl("reset frail").code, 0);
  wait_for_ready(broker, {"frail"});
  end(broker);
}

TEST_F(Groups, AnExhaustedActorCanStopTheRuntimeWithAnExitCodeOfItsOwn) {
  Broker& broker = start(head_ +
                         section("vital",
                                 "budget = { restarts = 0, within = \"1h\" }\n"
                                 "on_exhausted = \"stop_runtime\"\n") +
                         section("other"));
  wait_for_ready(broker, {"vital", "other"});
  tell("vital", "die");
  wait_for("other: shutdown");
  end(broker, 3);
}

/// A PATH for the broker on which the machine's own systemctl cannot be found, whatever else goes wrong: the only one
/// there is a script that makes a note.
std::string path_of_a_machine_that_cannot_reboot(const std::filesystem::path& directory) {
  const auto bin = directory / "bin";
  std::filesystem::create_directory(bin);
  std::ofstream(bin / "systemctl") << "#!/bin/sh\necho \"machine: $*\" >> '" << (directory / "reboots").string()
                                   << "'\n";
  std::filesystem::permissions(bin / "systemctl", std::filesystem::perms::owner_all);
  std::string path = bin.string();
  std::istringstream entries(std::getenv("PATH"));
  for (std::string entry; std::getline(entries, entry, ':');) {
    if (!entry.empty() && !std::filesystem::exists(std::filesystem::path(entry) / "systemctl")) path += ':' + entry;
  }
  return path;
}

TEST_F(Groups, AnExhaustedActorCanRebootTheMachine) {
  const std::string before = std::getenv("PATH");
  setenv("PATH", path_of_a_machine_that_cannot_reboot(directory()).c_str(), 1);
  Broker& broker = start("[broker]\nname = \"test\"\nallow_reboot = true\n" +
                         section("vital",
                                 "budget = { restarts = 0, within = \"1h\" }\n"
                                 "on_exhausted = \"reboot\"\n") +
                         section("other"));
  setenv("PATH", before.c_str(), 1);
  wait_for_ready(broker, {"vital", "other"});
  tell("vital", "die");
  wait_for("other: shutdown");
  end(broker, 3);
  std::string noted;
  std::getline(std::ifstream(directory() / "reboots") >> std::ws, noted);
  EXPECT_EQ(noted, "machine: reboot");
}

TEST_F(Groups, AnActorStartsWhenWhatItDependsOnIsReadyAndStopsBeforeIt) {
  Broker& broker = start(head_ + section("app", "depends_on = { store = \"ready\", job = \"completed\" }\n") +
                         section("store") + section("job", "restart = \"transient\"\n"));
  wait_for_ready(broker, {"store", "job"});
  EXPECT_EQ(broker.actor("app").at("state"), "waiting");
  EXPECT_EQ(broker.actor("app").at("waits_for"), "job (completed)");
  EXPECT_NE(broker.ctl("why app").said.find("app is waiting for job (completed)"), std::string::npos);
  tell("job", "stop");
  broker.wait_for_state("app", "ready");
  EXPECT_LT(place("store: started"), place("app: started"));
  end(broker);
  EXPECT_LT(place("app: shutdown"), place("store: shutdown"));
}

TEST_F(Groups, WhoWaitsForOthersHoldsUpNobodyForLong) {
  Broker& broker = start(head_ + "mailbox_hold = \"50ms\"\n" + section("source") +
                         section("sink", "subscribes = [\"*\"]\ndepends_on = { job = \"completed\" }\n") +
                         section("job", "restart = \"transient\"\n"));
  wait_for_ready(broker, {"source", "job"});
  tell("source", "send 1 1000");  // more than a mailbox holds
  wait_for("source: sent 1000");
  wait_until("the mailbox is given up", [&] { return broker.actor("sink").at("queued") == 0; });
  tell("job", "stop");
  broker.wait_for_state("sink", "ready");
  tell("source", "send 1001 1001");
  wait_for("sink: got 1001");
  end(broker);
}

TEST_F(Groups, AMailboxThatWasHeldBeforeAQuarantineIsNotTakenFromTheNextLife) {
  Broker& broker = start(
      head_ + "mailbox_hold = \"2s\"\n[groups.g]\nbudget = { restarts = 0, within = \"1h\" }\n" +
      section("a", "member_of = \"g\"\n") +
      section("b", "member_of = \"g\"\nsubscribes = [\"*\"]\ndepends_on = { job = \"completed\" }\n") +
      section("c", "subscribes = [\"*\"]\ndepends_on = { never = \"completed\" }\n") +
      section("job", "restart = \"transient\"\n") + section("never", "restart = \"transient\"\n") + section("source"));
  wait_for_ready(broker, {"a", "job", "never", "source"});
  tell("source", "send 1 1");
  tell("a", "die");
  broker.wait_for_log("b: quarantined");
  EXPECT_EQ(broker.ctl("start b").code, 0);
  wait_for_ready(broker, {"a", "b"});
  // That of 'c' was held since the same moment as that of 'b'.
  broker.wait_for_log("c: 1 events that were queued");
  tell("source", "send 2 2");
  wait_for("b: got 2");
  end(broker);
}

TEST_F(Groups, ExitCodesMeanWhatTheManifestSays) {
  Broker& broker = start(head_ + section("done", "restart = \"transient\"\nsuccess_exit = [4]\n") +
                         section("never", "never_restart_exit = [5]\n"));
  wait_for_ready(broker, {"done", "never"});
  tell("done", "exit 4");
  tell("never", "exit 5");
  broker.wait_for_state("done", "ended");
  broker.wait_for_state("never", "refused");
  EXPECT_EQ(broker.actor("done").at("last_exit"), "clean");
  EXPECT_NE(broker.log().first_with("never: died").find("its exit code 5 says"), std::string::npos);
  end(broker);
}

TEST_F(Groups, TheBrokerEndsWithItsSignificantActors) {
  Broker& broker = start("[broker]\nname = \"test\"\nauto_shutdown = \"all\"\n" + section("service") +
                         section("first", "restart = \"transient\"\nsignificant = true\n") +
                         section("second", "restart = \"temporary\"\nsignificant = true\n"));
  wait_for_ready(broker, {"service", "first", "second"});
  tell("first", "stop");
  broker.wait_for_state("first", "ended");
  EXPECT_EQ(broker.actor("service").at("state"), "ready");
  tell("second", "exit 9");
  wait_for("service: shutdown");
  end(broker, 1);  // the second has failed
}

TEST_F(Groups, AGroupEndsWithItsSignificantMemberAndTheOthersGoOn) {
  Broker& broker = start(head_ + "[groups.batch]\nauto_shutdown = \"any\"\n" + section("service") +
                         section("helper", "member_of = \"batch\"\n") +
                         section("job", "member_of = \"batch\"\nrestart = \"transient\"\nsignificant = true\n"));
  wait_for_ready(broker, {"service", "helper", "job"});
  tell("job", "stop");
  broker.wait_for_state("helper", "ended");
  EXPECT_EQ(broker.actor("service").at("state"), "ready");
  end(broker);
}

TEST_F(Groups, ANewBrainKnowsBudgetsAndQuarantines) {
  Broker& broker =
      start(head_ + section("frail", "budget = { restarts = 1, within = \"1h\" }\n") +
            section("gone",
                    "budget = { restarts = 0, within = \"1h\" }\n"
                    "quarantine_retry = \"300ms\"\n") +
            section("late", "depends_on = { job = \"completed\" }\n") + section("job", "restart = \"transient\"\n"));
  wait_for_ready(broker, {"frail", "gone", "job"});
  tell("frail", "die");
  broker.wait_for_incarnation("frail", 2);
  tell("gone", "die");
  broker.wait_for_log("gone: quarantined");
  kill(broker.brain_pid(), SIGKILL);
  broker.wait_for_log("a new brain goes on");
  tell("frail", "die");
  broker.wait_for_state("frail", "quarantined");
  broker.wait_for_incarnation("gone", 2);
  tell("job", "stop");
  broker.wait_for_state("late", "ready");
  end(broker);
}

}  // namespace
}  // namespace process_test
