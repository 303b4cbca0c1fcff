// What the comparison does with peers that die, hang, or lie. The peers are pipes whose ends do so at a given message.

#include "comparison.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "../children.hpp"
#include "guard.hpp"
#include "server.hpp"
#include "sockets.hpp"

namespace bench {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;

constexpr std::uint64_t fatal_message = 50;
/// A run that hangs hangs for good: it does not matter how soon it is given up.
constexpr seconds soon(1);
constexpr seconds never(100);

/// A reader to which `accident` happens at one of its messages.
class UnluckyReader : public Reader {
 public:
  UnluckyReader(std::unique_ptr<Reader> reader, std::function<void()> accident)
      : reader_(std::move(reader)), accident_(std::move(accident)) {}
  std::uint64_t read(Message& message) override {
    const std::uint64_t number = reader_->read(message);
    if (number == fatal_message) accident_();
    return number;
  }

 private:
  std::unique_ptr<Reader> reader_;
  std::function<void()> accident_;
};

/// Pipes beside a server that takes no part.
class UnluckyLink : public Link {
 public:
  UnluckyLink(const Case& what, void (*accident)(const Server&), const std::vector<std::string>& server)
      : accident_(accident),
        pipes_(open_pipe(what)),
        server_(directory_, server, -1, [this] { return std::filesystem::exists(directory_.file("log")); }) {}
  std::unique_ptr<Writer> writer(Direction direction, unsigned index) override {
    return pipes_->writer(direction, index);
  }
  std::unique_ptr<Reader> reader(Direction direction, unsigned index) override {
    return std::make_unique<UnluckyReader>(pipes_->reader(direction, index), [this] { accident_(server_); });
  }

