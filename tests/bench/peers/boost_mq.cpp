#include "boost_mq.hpp"

#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>

namespace bench {
namespace {

namespace ipc = boost::interprocess;

/// A queue whose name is gone as soon as it is open: children inherit the mapping, and nothing is left behind.
class Queue {
 public:
  explicit Queue(const Case& what)
      : name_("libactor-bench-" + std::to_string(getpid()) + "-" + std::to_string(next_++)),
        queue_(ipc::create_only, name_.c_str(), what.capacity * what.writers, Message(what).bytes()),
        spin_(what.mode == Mode::Spin) {
    ipc::message_queue::remove(name_.c_str());
  }

  void send(const std::vector<char>& message) {
    if (!spin_) return queue_.send(message.data(), message.size(), 0);
    while (!queue_.try_send(message.data(), message.size(), 0)) {
    }
  }
  void receive(std::vector<char>& message) {
    std::size_t received = 0;
    unsigned priority = 0;
    if (!spin_) return queue_.receive(message.data(), message.size(), received, priority);
    while (!queue_.try_receive(message.data(), message.size(), received, priority)) {
    }
  }

 private:
  static inline unsigned next_ = 0;
  std::string name_;
  ipc::message_queue queue_;
  bool spin_;
};

using Queues = std::vector<std::unique_ptr<Queue>>;

class QueueWriter : public Writer {
 public:
  QueueWriter(const Case& what, Queues& queues) : queues_(queues), bytes_(Message(what).bytes()) {}
  void write(Message& message, std::uint64_t number) override {
    message.write(bytes_.data(), number);
    for (const auto& queue : queues_) queue->send(bytes_);
  }

 private:
  Queues& queues_;
  std::vector<char> bytes_;
};

class QueueReader : public Reader {
 public:
  QueueReader(const Case& what, Queue& queue) : queue_(queue), bytes_(Message(what).bytes()) {}
  std::uint64_t read(Message& message) override {
    queue_.receive(bytes_);
    return message.read(bytes_.data());
  }

 private:
  Queue& queue_;
  std::vector<char> bytes_;
};

class QueueLink : public Link {
 public:
  explicit QueueLink(const Case& what) : what_(what) {
    for (unsigned reader = 0; reader < what.readers; ++reader) there_.push_back(std::make_unique<Queue>(what));
    if (what.kind == Kind::Latency) back_.push_back(std::make_unique<Queue>(what));
  }
  std::unique_ptr<Writer> writer(Direction direction, unsigned) override {
    return std::make_unique<QueueWriter>(what_, queues(direction));
  }
  std::unique_ptr<Reader> reader(Direction direction, unsigned index) override {
    return std::make_unique<QueueReader>(what_, *queues(direction).at(index));
  }

 private:
  Queues& queues(Direction direction) { return direction == Direction::Forward ? there_ : back_; }

  const Case what_;
  Queues there_;
  Queues back_;
};

}  // namespace

std::unique_ptr<Link> open_boost_queue(const Case& what) {
  return std::make_unique<QueueLink>(what);
}

}  // namespace bench
