// Latched topics under a real broker: the last value outlives its reader, its publisher and the brain.

#include <signal.h>

#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Latched : public RuntimeTest {
 protected:
  const std::string head_ = "[broker]\nname = \"test\"\n[topics.\"Topic.Words\"]\nlatched = true\n";
  const std::string often_ = "budget = { restarts = 50, within = \"1s\" }\nbackoff = { max = \"10ms\" }\n";

  void end_and_wait(Broker& broker, const std::string& name, int next_incarnation) {
    ASSERT_EQ(kill(broker.actor(name).at("pid").get<pid_t>(), SIGKILL), 0);
    broker.wait_for_incarnation(name, next_incarnation);
    broker.wait_for_state(name, "ready");
  }
};

TEST_F(Latched, TheLastValueOutlivesItsReaderItsPublisherAndTheBrain) {
  Broker& broker = start(head_ + section("source", often_) + section("sink", often_ + "subscribes = [\"*\"]\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "say first");
  tell("source", "say second");
  wait_for("sink: word second");
  end_and_wait(broker, "sink", 2);
  wait_for("sink: word second latched");
  EXPECT_EQ(journal().count_with("word first latched"), 0U);
  EXPECT_EQ(broker.actor("sink").at("handled"), 2) << "it is outside the accounting";

  end_and_wait(broker, "source", 2);
  end_and_wait(broker, "sink", 3);
  wait_for("sink: word second latched", 2);
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  broker.wait_for_log("a new brain goes on");
  end_and_wait(broker, "sink", 4);
  wait_for("sink: word second latched", 3);

  tell("source", "say third");
  wait_for("sink: word third");
  end_and_wait(broker, "source", 3);
  end_and_wait(broker, "sink", 5);
  wait_for("sink: word third latched");
  EXPECT_EQ(journal().count("sink: word second latched"), 3U) << "its successor's first value takes its place";
}

TEST_F(Latched, WhoComesLaterIsHandedItFirst) {
  Broker& broker = start(head_ + section("source"));
  broker.wait_for_state("source", "ready");
  tell("source", "say hello");
  wait_until("the word to be sent", [&] { return broker.actor("source").at("published") == 1; });
  start_by_hand("guest", {"--broker", "test", "--subscribe", "Topic.Words"});
  wait_for("guest: word hello latched");
}

}  // namespace
}  // namespace process_test
