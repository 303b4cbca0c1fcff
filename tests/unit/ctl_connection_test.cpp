// A broker that is not what actorctl expects.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <actor/version.hpp>
#include <control/channel.hpp>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "ctl/connection.hpp"
#include "runtime_dir.hpp"

namespace actor::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class StrangeBroker : public ::testing::Test {
 protected:
  StrangeBroker() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ctl-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
  }
  ~StrangeBroker() override {
    if (thread_.joinable()) thread_.join();
    std::filesystem::remove_all(directory_);
  }
  std::string path() const { return (directory_ / "run").string(); }

  /// A broker that waits for a request and then does this to its socket.
  void answer_with(std::function<void(int socket)> answer) {
    runtime_.emplace(path());
    thread_ = std::thread([answer = std::move(answer), listener = runtime_->listen()] {
      pollfd polled{listener.get(), POLLIN, 0};
      ::poll(&polled, 1, -1);
      auto accepted = control::accept_from(listener.get());
      pollfd request{accepted->socket.get(), POLLIN, 0};
      ::poll(&request, 1, -1);
      answer(accepted->socket.get());
    });
  }

  std::filesystem::path directory_;
  std::optional<broker::RuntimeDir> runtime_;
  std::thread thread_;
};

TEST_F(StrangeBroker, OfAnotherVersionIsNamedAsSuch) {
  answer_with([](int socket) {
    control::MessageHeader header{};
    header.magic = control::MessageHeader::magic_value;
    header.version = protocol_version + 1;
    EXPECT_EQ(::send(socket, &header, sizeof header, 0), static_cast<ssize_t>(sizeof header));
  });
  EXPECT_THAT([&] { ask(path(), "{}"); },
              ThrowsMessage<NoBroker>(AllOf(HasSubstr("version " + std::to_string(protocol_version + 1)),
                                            HasSubstr("build both with the same libactor"))));
}

TEST_F(StrangeBroker, ThatRefusesIsQuoted) {
  answer_with([](int socket) {
    control::Channel channel{Fd(::dup(socket))};
    channel.send<control::ToActor>(control::Refused{"not you"});
  });
  EXPECT_THAT([&] { ask(path(), "{}"); }, ThrowsMessage<NoBroker>(HasSubstr("not you")));
}

TEST_F(StrangeBroker, ThatHangsUpHasProbablyEnded) {
  answer_with([](int) {});
  EXPECT_THAT([&] { ask(path(), "{}"); }, ThrowsMessage<NoBroker>(HasSubstr("hung up without an answer")));
}

TEST_F(StrangeBroker, MayAnswerInParts) {
  answer_with([](int socket) {
    control::Channel channel{Fd(::dup(socket))};
    channel.send<control::ToActor>(control::Reply{"{\"a\":", true});
    channel.send<control::ToActor>(control::Reply{"1}", false});
  });
  EXPECT_EQ(ask(path(), "{}"), "{\"a\":1}");
}

TEST_F(StrangeBroker, ThatIsNotThereIsLookedForInVain) {
  EXPECT_THAT([&] { ask(path(), "{}"); }, ThrowsMessage<NoBroker>(HasSubstr("no broker is running at " + path())));
}

}  // namespace
}  // namespace actor::ctl