 private:
  void (*accident_)(const Server&);
  std::unique_ptr<Link> pipes_;
  ScratchDirectory directory_;
  Server server_;
};

void nothing(const Server&) {}
void kill_reader(const Server&) {
  raise(SIGKILL);
}
void stop_reader(const Server&) {
  raise(SIGSTOP);
}
void fail(const Server&) {
  throw std::runtime_error("no more paper");
}
void kill_server(const Server& server) {
  kill(server.pid(), SIGKILL);
  pause();
}
void stop_both(const Server& server) {
  kill(server.pid(), SIGSTOP);
  raise(SIGSTOP);
}

template <void (*accident)(const Server&)>
Outcome run_unlucky(const Case& what) {
  return run_over(
      [](const Case& of) -> std::unique_ptr<Link> {
        return std::make_unique<UnluckyLink>(of, accident, std::vector<std::string>{"/bin/sleep", "1000"});
      },
      what);
}

constexpr Case there_and_back{Kind::Latency, Mode::Sleep, 1, 1, 64, Read::All, 100, 16};
constexpr Case one_way{Kind::Throughput, Mode::Sleep, 2, 3, 64, Read::All, 400, 16};

/// What went wrong in a run; empty: nothing.
std::string complaint_of(Outcome (*run)(const Case&), const Case& what, seconds limit) {
  try {
    run_guarded([&] { return run(what); }, limit);
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

/// This program has no children but those of runs.
bool is_alone() {
  return waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
}

TEST(Guard, GivesTheOutcomeOfARun) {
  EXPECT_GT(run_guarded([] { return run_unlucky<nothing>(there_and_back); }, never).p50_ns, 0);
  EXPECT_GT(run_guarded([] { return run_unlucky<nothing>(one_way); }, never).per_s, 0);
  EXPECT_TRUE(is_alone());
}

TEST(Guard, NoticesAtOnceThatAnEndDied) {
  for (const Case& what : {there_and_back, one_way})
    EXPECT_THAT(complaint_of(run_unlucky<kill_reader>, what, never), HasSubstr("signal 9"));
  EXPECT_TRUE(is_alone());
}

TEST(Guard, SaysWhatAnEndSaidThatFailed) {
  for (const Case& what : {there_and_back, one_way})
    EXPECT_EQ(complaint_of(run_unlucky<fail>, what, never), "no more paper");
  EXPECT_TRUE(is_alone());
}

TEST(Guard, EndsARunWhoseEndHangs) {
  for (const Case& what : {there_and_back, one_way})
    EXPECT_THAT(complaint_of(run_unlucky<stop_reader>, what, soon), HasSubstr("not done after 1 s"));
  EXPECT_TRUE(is_alone());
}

TEST(Guard, NoticesAtOnceThatAServerDied) {
  for (const Case& what : {there_and_back, one_way})
    EXPECT_THAT(complaint_of(run_unlucky<kill_server>, what, never), HasSubstr("sleep, which the benchmark needs"));
  EXPECT_TRUE(is_alone());
}

TEST(Guard, EndsAServerThatHangs) {
  EXPECT_THAT(complaint_of(run_unlucky<stop_both>, one_way, soon), HasSubstr("not done after 1 s"));
  EXPECT_TRUE(is_alone());
}

TEST(Guard, EndsARunThatDiesItself) {
  EXPECT_THAT(complaint_of([](const Case&) -> Outcome { std::abort(); }, one_way, never), HasSubstr("signal 6"));
  EXPECT_TRUE(is_alone());
}

TEST(Guard, EndsWhatHasLeftItsParents) {
  const auto run = [](const Case&) -> Outcome {
    if (fork() == 0) {
      setsid();
      if (fork() == 0) pause();
      _exit(0);
    }
    wait(nullptr);
    return {};
  };
  EXPECT_EQ(complaint_of(run, one_way, never), "");
  EXPECT_TRUE(is_alone());
}

TEST(Guard, RemovesWhatARunLeftInItsDirectory) {
  static const auto said = shared_object<char>(200);
  complaint_of(
      [](const Case&) -> Outcome {
        const std::string directory = std::filesystem::temp_directory_path();
        directory.copy(said.get(), 199);
        std::ofstream(directory + "/left") << "behind";
        raise(SIGKILL);
        return {};
      },
      one_way, never);
  EXPECT_THAT(said.get(), HasSubstr("libactor-peer-"));
  EXPECT_FALSE(std::filesystem::exists(said.get()));
}

TEST(Server, ThatEndsOrDoesNotAnswerIsSaidWithItsOutput) {
  const ScratchDirectory directory;
  const auto start = [&](const char* script) {
    Server(directory, {"/bin/sh", "-c", script}, -1, [] { return false; });
  };
  EXPECT_THAT([&] { start("echo the port is taken; exit 3"); },
              testing::ThrowsMessage<std::runtime_error>(HasSubstr("the port is taken")));
  EXPECT_THAT([&] { start("echo thinking; exec sleep 1000"); },
              testing::ThrowsMessage<std::runtime_error>(HasSubstr("thinking")));
  EXPECT_TRUE(is_alone());
}

Peer peer(const char* name, Outcome (*run)(const Case&)) {
  return {name, "", [](const Case&) { return true; }, run};
}

TEST(Comparison, GoesOnWithTheOthersWhenPeersFail) {
  Thoroughness thoroughness;
  thoroughness.quick = true;
  thoroughness.floors = false;
  thoroughness.run_limit = seconds(5);  // enough for those that work
  Comparison comparison({peer("works", run_unlucky<nothing>),
                         peer("dies", run_unlucky<kill_reader>),
                         peer("hangs", run_unlucky<stop_reader>),
                         {"absent", "there is no such thing", {}, {}}},
                        thoroughness);
  comparison.measure({there_and_back, one_way, there_and_back, one_way});
  EXPECT_EQ(comparison.rows().size(), 4);
  EXPECT_THAT(comparison.rows(), Each(Field(&Row::peer, "works")));
  EXPECT_THAT(comparison.notes(), Contains("absent: there is no such thing"));
  for (const std::string name : {"dies", "hangs"}) {
    EXPECT_THAT(comparison.notes(), Contains(HasSubstr(name + " in latency/sleep/1-1/64/all: ")).Times(2));
    EXPECT_THAT(comparison.notes(), Contains(HasSubstr(name + " in throughput/sleep/2-3/64/all: ")).Times(1));
    EXPECT_THAT(comparison.notes(), Contains(HasSubstr(name + " in all that follow")).Times(1));
  }
  EXPECT_THAT(comparison.notes(), Contains(AllOf(HasSubstr("dies"), HasSubstr("signal 9"))).Times(3));
  EXPECT_THAT(comparison.notes(), Contains(AllOf(HasSubstr("hangs"), HasSubstr("not done after"))).Times(3));
}

}  // namespace
}  // namespace bench
