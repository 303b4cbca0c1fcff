// MQTT through mosquitto, QoS 0, over its Unix socket. It drops what a reader is late for: a window keeps it from that.

#include <mosquitto.h>

#include <deque>
#include <fstream>
#include <stdexcept>

#include "found.hpp"
#include "server.hpp"

namespace bench {
namespace {

void check(int result, const char* doing) {
  if (result != MOSQ_ERR_SUCCESS)
    throw std::runtime_error(std::string("mosquitto, ") + doing + ": " + mosquitto_strerror(result));
}

const char* topic_of(Direction direction) {
  return direction == Direction::Forward ? "there" : "back";
}

/// A client that works when it is called; it has no thread.
class Client {
 public:
  Client(const std::string& socket, void* owner) : client_(mosquitto_new(nullptr, true, owner)) {
    constexpr int keep_alive_s = 60;
    check(mosquitto_connect(client_, socket.c_str(), 0, keep_alive_s), "connecting");
    bool connected = false;
    mosquitto_user_data_set(client_, &connected);
    mosquitto_connect_callback_set(client_, [](mosquitto*, void* flag, int) { *static_cast<bool*>(flag) = true; });
    while (!connected) work(true);
    mosquitto_user_data_set(client_, owner);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    while (mosquitto_want_write(client_)) mosquitto_loop(client_, 10, 1);
    mosquitto_disconnect(client_);
    mosquitto_destroy(client_);
  }
  void work(bool wait) { check(mosquitto_loop(client_, wait ? 1000 : 0, 1), "working"); }
  mosquitto* get() const { return client_; }

 private:
  mosquitto* client_;
};

class MosquittoWriter : public Writer {
 public:
  MosquittoWriter(const Case& what, const std::string& socket, Direction direction)
      : client_(socket, this), topic_(topic_of(direction)), bytes_(Message(what).bytes()) {}
  void write(Message& message, std::uint64_t number) override {
    message.write(bytes_.data(), number);
    check(mosquitto_publish(client_.get(), nullptr, topic_, static_cast<int>(bytes_.size()), bytes_.data(), 0, false),
          "publishing");
    while (mosquitto_want_write(client_.get())) client_.work(true);
  }

 private:
  Client client_;
  const char* topic_;
  std::vector<char> bytes_;
};

class MosquittoReader : public Reader {
 public:
  MosquittoReader(const std::string& socket, Direction direction) : client_(socket, this) {
    mosquitto_message_callback_set(client_.get(), [](mosquitto*, void* self, const mosquitto_message* in) {
      static_cast<MosquittoReader*>(self)->take(*in);
    });
    mosquitto_subscribe_callback_set(client_.get(), [](mosquitto*, void* self, int, int, const int*) {
      static_cast<MosquittoReader*>(self)->subscribed_ = true;
    });
    check(mosquitto_subscribe(client_.get(), nullptr, topic_of(direction), 0), "subscribing");
    while (!subscribed_) client_.work(true);
  }
  std::uint64_t read(Message& message) override {
    message_ = &message;
    while (numbers_.empty()) client_.work(true);
    const std::uint64_t number = numbers_.front();
    numbers_.pop_front();
    return number;
  }

 private:
  void take(const mosquitto_message& in) { numbers_.push_back(message_->read(in.payload)); }

  Client client_;
  bool subscribed_ = false;
  Message* message_ = nullptr;
  std::deque<std::uint64_t> numbers_;
};

class MosquittoLink : public Link {
 public:
  explicit MosquittoLink(const Case& what)
      : what_(what),
        socket_(directory_.file("socket")),
        server_(directory_, {find_program("mosquitto"), "-c", configuration()},
                what.mode == Mode::SleepOneCore ? core_of(what, false) : -1, [this] { return listens_at(socket_); }) {
    mosquitto_lib_init();
  }
  ~MosquittoLink() override { mosquitto_lib_cleanup(); }
  std::unique_ptr<Writer> writer(Direction direction, unsigned) override {
    return std::make_unique<MosquittoWriter>(what_, socket_, direction);
  }
  std::unique_ptr<Reader> reader(Direction direction, unsigned) override {
    return std::make_unique<MosquittoReader>(socket_, direction);
  }
  std::uint64_t window() const override { return std::max<std::uint64_t>(64, what_.capacity); }
  std::int64_t server_cpu_ns() const override { return server_.cpu_ns(); }

 private:
  std::string configuration() const {
    const std::string file = directory_.file("mosquitto.conf");
    std::ofstream(file) << "listener 0 " << socket_ << "\nallow_anonymous true\nmax_queued_messages 0\n"
                        << "max_inflight_messages 0\npersistence false\nlog_type error\nuser root\n";
    return file;
  }
  const Case what_;
  const ScratchDirectory directory_;
  const std::string socket_;
  Server server_;
};

}  // namespace

Peer mosquitto_peer() {
  return {"mosquitto", find_program("mosquitto").empty() ? "there is no mosquitto (package mosquitto)" : "", can_sleep,
          [](const Case& what) {
            return run_over([](const Case& of) -> std::unique_ptr<Link> { return std::make_unique<MosquittoLink>(of); },
                            what);
          }};
}

}  // namespace bench
