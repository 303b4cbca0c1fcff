#include <algorithm>
#include <supervisor/member.hpp>
#include <utility>

namespace actor {

using supervision::Exit;

Member::Member(MemberOwner& owner, Scheduler& scheduler, ActorSpec spec, const RunnerOptions& options)
    : owner_(owner),
      spec_(std::move(spec)),
      id_(spec_.name),
      own_thread_(spec_.config.dedicated_thread ? std::make_unique<Pool>(1) : nullptr),
      scheduler_(own_thread_ ? *own_thread_ : scheduler),
      options_(options) {}

Member::~Member() = default;

void Member::attach(Hub& hub, std::size_t capacity, std::optional<std::size_t> outbox_limit) {
  hub_ = &hub;
  capacity_ = capacity;
  outbox_limit_ = outbox_limit;
  actor_ = make();
  open_port();
}

void Member::open_port() {
  // Peers that may wake it keep it: the signal is a part of it.
  port_ = hub_->attach(id_, actor_->bound_types(), spec_.topics, {shared_from_this(), &signal_}, capacity_);
  if (outbox_limit_) port_->set_outbox_limit(*outbox_limit_);
}

std::unique_ptr<ActorBase> Member::make() const {
  auto made = spec_.make();
  if (made) return made;
  throw Error(ErrorCode::External, "the function that makes actor " + std::string(id_.name()) +
                                       " has returned null; it has to return an actor or throw");
}

void Member::start() {
  scheduler_.ready(*this);
  if (own_thread_) own_thread_->start();
}

void Member::retire() {
  if (own_thread_) own_thread_->stop();
}

void Member::abandon() {
  drop_life();
  port_.reset();
}

void Member::on_time() noexcept {
  due_.store(true, std::memory_order_relaxed);
  signal_.raise(Signal::time);
}

void Member::order(Order order) {
  Order known = order_.load();
  while (known < order && !order_.compare_exchange_weak(known, order)) {
  }
  signal_.raise(Signal::injected);
}

void Member::run() {
  suspended_ = quarantined_ = false;
  may_run_ = true;
  signal_.raise(Signal::injected);
}

void Member::suspend() {
  suspended_ = true;
  signal_.raise(Signal::injected);
}

void Member::quarantine() {
  quarantined_ = true;
  signal_.raise(Signal::injected);
}

void Member::give_up() {
  given_up_ = true;
  signal_.raise(Signal::injected);
}

bool Member::post(std::function<void(Host&)> work) {
  const std::scoped_lock lock(mutex_);
  if (port_is_gone_) return false;
  calls_.push_back(std::move(work));
  if (injection_) injection_->post([this] { run_call(); });
  return true;
}

void Member::run_call() {
  std::function<void(Host&)> call;
  {
    const std::scoped_lock lock(mutex_);
    call = std::move(calls_.front());
    calls_.pop_front();
  }
  call(*host_);
}

void Member::overflowed(std::string_view topic) {
  const std::scoped_lock lock(mutex_);
  if (!injection_) return;
  injection_->post([this, name = std::string(topic)] {
    was_too_slow_ = true;
    overflowed_topic_ = name;
    runner_->fail(Error(ErrorCode::MailboxFull, "actor " + std::string(id_.name()) + " is too slow for topic " + name +
                                                    ", whose policy is Fail: it is stopped; give the topic another "
                                                    "policy, or the actor a larger channel_capacity"));
  });
}

std::vector<Wait> Member::waits() const {
  const std::scoped_lock lock(mutex_);
  return waits_;
}

Host* Member::host_now() {
  if (stage_ == Stage::Waiting && may_run_ && !given_up_ && order_.load() == Order::None) begin();
  if (stage_ != Stage::Running || !runner_ || runner_->failed()) return nullptr;
  // A turn of its own, with a clock of its own. What new_turn() takes from the signal is looked at in the turn that
  // this raise() brings about.
  signal_.raise(Signal::injected);
  port_->new_turn();
  return host_.get();
}

Task::Next Member::run_turn() {
  turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (stage_ == Stage::Waiting) {
    if (order_.load() == Order::Stop || given_up_ || !may_run_) return wait_for_life();
    begin();
  }
  follow_orders();
  if (!runner_ || runner_->failed()) return end_life();  // it could not be made or started
  const Runner::Done done = runner_->turn();
  if (runner_->is_over()) return end_life();
  // Why not after Everything, too? By its next turn the next event has often come, and nobody had to wake it.
  if (done == Runner::Done::Nothing) return rest();
  if (loop_->has_timers()) arm(loop_->next_due());  // it may never come to rest
  return Next::Again;
}

/// Sees to it that there is a turn when something is due.
void Member::arm(Scheduler::Time due) {
  if (due == Scheduler::Time::max() || (due >= armed_ && armed_ > scheduler_.now())) return;
  armed_ = due;
  scheduler_.call_at(due, weak_from_this());
}

/// Makes the actor and starts it. Without a runner_ it could not be made; make_error_ says why.
void Member::begin() {
  stage_ = Stage::Running;
  followed_ = Order::None;
  may_run_ = false;
  last_error_.reset();
  try {
    if (!actor_) actor_ = make();
    if (!port_) open_port();
  } catch (const std::exception& error) {
    make_error_ = Error(ErrorCode::External, "making actor " + std::string(id_.name()) + " again: " + error.what());
    return;
  } catch (...) {
    make_error_ =
        Error(ErrorCode::External, "making actor " + std::string(id_.name()) + " again: an exception of unknown type");
    return;
  }
  loop_ = std::make_unique<ScheduledLoop>(scheduler_, signal_, due_);
  host_ = std::make_unique<Host>(id_, *port_, *loop_, injection_waker_);
  owner_.prepare(*host_);
  runner_ = std::make_unique<Runner>(*actor_, *host_, options_);
  if (!runner_->start()) {
    host_->stop_requested = true;
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    injection_ = host_->injection;
    for (std::size_t i = 0; i < calls_.size(); ++i) injection_->post([this] { run_call(); });
  }
  owner_.on_ready(*this);
}

/// REQUIRES: the bits of the signal that came with the order have been taken, or will be.
void Member::follow_orders() {
  if (suspended_ && host_) host_->stop_requested = true;
  const Order order = order_.load();
  if (order == followed_) return;
  followed_ = order;
  if (!runner_) return;
  if (order == Order::Leave) {
    port_->unsubscribe();
  } else if (order >= Order::Quiesce) {
    runner_->quiesce();
  }
  if (order == Order::Stop) host_->stop_requested = true;
}

/// Nothing was done in this turn: sleeps until there is something.
Task::Next Member::rest() {
  if (followed_ == Order::Leave && !port_->has_staged()) {  // everything is handled
    host_->stop_requested = true;
    return Next::Again;
  }
  note_waits();
  arm(runner_->next_due());
  // An order that came before the bits were taken at the start of this turn may not have been seen then.
  if (order_.load() != followed_ || suspended_) return Next::Again;
  return port_->prepare_wait() ? Next::Sleep : Next::Again;
}

void Member::note_waits() {
  const bool blocked = port_->has_staged();
  if (!blocked && !is_blocked_) return;
  is_blocked_ = blocked;
  auto waits = blocked ? port_->waits() : std::vector<Wait>();
  {
    const std::scoped_lock lock(mutex_);
    waits_ = std::move(waits);
  }
  if (blocked) owner_.on_blocked(*this);
}

/// Between two lives events only queue up; in quarantine they do not even do that.
Task::Next Member::wait_for_life() {
  if (port_) {
    port_->new_turn();  // takes the signal's bits; those of the mailbox are kept
  } else {
    signal_.take();
  }
  if (order_.load() == Order::Stop || given_up_) {
    end(given_up_ ? last_error_ : std::nullopt);
    return Next::Done;
  }
  if (may_run_) return Next::Again;
  if (quarantined_) port_.reset();
  const bool has_nothing_queued = !port_ || actor_;  // in quarantine, or it has not even begun
  if (order_.load() == Order::Leave && has_nothing_queued) {
    end({});
    return Next::Done;
  }
  return signal_.park() ? Next::Sleep : Next::Again;
}

Task::Next Member::end_life() {
  std::optional<Error> error = std::exchange(make_error_, std::nullopt);
  const bool failed = error || runner_->failed();
  if (runner_) {
    runner_->finish();
    error = runner_->error();
  }
  // Whoever was told to stop, and did, is not made anew because its on_shutdown() threw.
  const Order order = order_.load();
  const bool stopped = order != Order::None && !failed;
  drop_life();
  last_event_ = port_ ? port_->in_hand() : EventId{};
  if (port_) port_->restart(spec_.config.after_death, std::exchange(overflowed_topic_, {}));
  if (stopped || order == Order::Stop) {
    end(error);
    return Next::Done;
  }
  stage_ = Stage::Waiting;
  last_error_ = error;
  owner_.on_life_over(*this, exit_of(error), error);
  return Next::Again;
}

supervision::Exit Member::exit_of(const std::optional<Error>& error) {
  using Kind = supervision::Exit::Kind;
  if (std::exchange(was_too_slow_, false)) return {Kind::Overflow, 1};
  return error ? supervision::Exit{Kind::Error, 1} : supervision::Exit{Kind::Clean, 0};
}

void Member::drop_life() {
  {
    const std::scoped_lock lock(mutex_);
    injection_.reset();
    waits_.clear();
  }
  runner_.reset();
  host_.reset();
  loop_.reset();  // before the actor closes what is watched here: the number may be another's descriptor at once
  actor_.reset();
}

void Member::end(const std::optional<Error>& why) {
  const auto self = shared_from_this();  // the last of its owners may let go of it meanwhile
  stage_ = Stage::Ended;
  owner_.on_leaving(*this);
  std::deque<std::function<void(Host&)>> never_run;  // destroyed without the lock: what they hold may call us
  {
    const std::scoped_lock lock(mutex_);
    port_is_gone_ = true;
    never_run.swap(calls_);
  }
  port_.reset();  // nobody waits for room with it any more
  owner_.on_end(*this, why);
  ended_.store(true, std::memory_order_release);
}

}  // namespace actor
