#include <algorithm>
#include <csignal>
#include <cstdio>
#include <future>
#include <limits>
#include <supervisor/core.hpp>
#include <supervisor/stalls.hpp>

namespace actor {
namespace {

constexpr std::string_view own_name = "supervisor";
constexpr auto between_looks = std::chrono::microseconds(200);
/// Virtual time zero: the first second of the year 2000, UTC.
constexpr std::int64_t simulated_epoch_ns = 946'684'800'000'000'000;

std::size_t thread_count(const SupervisorConfig& config) {
  if (config.threads != 0) return config.threads;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 4);
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

SupervisorCore::SupervisorCore(SupervisorConfig config)
    : config_(std::move(config)),
      simulated_(config_.simulation
                     ? std::make_unique<SimulatedScheduler>(config_.simulation->seed, config_.simulation->turn_limit)
                     : nullptr),
      pool_(simulated_ ? nullptr : std::make_unique<Pool>(thread_count(config_), config_.latency)),
      faults_(simulated_ ? std::make_unique<FaultPlan>(config_.simulation->faults, simulated_->random()) : nullptr),
      seeds_(simulated_ ? simulated_->random()() : random_seed()),
      dead_letters_(config_.dead_letter_limit),
      hub_(make_hub()),
      tree_(config_.auto_shutdown),
      clock_(std::make_shared<PolicyClock>(scheduler(), [this] { pass_time(); })) {
  plan_groups();
}

SupervisorCore::~SupervisorCore() {
  if (simulated_ && started_ && !all_ended()) {  // else join() has said it
    if (const std::string text = pointless_fault(); !text.empty()) std::fprintf(stderr, "libactor: %s\n", text.c_str());
  }
  if (!simulated_ && started_) {
    stop();
    join();
  }
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;  // an on_shutdown() from here on makes no new actors
  }
  end_signal_thread();
  if (pool_) pool_->stop();
  for (const auto& members : {members_, dead_}) {
    for (const auto& member : members) member->retire();
  }
  for (const auto& member : members_) member->abandon();
  if (stall_checker_.joinable()) stall_checker_.join();
}

std::unique_ptr<Hub> SupervisorCore::make_hub() {
  HubOptions options;
  options.runtime_id = seeds_();
  options.topic_capacity = config_.default_actor_channel_capacity;
  options.outbox_limit = config_.outbox_limit;
  options.on_dead_letter = [this](DeadLetter letter) { dead_letters_.add(std::move(letter)); };
  options.monitors = &monitors_;
  options.on_overflow = [this](ActorId reader, std::string_view topic) {
    if (const auto member = find(reader)) member->overflowed(topic);
  };
  if (simulated_) {
    options.clock = [this] { return simulated_->now().time_since_epoch().count(); };
    options.wall_offset_ns = simulated_epoch_ns;
    if (!config_.simulation->faults.empty()) {
      options.disturb = [this](const Observation& event) { return faults_->on_the_way(event); };
      options.later = [this](std::chrono::nanoseconds delay, std::function<void()> work) {
        simulated_->call_later(delay, std::move(work));
      };
    }
  }
  return make_inproc_hub(std::move(options));
}

Scheduler& SupervisorCore::scheduler() {
  if (simulated_) return *simulated_;
  return *pool_;
}

SimulatedScheduler& SupervisorCore::simulated() {
  ACTOR_ASSERT(simulated_, "settle(), advance() and now() are for deterministic mode: Supervisor(simulated(seed))");
  ACTOR_ASSERT(std::this_thread::get_id() == made_by_, "in deterministic mode a supervisor is used by one thread");
  return *simulated_;
}

void SupervisorCore::refuse_to_add(const std::string& name) {
  throw Error(ErrorCode::MailboxClosed, "cannot add actor " + name + ": the runtime is stopping; add it before stop()");
}

void SupervisorCore::refuse_name(const std::string& name) {
  throw Error(ErrorCode::DuplicateActorName,
              "cannot add actor " + name + ": there is one of that name, or one that is in quarantine");
}

ActorId SupervisorCore::add(ActorSpec spec) {
  bury_dead();
  const ActorConfig& config = spec.config;
  RunnerOptions options;
  options.max_events_per_tick =
      config.max_events_per_tick ? config.max_events_per_tick : config_.default_max_events_per_tick;
  if (simulated_) spec.config.dedicated_thread = false;  // there is one thread
  const std::size_t capacity = config.channel_capacity;
  std::unique_lock lock(mutex_);
  if (stopping_) refuse_to_add(spec.name);
  if (by_name_.contains(spec.name)) refuse_name(spec.name);
  serve_system_topics(spec.topics);
  const std::uint64_t seed = seeds_();
  const auto member = std::make_shared<Member>(*this, scheduler(), std::move(spec), options);
  lock.unlock();
  // What is sent from outside has no handler to return from: it waits for as long as it takes.
  const bool own = member->id().name() == own_name;
  member->attach(*hub_, capacity, own ? std::optional(std::numeric_limits<std::size_t>::max()) : std::nullopt);
  lock.lock();
  try {
    if (stopping_) refuse_to_add(member->spec().name);  // while it was made: nobody would ever tell it to stop
    if (by_name_.contains(member->spec().name)) refuse_name(member->spec().name);
    plan(member->spec().name, member->spec().config, seed);
  } catch (const Error&) {
    lock.unlock();
    member->abandon();  // its mailbox holds it
    throw;
  }
  members_.push_back(member);
  by_name_.emplace(member->spec().name, member.get());
  if (started_) {
    tree_.launch(member->spec().name, time());
    carry_out();
    member->start();
  }
  lock.unlock();
  if (monitors_.active() && member->id().name() != own_name) monitors_.registered(member->id());
  return member->id();
}

void SupervisorCore::start() {
  const std::scoped_lock lock(mutex_);
  if (started_) throw Error(ErrorCode::AlreadyStarted, "a supervisor starts once, and this one has been started");
  check_plan();
  started_ = true;
  tree_.start_all(time());
  carry_out();
  scheduler().ready(*clock_);
  for (const auto& member : members_) member->start();
  if (pool_) pool_->start();
  if (was_signalled_) begin_stop();
}

std::shared_ptr<Member> SupervisorCore::find(ActorId id) const {
  return find(id.name());
}

std::shared_ptr<Member> SupervisorCore::find(std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  return std::static_pointer_cast<Member>(found->second->shared_from_this());
}

SupervisorCore::Members SupervisorCore::living() const {
  const std::scoped_lock lock(mutex_);
  return members_;
}

void SupervisorCore::remove(ActorId id) {
  const auto member = find(id);
  if (!member) {
    throw Error(ErrorCode::NoSuchActor,
                "cannot remove actor \"" + std::string(id.name()) + "\": there is none of that name, or it has ended");
  }
  member->order(Member::Order::Leave);
}

bool SupervisorCore::post(ActorId id, std::function<void(Host&)> work) {
  const auto member = find(id);
  if (!member) return false;
  return member->post(std::move(work));
}

void SupervisorCore::call_on(ActorId id, const std::function<void(Host&)>& work) {
  const auto member = find(id);
  if (!member) {
    throw Error(ErrorCode::NoSuchActor, "cannot act as \"" + std::string(id.name()) +
                                            "\": no running actor has that name; it was never added, or it has ended");
  }
  {
    const std::scoped_lock lock(mutex_);
    if (!started_)
      throw Error(ErrorCode::NoSuchActor,
                  "cannot act as \"" + std::string(id.name()) + "\": it does not run yet; call start() before");
  }
  if (simulated_) {
    Host* host = member->host_now();
    if (!host) {
      throw Error(ErrorCode::NoSuchActor,
                  "cannot act as \"" + std::string(id.name()) + "\": it waits for its restart; advance() the time");
    }
    work(*host);
    host->port.flush();
    return;
  }
  const auto done = std::make_shared<std::promise<void>>();  // may be in use for a moment longer than this call
  auto result = done->get_future();
  const auto call = [done, &work](Host& host) {
    try {
      work(host);
      done->set_value();
    } catch (...) {
      done->set_exception(std::current_exception());
    }
  };
  if (!member->post(call)) throw Error(ErrorCode::NoSuchActor, "actor \"" + std::string(id.name()) + "\" has ended");
  while (result.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready) {
    if (member->has_ended())
      throw Error(ErrorCode::NoSuchActor, "actor \"" + std::string(id.name()) + "\" has ended meanwhile");
  }
  result.get();
}

void SupervisorCore::prepare(Host& host) {
  if (host.id.name() != own_name) {
    host.monitors = &monitors_;
    const std::string name(host.id.name());
    tell(sys::Up{name, begin_life(name)});
  }
  host.stop_runtime = [this] { stop(); };
  host.spawn = [this](ActorSpec spec) { return add(std::move(spec)); };
  if (faults_ && faults_->has_crashes_for(host.id))
    host.crashes_now = [this, id = host.id](bool after) { return faults_->crashes_now(id, after); };
}

void SupervisorCore::on_end(Member& member, const std::optional<Error>& why) {
  if (monitors_.active() && member.id().name() != own_name) monitors_.stopped(member.id());
  if (why) say("actor " + std::string(member.id().name()) + " stopped: " + why->what());
  const std::scoped_lock lock(mutex_);
  if (why) errors_.push_back(*why);
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m.get() == &member; });
  if (found != members_.end()) {
    dead_.push_back(std::move(*found));
    members_.erase(found);
  }
  changed_.notify_all();
}

