#pragma once
// The harness's ear at a running broker: a thread that reads what all actors say on their observation sockets, puts it
// in order, and calls the monitor. Owned by a BrokerTarget; start(), stop(), send_as() and check() are the test's
// thread's.
//
// Order: each actor's packets come in order, but the sockets are read one after the other. A packet that was caused by
// another was made after it, and the cause was in its socket by then. So everything is read twice, and what is not
// younger than the first reading's youngest is given out by age: causes come before what they caused.

#include <actor/testing/target.hpp>
#include <condition_variable>
#include <control/channel.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <testing/seen_events.hpp>
#include <thread>
#include <vector>

namespace actor::testing {

class BrokerWatch {
 public:
  BrokerWatch(const std::string& broker, std::span<const EventType* const> types);
  ~BrokerWatch();
  BrokerWatch(const BrokerWatch&) = delete;
  BrokerWatch& operator=(const BrokerWatch&) = delete;

  void start(std::shared_ptr<Monitor> monitor);
  void stop();
  EventId send_as(ActorId sender, const Injected& event);
  void check() const;

 private:
  /// One life of an actor.
  struct Life {
    Life(std::string_view name, Fd socket) : actor(name), channel(std::move(socket)) {}
    ActorId actor;
    control::Channel channel;
    bool watching = false;
    bool backlog = false;  // what it says may not be all
    bool silent = false;   // its end of the socket is closed
    bool over = false;     // the broker says so
    std::int64_t read_until_ns = 0;
    EventId in_hand;
    SeenPayload payload_in_hand;
  };
  using LifePtr = std::shared_ptr<Life>;
  /// Something that happened, in its place in time.
  struct Item {
    std::int64_t at_ns;
    LifePtr life;
    std::variant<control::ToTool, control::Observed, control::ObservedEnded> what;
  };
  struct Answer {
    EventId id;
    std::optional<Error> error;
  };

  // The thread's
  void run();
  void wait_for_news();
  std::vector<Item> take_items();
  std::int64_t read_everything();
  void read_broker();
  void on_broker(control::ToActor& message, std::vector<Fd>& fds);
  bool read_life(const LifePtr& life);
  void broker_is_gone();
  void give(const Item& item);
  void give(const LifePtr& life, const control::SeenEvent& seen);
  void give_end(const LifePtr& life, const control::ObservedEnded& end);
  void answer(const LifePtr& life, std::uint64_t request, Answer answer);
  void note_problem(const std::string& what);
  void wake();

  bool everybody_watches() const;
  LifePtr find_running(ActorId actor) const;
  std::string names_of_running() const;

  const std::string broker_;
  const SeenEvents events_;
  Fd bell_;
  std::shared_ptr<Monitor> monitor_;
  std::thread thread_;
  std::set<ActorId> coming_back_;  // the thread's own

  mutable std::mutex mutex_;  // for all that follows
  std::condition_variable changed_;
  control::Channel channel_;
  bool broker_gone_ = false;
  bool stop_ = false;
  std::string reply_part_;
  std::optional<std::string> reply_;
  std::vector<LifePtr> lives_;
  std::vector<Item> items_;  // read, and not given out yet
  std::string problem_;
  LifePtr asked_;  // by send_as()
  std::uint64_t request_ = 0;
  std::optional<Answer> answer_;
};

}  // namespace actor::testing
