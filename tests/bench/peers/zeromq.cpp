// ZeroMQ over ipc: a PUSH socket for each reader and a PULL socket that all writers share, which loses nothing, unlike
// PUB and SUB.

#include <zmq.h>

#include <stdexcept>

#include "found.hpp"
#include "server.hpp"

namespace bench {
namespace {

void check(int result, const char* doing) {
  if (result < 0) throw std::runtime_error(std::string("ZeroMQ, ") + doing + ": " + zmq_strerror(zmq_errno()));
}

/// Closing waits until what was sent is out.
struct Context {
  void* context = zmq_ctx_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    for (void* socket : sockets) zmq_close(socket);
    zmq_ctx_term(context);
  }
  void* open(int kind, int mark) {
    void* socket = zmq_socket(context, kind);
    sockets.push_back(socket);
    check(zmq_setsockopt(socket, kind == ZMQ_PUSH ? ZMQ_SNDHWM : ZMQ_RCVHWM, &mark, sizeof mark), "setting its mark");
    return socket;
  }
  std::vector<void*> sockets;
};

class ZeroMqLink : public Link {
 public:
  explicit ZeroMqLink(const Case& what) : what_(what) {}
  std::unique_ptr<Writer> writer(Direction direction, unsigned) override;
  std::unique_ptr<Reader> reader(Direction direction, unsigned index) override;
  std::string address(Direction direction, unsigned reader) const {
    return "ipc://" + directory_.file((direction == Direction::Forward ? "there" : "back") + std::to_string(reader));
  }
  const Case& what() const { return what_; }

 private:
  const Case what_;
  const ScratchDirectory directory_;
};

class ZeroMqWriter : public Writer {
 public:
  ZeroMqWriter(const ZeroMqLink& link, Direction direction) : bytes_(Message(link.what()).bytes()) {
    const int yes = 1;
    for (unsigned reader = 0; reader < (direction == Direction::Forward ? link.what().readers : 1); ++reader) {
      void* socket = context_.open(ZMQ_PUSH, static_cast<int>(link.what().capacity));
      check(zmq_setsockopt(socket, ZMQ_IMMEDIATE, &yes, sizeof yes), "letting it wait for its connection");
      check(zmq_connect(socket, link.address(direction, reader).c_str()), "connecting");
    }
  }
  bool is_connected() override {
    return std::all_of(context_.sockets.begin(), context_.sockets.end(), [](void* socket) {
      int events = 0;
      std::size_t bytes = sizeof events;
      check(zmq_getsockopt(socket, ZMQ_EVENTS, &events, &bytes), "looking at its connection");
      return (events & ZMQ_POLLOUT) != 0;
    });
  }
  void write(Message& message, std::uint64_t number) override {
    message.write(bytes_.data(), number);
    for (void* socket : context_.sockets) check(zmq_send(socket, bytes_.data(), bytes_.size(), 0), "sending");
  }

 private:
  Context context_;
  std::vector<char> bytes_;
};

class ZeroMqReader : public Reader {
 public:
  ZeroMqReader(const ZeroMqLink& link, Direction direction, unsigned index)
      : socket_(context_.open(ZMQ_PULL, static_cast<int>(link.what().capacity))) {
    check(zmq_bind(socket_, link.address(direction, index).c_str()), "binding");
    zmq_msg_init(&in_);
  }
  ~ZeroMqReader() override { zmq_msg_close(&in_); }
  std::uint64_t read(Message& message) override {
    check(zmq_msg_recv(&in_, socket_, 0), "receiving");
    return message.read(zmq_msg_data(&in_));
  }

 private:
  Context context_;
  void* socket_;
  zmq_msg_t in_;
};

std::unique_ptr<Writer> ZeroMqLink::writer(Direction direction, unsigned) {
  return std::make_unique<ZeroMqWriter>(*this, direction);
}
std::unique_ptr<Reader> ZeroMqLink::reader(Direction direction, unsigned index) {
  return std::make_unique<ZeroMqReader>(*this, direction, index);
}

}  // namespace

Peer zeromq_peer() {
  return {"zeromq", "", can_sleep, [](const Case& what) {
            return run_over([](const Case& of) -> std::unique_ptr<Link> { return std::make_unique<ZeroMqLink>(of); },
                            what);
          }};
}

}  // namespace bench
