// Redis' publish and subscribe over its Unix socket. It waits for nobody: a window keeps it from piling up.

#include <hiredis/hiredis.h>

#include <stdexcept>

#include "found.hpp"
#include "server.hpp"

namespace bench {
namespace {

using Reply = std::unique_ptr<redisReply, void (*)(void*)>;

class RedisLink : public Link {
 public:
  explicit RedisLink(const Case& what)
      : what_(what),
        socket_(directory_.file("socket")),
        server_(directory_,
                {find_program("redis-server"), "--port", "0", "--unixsocket", socket_, "--save", "", "--appendonly",
                 "no", "--dir", directory_.file(""), "--client-output-buffer-limit", "pubsub 0 0 0"},
                what.mode == Mode::SleepOneCore ? core_of(what, false) : -1, [this] { return listens_at(socket_); }) {}
  std::unique_ptr<Writer> writer(Direction direction, unsigned) override;
  std::unique_ptr<Reader> reader(Direction direction, unsigned) override;
  std::uint64_t window() const override { return std::max<std::uint64_t>(64, what_.capacity); }
  std::int64_t server_cpu_ns() const override { return server_.cpu_ns(); }

  redisContext* connect() const {
    redisContext* context = redisConnectUnix(socket_.c_str());
    if (!context || context->err) throw std::runtime_error("redis: cannot connect to " + socket_);
    return context;
  }
  const Case& what() const { return what_; }

 private:
  const Case what_;
  const ScratchDirectory directory_;
  const std::string socket_;
  Server server_;
};

const char* channel_of(Direction direction) {
  return direction == Direction::Forward ? "there" : "back";
}

class RedisWriter : public Writer {
 public:
  RedisWriter(const RedisLink& link, Direction direction)
      : context_(link.connect(), redisFree),
        channel_(channel_of(direction)),
        at_once_(link.what().kind == Kind::Latency),
        // Between two looks at the answers, well within the window.
        most_unanswered_(link.window() / 4),
        bytes_(Message(link.what()).bytes()) {}
  void write(Message& message, std::uint64_t number) override {
    message.write(bytes_.data(), number);
    const char* words[] = {"PUBLISH", channel_.c_str(), bytes_.data()};
    const std::size_t lengths[] = {7, channel_.size(), bytes_.size()};
    redisAppendCommandArgv(context_.get(), 3, words, lengths);
    if (++unanswered_ >= most_unanswered_) return take_answers();
    // What is not sent now is sent when the answers are asked for.
    int is_sent = 0;
    while (at_once_ && is_sent == 0 && redisBufferWrite(context_.get(), &is_sent) == REDIS_OK) {
    }
  }
  void flush() override { take_answers(); }

 private:
  void take_answers() {
    for (; unanswered_ != 0; --unanswered_) {
      void* reply = nullptr;
      if (redisGetReply(context_.get(), &reply) != REDIS_OK)
        throw std::runtime_error("redis: the connection has ended");
      freeReplyObject(reply);
    }
  }
  std::unique_ptr<redisContext, void (*)(redisContext*)> context_;
  std::string channel_;
  bool at_once_;
  std::uint64_t most_unanswered_;
  std::uint64_t unanswered_ = 0;
  std::vector<char> bytes_;
};

class RedisReader : public Reader {
 public:
  RedisReader(const RedisLink& link, Direction direction) : context_(link.connect(), redisFree) {
    const Reply reply(static_cast<redisReply*>(redisCommand(context_.get(), "SUBSCRIBE %s", channel_of(direction))),
                      freeReplyObject);
    if (!reply) throw std::runtime_error("redis: cannot subscribe");
  }
  std::uint64_t read(Message& message) override {
    void* got = nullptr;
    if (redisGetReply(context_.get(), &got) != REDIS_OK) throw std::runtime_error("redis: the connection has ended");
    const Reply reply(static_cast<redisReply*>(got), freeReplyObject);
    return message.read(reply->element[2]->str);
  }

 private:
  std::unique_ptr<redisContext, void (*)(redisContext*)> context_;
};

std::unique_ptr<Writer> RedisLink::writer(Direction direction, unsigned) {
  return std::make_unique<RedisWriter>(*this, direction);
}
std::unique_ptr<Reader> RedisLink::reader(Direction direction, unsigned) {
  return std::make_unique<RedisReader>(*this, direction);
}

}  // namespace

Peer redis_peer() {
  return {"redis", find_program("redis-server").empty() ? "there is no redis-server (package redis-server)" : "",
          can_sleep, [](const Case& what) {
            return run_over([](const Case& of) -> std::unique_ptr<Link> { return std::make_unique<RedisLink>(of); },
                            what);
          }};
}

}  // namespace bench
