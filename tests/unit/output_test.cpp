#include "output.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

namespace actor::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Read = OutputPipe::Read;

/// As the keeper makes them.
struct Socket {
  Socket() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
    read = Fd(ends[0]);
    write = Fd(ends[1]);
    (void)::fcntl(read.get(), F_SETFL, O_NONBLOCK);
  }
  void print(std::string_view text) const {
    ASSERT_EQ(::write(write.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Prints the text with a descriptor, whose last copy is then in this socket.
  void print(std::string text, Fd with, int flags = 0) const {
    iovec data{text.data(), text.size()};
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
    header.msg_control = room;
    header.msg_controllen = sizeof room;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = with.get();
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    ASSERT_EQ(::sendmsg(write.get(), &header, flags), static_cast<ssize_t>(text.size()));
  }

  Fd read;
  Fd write;
};

/// Both ends of a pipe: the reading one says whether anybody has the other.
bool is_open_elsewhere(const Fd& read) {
  pollfd polled{read.get(), 0, 0};
  return ::poll(&polled, 1, 0) == 0;
}

struct Pipe {
  explicit Pipe(int flags = O_CLOEXEC) {
    int ends[2];
    if (::pipe2(ends, flags) != 0) throw std::runtime_error("pipe2");
    read = Fd(ends[0]);
    write = Fd(ends[1]);
    (void)::fcntl(read.get(), F_SETFL, O_NONBLOCK);
  }

  void print(std::string_view text) const {
    ASSERT_EQ(::write(write.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string taken() const {
    std::string text(std::size_t{1} << 20, '\0');
    const ssize_t count = ::read(read.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  Fd read;
  Fd write;
};

class OutputTest : public ::testing::Test {
 protected:
  OutputTest() { (void)std::signal(SIGPIPE, SIG_IGN); }

  OutputPipe pipe_of(OutputStream stream = OutputStream::Out) {
    return OutputPipe(output_, "cpu", 4711, stream, std::move(actor_.read));
  }

  Pipe terminal_;
  Socket actor_;
  KeptLines lines_;
  Output output_{terminal_.write.get(), LogFormat::Text, lines_};
};

TEST_F(OutputTest, EachLineBearsItsActorAndProcess) {
  OutputPipe pipe = pipe_of();
  actor_.print("one\ntw");
  EXPECT_EQ(pipe.read_some(), Read::Some);
  EXPECT_EQ(terminal_.taken(), "cpu[4711] | one\n");
  actor_.print("o\r\n\nthree");
  EXPECT_EQ(pipe.read_some(), Read::Some);
  EXPECT_EQ(terminal_.taken(), "cpu[4711] | two\ncpu[4711] | \n");
  EXPECT_EQ(pipe.read_some(), Read::Some) << "nothing to read is not the end";
  actor_.write.reset();
  EXPECT_EQ(pipe.read_some(), Read::End);
  EXPECT_EQ(terminal_.taken(), "cpu[4711] | three\n") << "the last line needs no newline";
}

/// Its close() might never return.
TEST_F(OutputTest, ADescriptorThatIsPrintedStaysInTheSocket) {
  OutputPipe pipe = pipe_of();
  Pipe sent;
  actor_.print("before\n");
  EXPECT_EQ(pipe.read_some(), Read::Some);
  EXPECT_EQ(terminal_.taken(), "cpu[4711] | before\n");
  actor_.print("between\n");
  actor_.print("with\n", std::move(sent.write));
  EXPECT_EQ(pipe.read_some(), Read::Descriptor);
  EXPECT_TRUE(is_open_elsewhere(sent.read));
  pipe.finish();
  EXPECT_TRUE(is_open_elsewhere(sent.read));
  EXPECT_EQ(terminal_.taken(), "");
}

TEST_F(OutputTest, SoDoesOneThatComesOutOfBand) {
  OutputPipe pipe = pipe_of();
  Pipe sent;
  actor_.print("x", std::move(sent.write), MSG_OOB);
  actor_.print("after\n");
  if (!is_open_elsewhere(sent.read)) GTEST_SKIP() << "this kernel has no such bytes in Unix sockets";
  EXPECT_EQ(pipe.read_some(), Read::Descriptor);
  pipe.finish();
  EXPECT_TRUE(is_open_elsewhere(sent.read));
}

TEST_F(OutputTest, LinesFromStderrAreMarked) {
  OutputPipe pipe = pipe_of(OutputStream::Err);
  actor_.print("no sensor\n");
  pipe.finish();
  output_.note("the broker's own");
  EXPECT_EQ(terminal_.taken(), "cpu[4711] ! no sensor\nbroker | the broker's own\n");
}

TEST_F(OutputTest, ADeadActorsLastWordsAreTakenThoughSomeoneHoldsThePipe) {
  OutputPipe pipe = pipe_of();
  actor_.print("a\nb");
  pipe.finish();
  EXPECT_EQ(terminal_.taken(), "cpu[4711] | a\ncpu[4711] | b\n");
}

TEST_F(OutputTest, LongLinesAreCutIntoPiecesAndNoByteIsLost) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  OutputPipe pipe = pipe_of();
  std::string expected;
  for (const std::size_t length : {4095u, 4096u, 4097u, 8192u, 10000u, 0u, 1u}) {
    const std::string line(length, static_cast<char>('a' + length % 26));
    std::size_t at = 0;
    do {
      expected += "cpu[4711] | " + line.substr(at, Output::max_line_bytes) + "\n";
      at += Output::max_line_bytes;
    } while (at < length);
    std::string text = line + "\n";
    while (!text.empty()) {
      const std::size_t part = std::min<std::size_t>(text.size(), 1 + random() % 5000);
      actor_.print(text.substr(0, part));
      text.erase(0, part);
      ASSERT_EQ(pipe.read_some(), Read::Some);
    }
  }
  EXPECT_EQ(terminal_.taken(), expected);
  EXPECT_EQ(output_.dropped_lines(), 0u);
}

TEST_F(OutputTest, TheLastLinesAreKeptWithTheirNumbers) {
  EXPECT_TRUE(output_.kept().of("cpu").empty());
  for (int i = 1; i <= 125; ++i) output_.add_line("cpu", i, OutputStream::Err, "line " + std::to_string(i));
  output_.add_line("other", 1, OutputStream::Out, "elsewhere");
  const auto& lines = output_.kept().of("cpu");
  ASSERT_EQ(lines.size(), KeptLines::max_lines);
  EXPECT_EQ(lines.front().text, "line 26");
  EXPECT_EQ(lines.front().number, 26u);
  EXPECT_EQ(lines.back().text, "line 125");
  EXPECT_EQ(lines.back().stream, OutputStream::Err);
  EXPECT_GT(lines.back().wall_ns, 0);
  output_.forget("cpu");
  EXPECT_TRUE(output_.kept().of("cpu").empty());
}

TEST(KeptLines, AreBoundedInBytesToo) {
  KeptLines lines;
  for (int i = 0; i < 50; ++i) lines.add("cpu", 1, OutputStream::Out, std::string(4096, 'x'), i);
  EXPECT_EQ(lines.of("cpu").size(), KeptLines::max_bytes / 4096);
  EXPECT_EQ(lines.of("cpu").back().number, 50u);
}

TEST(KeptLines, OutliveTheProcessThatWroteThem) {
  KeptLines lines;
  const auto in_another_process = [&](const std::function<void()>& act) {
    const pid_t child = ::fork();
    if (child == 0) {
      act();
      (void)::kill(::getpid(), SIGKILL);
    }
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  };
  in_another_process([&] {
    for (int i = 1; i <= 500; ++i) lines.add("cpu", 1, OutputStream::Out, std::string(300, 'x') + std::to_string(i), i);
    lines.add("gone", 2, OutputStream::Err, "forgotten", 1);
    lines.add("disk", 3, OutputStream::Err, "full", 1);
  });
  in_another_process([&] {  // the next brain
    lines.forget("gone");
    lines.add("cpu", 4, OutputStream::Out, "501", 501);
    lines.add("new", 5, OutputStream::Out, "in its place", 1);
  });
  const auto cpu = lines.of("cpu");
  ASSERT_EQ(cpu.size(), KeptLines::max_lines);
  EXPECT_EQ(cpu.front().number, 402u);
  EXPECT_EQ(cpu.front().text, std::string(300, 'x') + "402");
  EXPECT_EQ(cpu.back().text, "501");
  EXPECT_EQ(cpu.back().pid, 4);
  EXPECT_TRUE(lines.of("gone").empty());
  EXPECT_EQ(lines.of("new").back().text, "in its place");
  EXPECT_EQ(lines.of("disk").back().text, "full");
}

TEST(KeptLines, OfOneLifeAreThoseOfItsProcess) {
  KeptLines lines;
  for (int i = 0; i < 6; ++i) lines.add("cpu", i % 2, OutputStream::Out, std::to_string(i), i);
  const auto last = lines.last_of("cpu", 1, 2);
  ASSERT_EQ(last.size(), 2u);
  EXPECT_EQ(last[0].text, "3");
  EXPECT_EQ(last[1].text, "5");
  EXPECT_TRUE(lines.last_of("nobody", 1, 2).empty());
}

TEST_F(OutputTest, AReaderThatIsTooSlowCostsLinesThatAreCountedButNeverWaitedFor) {
  const std::string text(1000, 'x');
  constexpr std::uint64_t lines = 1000;  // far more than a pipe and the queue hold together
  for (std::uint64_t i = 0; i < lines; ++i) {
    output_.add_line("cpu", 1, OutputStream::Out, text);
    output_.flush();
  }
  EXPECT_TRUE(output_.has_queued());
  EXPECT_GT(output_.dropped_lines(), 0u);
  std::string all;
  while (output_.has_queued()) {
    all += terminal_.taken();
    output_.flush();
  }
  output_.note("after");
  all += terminal_.taken();
  const auto whole = static_cast<std::uint64_t>(std::count(all.begin(), all.end(), '\n'));
  EXPECT_EQ(whole, lines - output_.dropped_lines() + 2) << "every line is printed or counted";
  EXPECT_THAT(all, HasSubstr("broker | " + std::to_string(output_.dropped_lines()) + " lines are missing here"));
  EXPECT_THAT(all, EndsWith("broker | after\n"));
}

TEST_F(OutputTest, StdoutKeepsItsFlagsForTheOthersWhoShareIt) {
  EXPECT_EQ(::fcntl(terminal_.write.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(OutputTest, AClosedStdoutIsNoReasonToDie) {
  terminal_.read.reset();
  OutputPipe pipe = pipe_of();
  actor_.print("one\ntwo\n");
  EXPECT_EQ(pipe.read_some(), Read::Some);
  EXPECT_EQ(output_.dropped_lines(), 2u);
  actor_.print("three\n");
  EXPECT_EQ(pipe.read_some(), Read::Some);
  EXPECT_FALSE(output_.has_queued());
  EXPECT_EQ(output_.dropped_lines(), 3u);
  std::vector<std::string> kept;
  for (const KeptLine& line : output_.kept().of("cpu")) kept.push_back(line.text);
  EXPECT_THAT(kept, ElementsAre("one", "two", "three"));
  Output nowhere(-1, LogFormat::Text, lines_);
  nowhere.note("nobody hears");
  EXPECT_EQ(nowhere.dropped_lines(), 1u);
}

TEST_F(OutputTest, AFullSocketIsNotWaitedForEither) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  Output journal(writer.get(), LogFormat::Text, lines_);
  while (journal.dropped_lines() == 0) {
    journal.add_line("cpu", 1, OutputStream::Out, std::string(4000, 'x'));
    journal.flush();
  }
  EXPECT_TRUE(journal.has_queued());
}

TEST_F(OutputTest, JsonLinesAreObjectsWhateverAnActorPrints) {
  Output json(terminal_.write.get(), LogFormat::Json, lines_);
  json.add_line("cpu", 7, OutputStream::Err, "quote \" backslash \\ \x01 bad \xff utf-8 \xc3\xa4");
  json.note("hello");
  std::istringstream lines(terminal_.taken());
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object.at("actor"), "cpu");
  EXPECT_EQ(object.at("pid"), 7);
  EXPECT_EQ(object.at("stream"), "stderr");
  EXPECT_EQ(object.at("line"), "quote \" backslash \\ \x01 bad \xef\xbf\xbd utf-8 \xc3\xa4");
  EXPECT_THAT(object.at("time").get<std::string>(), ::testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
  ASSERT_TRUE(std::getline(lines, line));
  const auto own = nlohmann::json::parse(line);
  EXPECT_EQ(own.at("stream"), "broker");
  EXPECT_EQ(own.at("actor"), "");
  EXPECT_EQ(own.at("pid"), ::getpid());
}

}  // namespace
}  // namespace actor::broker
