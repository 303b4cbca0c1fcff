#include <actor/supervisor.hpp>
#include <algorithm>
#include <condition_variable>
#include <core/runner.hpp>
#include <csignal>
#include <cstdio>
#include <random>
#include <supervisor/hub.hpp>

namespace actor {
namespace {

/// One actor with everything that it runs on. Made by the supervisor, then used by its own thread.
struct Member {
  ActorId id;
  Subscribe topics;
  std::unique_ptr<ActorBase> actor;
  EpollLoop loop;
  LoopWaker waker{loop};
  std::shared_ptr<Signal> signal = std::make_shared<Signal>(waker);
  std::unique_ptr<Port> port;
  std::unique_ptr<Host> host;
  std::unique_ptr<Runner> runner;
  std::thread thread;
  bool ended = false;  // guarded by the supervisor's mutex
};

std::uint64_t random_id() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

/// What all ports have counted, taken on their own threads: at rest when nothing moves between two of them.
struct Tally {
  PortCounters sum;
  bool complete = true;

  void add(const PortCounters& counters) {
    sum.published += counters.published;
    sum.handled += counters.handled;
    sum.skipped += counters.skipped;
    sum.dropped += counters.dropped;
    sum.received += counters.received;
    sum.staged += counters.staged;
    sum.sent += counters.sent;
  }
  bool at_rest_since(const Tally& before) const {
    return sum.staged == 0 && sum.published == before.sum.published && sum.received == before.sum.received &&
           sum.handled == before.sum.handled;
  }
};

}  // namespace

class SupervisorCore {
 public:
  SupervisorCore()
      : hub_(make_inproc_hub(random_id(), [this](ActorId reader, auto topic) { overflow(reader, topic); })) {}
  ~SupervisorCore() {
    stop();
    if (started_) wait();
    end_signal_thread();
  }

  ActorId add(std::string_view name, const Subscribe& topics, std::unique_ptr<ActorBase> actor);
  void start();
  void wait();
  void stop();
  bool post(std::function<void()> work);
  void stop_on_signals();
  std::optional<Error> first_error();

 private:
  void live(Member& member);
  void overflow(ActorId reader, std::string_view topic);
  void drain();
  void end_signal_thread();
  Tally tally();
  void for_each_alive(const std::function<void(Member&)>& work);