/// Lets go of those that have ended, on a thread that is not theirs.
void SupervisorCore::bury_dead() {
  Members ended;
  {
    const std::scoped_lock lock(mutex_);
    const auto first =
        std::stable_partition(dead_.begin(), dead_.end(), [](const auto& member) { return !member->has_ended(); });
    ended.assign(first, dead_.end());
    dead_.erase(first, dead_.end());
  }
  for (const auto& member : ended) member->retire();
}

void SupervisorCore::stop() {
  const std::scoped_lock lock(mutex_);
  if (started_) begin_stop();
}

/// REQUIRES: mutex_ is held.
void SupervisorCore::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  // An actor may call this, and must go on to be drained: the rest is done elsewhere.
  if (!simulated_) stopper_ = std::thread([this] { drain(); });
}

void SupervisorCore::order_all(Member::Order order) {
  for (const auto& member : living()) member->order(order);
}

std::vector<std::optional<std::uint64_t>> SupervisorCore::sleepers(const Members& members) {
  std::vector<std::optional<std::uint64_t>> since;
  for (const auto& member : members) since.push_back(member->asleep_since());
  return since;
}

/// Nothing moves and nothing can: between two looks everybody was asleep all the while.
bool SupervisorCore::at_rest(const Members& members) {
  const auto since = sleepers(members);
  return std::find(since.begin(), since.end(), std::nullopt) == since.end() && sleepers(members) == since;
}

