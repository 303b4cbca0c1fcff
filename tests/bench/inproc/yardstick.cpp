// The yardstick: the same roles on as many threads, each thread with one bounded queue of messages for those of its
// roles. A chain is cut in the middle, a fan-out between the source and its readers, so that threads meet as seldom as
// they can.

#include <algorithm>
#include <memory>
#include <thread>

#include "mutex_queue.hpp"
#include "roles.hpp"

namespace bench {
namespace {

struct Item {
  unsigned to;  // 0: the source, from 1 on the stages, or the readers of a fan-out
  Message message;
};

class Threads {
 public:
  explicit Threads(const Exchange& what) : what_(what), cast_(what) {
    for (unsigned i = 0; i < what.workers; ++i)
      inboxes_.push_back(std::make_unique<MutexQueue<Item>>(capacity_per_reader * what.participants()));
  }

  Result run() {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < what_.workers; ++i) threads.emplace_back([this, i] { live(i); });
    for (std::thread& thread : threads) thread.join();
    return cast_.result(what_);
  }

 private:
  /// What a role sees of the thread that it runs on.
  struct Out {
    Threads& all;
    unsigned thread;
    unsigned& unfinished;

    void send(const Message& message) { all.route(message, *this); }
    void finish() { --unfinished; }
    bool is_full() const { return false; }  // it waits instead
  };

  unsigned thread_of(unsigned participant) const {
    return what_.workers == 1 || participant <= what_.shape.stages / 2 ? 0 : 1;
  }

  void live(unsigned thread) {
    unsigned unfinished = 0;
    for (unsigned i = 0; i < what_.participants(); ++i) unfinished += thread_of(i) == thread;
    Out out{*this, thread, unfinished};
    if (thread == thread_of(0)) {
      cast_.source.start(out);
      while (what_.shape.window == 0 && cast_.source.produce(static_cast<unsigned>(capacity_per_reader), out)) {
      }
    }
    while (unfinished > 0) take_one(out);
  }

  void take_one(Out& out) {
    const Item item = inboxes_[out.thread]->pop();
    if (item.to == 0) {
      cast_.source.handle(item.message, out);
    } else if (item.to < what_.shape.stages) {
      cast_.relays[item.to - 1].handle(item.message, out);
    } else {
      cast_.sinks[item.to - what_.shape.stages].handle(item.message, out);
    }
  }

  void route(const Message& message, Out& from) {
    const auto first = static_cast<unsigned>(message.hop);
    const unsigned count = first == what_.shape.stages ? what_.shape.readers : 1;
    for (unsigned to = first; to < first + count; ++to) {
      MutexQueue<Item>& inbox = *inboxes_[thread_of(to)];
      if (thread_of(to) != from.thread) {
        inbox.push({to, message});
      } else {
        while (!inbox.try_push({to, message})) take_one(from);  // a thread cannot wait for itself
      }
    }
  }

  const Exchange what_;
  Cast cast_;
  std::vector<std::unique_ptr<MutexQueue<Item>>> inboxes_;
};

}  // namespace

Result run_mutex_queues(const Exchange& what) {
  count_allocations(what.count_allocations);
  const Result result = Threads(what).run();
  count_allocations(false);
  return result;
}

}  // namespace bench