  std::unique_ptr<Hub> hub_;
  std::vector<std::unique_ptr<Member>> members_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;
  bool stopping_ = false;
  std::thread stopper_;
  std::thread signal_thread_;
  std::optional<Error> error_;
};

ActorId SupervisorCore::add(std::string_view name, const Subscribe& topics, std::unique_ptr<ActorBase> actor) {
  if (started_) throw Error(ErrorCode::AlreadyStarted, "adding actor " + std::string(name) + " after start()");
  const ActorId id(name);
  for (const auto& member : members_) {
    if (member->id == id)
      throw Error(ErrorCode::DuplicateActorName,
                  "two actors are named " + std::string(name) + "; give each its own name");
  }
  auto member = std::make_unique<Member>();
  member->id = id;
  member->topics = topics;
  member->actor = std::move(actor);
  members_.push_back(std::move(member));
  return id;
}

void SupervisorCore::start() {
  if (started_) throw Error(ErrorCode::AlreadyStarted, "a supervisor starts once");
  started_ = true;
  for (const auto& member : members_) {
    member->port = hub_->attach(member->id, member->actor->bound_types(), member->topics, member->signal);
    member->host = std::make_unique<Host>(member->id, *member->port, member->loop, member->waker);
    member->host->stop_runtime = [this] { stop(); };
    member->runner = std::make_unique<Runner>(*member->actor, *member->host, RunnerOptions{});
  }
  for (const auto& member : members_) member->thread = std::thread([this, &member = *member] { live(member); });
}

void SupervisorCore::live(Member& member) {
  if (member.runner->start()) member.runner->run(member.loop);
  member.runner->finish();
  member.host->injection->close();
  const std::scoped_lock lock(mutex_);
  if (member.runner->error()) {
    std::fprintf(stderr, "actor %s stopped: %s\n", std::string(member.id.name()).c_str(),
                 member.runner->error()->what());
    if (!error_) error_ = member.runner->error();
  }
  member.runner.reset();
  member.host.reset();
  member.port.reset();  // nobody waits for room with it any more
  member.ended = true;
  changed_.notify_all();
}

void SupervisorCore::for_each_alive(const std::function<void(Member&)>& work) {
  const std::scoped_lock lock(mutex_);
  for (const auto& member : members_) {
    if (!member->ended) work(*member);
  }
}

void SupervisorCore::overflow(ActorId reader, std::string_view topic) {
  std::fprintf(stderr, "actor %s is too slow for topic %s, whose policy is Fail: it is stopped\n",
               std::string(reader.name()).c_str(), std::string(topic).c_str());
  for_each_alive([&](Member& member) {
    if (member.id == reader) member.host->injection->post([&member] { member.host->stop_requested = true; });
  });
}

bool SupervisorCore::post(std::function<void()> work) {
  const std::scoped_lock lock(mutex_);
  if (!started_ || members_.front()->ended) return false;
  return members_.front()->host->injection->post(std::move(work));
}

void SupervisorCore::stop() {
  const std::scoped_lock lock(mutex_);
  if (!started_ || stopping_) return;
  stopping_ = true;
  stopper_ = std::thread([this] { drain(); });  // stop() may be called by an actor, which must go on to be drained
}

Tally SupervisorCore::tally() {
  struct Shared {
    std::mutex mutex;
    std::condition_variable done;
    std::size_t answers = 0;
    Tally tally;
  };
  const auto shared = std::make_shared<Shared>();
  std::size_t asked = 0;
  for_each_alive([&](Member& member) {
    asked += member.host->injection->post([shared, &member] {
      const std::scoped_lock lock(shared->mutex);
      shared->tally.add(member.port->counters());
      ++shared->answers;
      shared->done.notify_all();
    });
  });
  std::unique_lock lock(mutex_);
  for (;;) {  // an actor that ends instead of answering makes the tally incomplete
    {
      const std::scoped_lock inner(shared->mutex);
      if (shared->answers == asked) return shared->tally;
    }
    const auto ended = std::count_if(members_.begin(), members_.end(), [](const auto& m) { return m->ended; });
    if (changed_.wait_for(lock, std::chrono::milliseconds(1)) == std::cv_status::no_timeout &&
        ended != std::count_if(members_.begin(), members_.end(), [](const auto& m) { return m->ended; })) {
      Tally incomplete;
      incomplete.complete = false;
      return incomplete;
    }
  }
}

/// Quiesce everybody, wait until nothing moves, then stop everybody.
void SupervisorCore::drain() {
  for_each_alive([](Member& member) { member.host->injection->post([&member] { member.runner->quiesce(); }); });
  Tally before = tally();
  for (;;) {
    const Tally now = tally();
    if (now.complete && before.complete && now.at_rest_since(before)) break;
    before = now;
  }
  for_each_alive(
      [](Member& member) { member.host->injection->post([&member] { member.host->stop_requested = true; }); });
}

void SupervisorCore::wait() {
  {
    // The supervisor's own actor only sends; it ends with the last of the others.
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] {
      return std::all_of(std::next(members_.begin()), members_.end(), [](const auto& member) { return member->ended; });
    });
    if (!members_.front()->ended) {
      Member& own = *members_.front();
      own.host->injection->post([&own] { own.host->stop_requested = true; });
    }
  }
  for (const auto& member : members_) {
    if (member->thread.joinable()) member->thread.join();
  }
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;  // no stopper is made from here on
  }
  if (stopper_.joinable()) stopper_.join();
  end_signal_thread();
}

void SupervisorCore::end_signal_thread() {
  if (!signal_thread_.joinable()) return;
  pthread_kill(signal_thread_.native_handle(), SIGTERM);  // ends its sigwait
  signal_thread_.join();
}

void SupervisorCore::stop_on_signals() {
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);  // inherited by every actor's thread
  signal_thread_ = std::thread([this, stop_signals] {
    int signal = 0;
    sigwait(&stop_signals, &signal);
    stop();
  });
}

std::optional<Error> SupervisorCore::first_error() {
  const std::scoped_lock lock(mutex_);
  return error_;
}

SupervisorBase::SupervisorBase() : core_(std::make_unique<SupervisorCore>()) {}
SupervisorBase::~SupervisorBase() = default;

ActorId SupervisorBase::add(std::string_view name, const Subscribe& topics,
                            std::function<std::unique_ptr<ActorBase>()> make) {
  return core_->add(name, topics, make());
}

void SupervisorBase::set_own_actor(std::function<std::unique_ptr<ActorBase>()> make) {
  core_->add("supervisor", Subscribe::none(), make());
}

void SupervisorBase::start() {
  core_->start();
}

void SupervisorBase::join() {
  core_->wait();
  if (const auto error = core_->first_error()) throw *error;
}

void SupervisorBase::run() {
  start();
  join();
}

void SupervisorBase::stop() {
  core_->stop();
}

void SupervisorBase::stop_on_signals() {
  core_->stop_on_signals();
}

bool SupervisorBase::post(std::function<void()> work) {
  return core_->post(std::move(work));
}

}  // namespace actor