void SupervisorCore::wait_for_rest() {
  for (;;) {
    const Members members = living();
    if (at_rest(members) && living() == members) return;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, between_looks);
  }
}

/// Quiesce everybody, wait until nothing moves, then stop one after the other.
void SupervisorCore::drain() {
  order_all(Member::Order::Quiesce);
  wait_for_rest();
  for (const std::string& name : begin_last_part()) {
    if (const auto member = find(name)) member->order(Member::Order::Stop);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !by_name_.contains(name); });
  }
}

/// From here on nobody is made anew. In which order to stop: the last to start first.
std::vector<std::string> SupervisorCore::begin_last_part() {
  const std::scoped_lock lock(mutex_);
  tree_.begin_shutdown();
  return tree_.stop_order();
}

bool SupervisorCore::all_ended() const {
  const std::scoped_lock lock(mutex_);
  return std::all_of(members_.begin(), members_.end(),
                     [](const auto& member) { return member->id().name() == own_name; });
}

/// Not known before the end: an actor may be added, or made by another one, at any time.
std::string SupervisorCore::pointless_fault() const {
  const std::scoped_lock lock(mutex_);
  for (const std::string& name : faults_->actors()) {
    if (lives_.contains(name) || by_name_.contains(name) || name == own_name) continue;
    return "a fault of the simulation names actor \"" + name +
           "\", and there never was one: it did not strike. Correct the name";
  }
  return {};
}

void SupervisorCore::join() {
  if (simulated_) return join_simulated();
  {
    std::unique_lock lock(mutex_);
    ACTOR_ASSERT(started_, "join() comes after start()");
    changed_.wait(lock, [this] {
      return std::all_of(members_.begin(), members_.end(),
                         [](const auto& member) { return member->id().name() == own_name; });
    });
    stopping_ = true;  // no stopper is made from here on
  }
  end_own_actor();
  if (stopper_.joinable()) stopper_.join();
  end_signal_thread();
  pool_->stop();
  bury_dead();
}

/// The supervisor's own actor only sends; it ends with the last of the others.
void SupervisorCore::end_own_actor() {
  order_all(Member::Order::Stop);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return members_.empty(); });
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
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);  // inherited by every thread of the pool
  signal_thread_ = std::thread([this, stop_signals] {
    int signal = 0;
    sigwait(&stop_signals, &signal);
    {
      const std::scoped_lock lock(mutex_);
      was_signalled_ = true;  // it may be too early for stop(): start() looks at this
    }
    stop();
  });
}

std::vector<Error> SupervisorCore::errors() const {
  const std::scoped_lock lock(mutex_);
  return errors_;
}

std::vector<std::string> SupervisorCore::stalls() const {
  const std::scoped_lock lock(mutex_);
  return stalls_;
}

std::vector<ActorSpec> SupervisorCore::actors() const {
  std::vector<ActorSpec> specs;
  for (const auto& member : living()) {
    if (member->id().name() != own_name) specs.push_back(member->spec());
  }
  return specs;
}

/// What happens to actors is worth a line, but not a thousand of them in a test of a thousand seeds.
void SupervisorCore::say(const std::string& line) const {
  if (!simulated_) std::fprintf(stderr, "libactor: %s\n", line.c_str());
}

}  // namespace actor
