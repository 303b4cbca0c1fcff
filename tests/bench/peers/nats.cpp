// NATS over the loopback interface, its subjects without JetStream. It waits for nobody: a window keeps it from
// dropping.

#include <nats/nats.h>

#include <stdexcept>

#include "found.hpp"
#include "server.hpp"

namespace bench {
namespace {

void check(natsStatus status, const char* doing) {
  if (status != NATS_OK) throw std::runtime_error(std::string("NATS, ") + doing + ": " + natsStatus_GetText(status));
}

class Connection {
 public:
  Connection(int port, bool at_once) {
    const std::string url = "nats://127.0.0.1:" + std::to_string(port);
    check(natsOptions_Create(&options_), "making its options");
    check(natsOptions_SetURL(options_, url.c_str()), "setting its address");
    check(natsOptions_SetSendAsap(options_, at_once), "setting its options");
    check(natsConnection_Connect(&connection_, options_), "connecting");
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    natsConnection_Flush(connection_);
    natsConnection_Destroy(connection_);
    natsOptions_Destroy(options_);
  }
  natsConnection* get() const { return connection_; }

 private:
  natsOptions* options_ = nullptr;
  natsConnection* connection_ = nullptr;
};

const char* subject_of(Direction direction) {
  return direction == Direction::Forward ? "there" : "back";
}

class NatsWriter : public Writer {
 public:
  NatsWriter(const Case& what, int port, Direction direction)
      : connection_(port, what.kind == Kind::Latency), subject_(subject_of(direction)), bytes_(Message(what).bytes()) {}
  void write(Message& message, std::uint64_t number) override {
    message.write(bytes_.data(), number);
    check(natsConnection_Publish(connection_.get(), subject_, bytes_.data(), static_cast<int>(bytes_.size())),
          "publishing");
  }
  void flush() override { check(natsConnection_Flush(connection_.get()), "flushing"); }

 private:
  Connection connection_;
  const char* subject_;
  std::vector<char> bytes_;
};

class NatsReader : public Reader {
 public:
  NatsReader(int port, Direction direction) : connection_(port, true) {
    check(natsConnection_SubscribeSync(&subscription_, connection_.get(), subject_of(direction)), "subscribing");
    check(natsSubscription_SetPendingLimits(subscription_, -1, -1), "lifting its limits");
    check(natsConnection_Flush(connection_.get()), "waiting for the subscription");
  }
  ~NatsReader() override { natsSubscription_Destroy(subscription_); }
  std::uint64_t read(Message& message) override {
    constexpr std::int64_t longest_ms = 30'000;
    natsMsg* in = nullptr;
    check(natsSubscription_NextMsg(&in, subscription_, longest_ms), "receiving");
    const std::uint64_t number = message.read(natsMsg_GetData(in));
    natsMsg_Destroy(in);
    return number;
  }

 private:
  Connection connection_;
  natsSubscription* subscription_ = nullptr;
};

class NatsLink : public Link {
 public:
  explicit NatsLink(const Case& what)
      : what_(what),
        server_(directory_, {find_program("nats-server"), "-a", "127.0.0.1", "-p", std::to_string(port_)},
                what.mode == Mode::SleepOneCore ? core_of(what, false) : -1, [this] { return listens_at(port_); }) {}
  std::unique_ptr<Writer> writer(Direction direction, unsigned) override {
    return std::make_unique<NatsWriter>(what_, port_, direction);
  }
  std::unique_ptr<Reader> reader(Direction direction, unsigned) override {
    return std::make_unique<NatsReader>(port_, direction);
  }
  std::uint64_t window() const override { return 8 * what_.capacity; }
  std::int64_t server_cpu_ns() const override { return server_.cpu_ns(); }

 private:
  const Case what_;
  const ScratchDirectory directory_;
  const int port_ = free_port();
  Server server_;
};

}  // namespace

Peer nats_peer() {
  return {"nats", find_program("nats-server").empty() ? "there is no nats-server (package nats-server)" : "", can_sleep,
          [](const Case& what) {
            return run_over([](const Case& of) -> std::unique_ptr<Link> { return std::make_unique<NatsLink>(of); },
                            what);
          }};
}

}  // namespace bench
