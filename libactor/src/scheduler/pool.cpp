#include <algorithm>
#include <limits>
#include <loop/coarse_clock.hpp>
#include <scheduler/pool.hpp>
#include <utility>

namespace actor {
namespace {

/// About twice what it takes to wake a thread on another core (24 us).
constexpr std::chrono::microseconds spread_after(50);
/// Turns between two looks at the clock, and between two looks at the shared queue, while the own one is never empty.
constexpr unsigned turns_between_ticks = 32;
constexpr unsigned turns_between_glances = 4;  // at the coarse clock, for turns that take long
constexpr unsigned turns_between_shared = 61;
/// Rounds that a worker looks for work before it sleeps: a few microseconds.
constexpr unsigned spin_rounds = 200;

std::int64_t count_of(Scheduler::Time time) {
  return time.time_since_epoch().count();
}

}  // namespace

thread_local Pool::Worker* Pool::current = nullptr;

Pool::Pool(std::size_t threads, Latency latency) : latency_(latency), next_timer_(count_of(Time::max())) {
  for (std::size_t i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>(*this));
}

Pool::~Pool() {
  stop();
}

void Pool::start() {
  for (const auto& worker : workers_) worker->thread = std::thread([this, &own = *worker] { work(own); });
}

void Pool::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    work_.notify_all();
  }
  poller_.ring();
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

void Pool::ready(Task& task) noexcept {
  if (current && &current->pool == this && current->queue.push(task)) return;
  share(task);
}

void Pool::share(Task& task) noexcept {
  const std::scoped_lock lock(mutex_);
  shared_.push_back(&task);
  queued_.store(shared_.size());
  wake_one();
}

/// REQUIRES: mutex_ is held.
void Pool::wake_one() noexcept {
  if (waiting_ > 0) {
    work_.notify_one();
  } else if (somebody_polls_) {
    poller_.ring();
  }
}

void Pool::work(Worker& worker) {
  current = &worker;
  worker.mark_since = now();
  while (!stopping_.load(std::memory_order_relaxed)) {
    Task* task = next(worker);
    if (!task) {
      if (spin(worker)) continue;
      sleep();
      if (latency_ == Latency::Low) worker.spin.woke(Loop::Clock::now);
      continue;
    }
    if (task->run_turn() == Task::Next::Again) ready(*task);
    const unsigned turns = ++worker.turns;
    if (turns % turns_between_ticks == 0 || (turns % turns_between_glances == 0 && coarse_now() != worker.last_tick))
      tick(worker);
  }
  current = nullptr;
}

Task* Pool::next(Worker& worker) {
  if (worker.turns % turns_between_shared == 0) {
    if (Task* task = take_shared(worker)) return task;
  }
  if (Task* task = workers_.size() == 1 ? worker.queue.pop_alone() : worker.queue.pop()) return task;
  if (Task* task = take_shared(worker)) return task;
  return steal(worker);
}

/// One task to run now, and a fair part of the others to run next.
Task* Pool::take_shared(Worker& worker) {
  if (queued_.load(std::memory_order_relaxed) == 0) return nullptr;
  const std::scoped_lock lock(mutex_);
  if (shared_.empty()) return nullptr;
  Task* first = shared_.front();
  shared_.pop_front();
  for (std::size_t more = shared_.size() / workers_.size(); more > 0; --more) {
    if (!worker.queue.push(*shared_.front())) break;
    shared_.pop_front();
  }
  queued_.store(shared_.size());
  if (!shared_.empty()) wake_one();
  return first;
}

Task* Pool::steal(Worker& worker) {
  for (const auto& other : workers_) {
    if (other.get() == &worker || !other->wants_help.load(std::memory_order_relaxed)) continue;
    other->wants_help.store(false, std::memory_order_relaxed);
    if (other->queue.steal_half(worker.queue) > 0) return worker.queue.pop();
  }
  return nullptr;
}

bool Pool::may_have_work() const {
  if (queued_.load(std::memory_order_relaxed) != 0 || stopping_.load(std::memory_order_relaxed)) return true;
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return worker->wants_help.load(std::memory_order_relaxed); });
}

/// Looks for work for a moment, which is less than sleeping costs, and if answering soon is what counts, for as long as
/// that pays. True when there may be some.
bool Pool::spin(Worker& worker) const {
  static const bool alone = std::thread::hardware_concurrency() <= 1;
  if (alone || latency_ == Latency::PowerSave) return false;
  for (unsigned round = 0; round < spin_rounds; ++round) {
    if (may_have_work()) return true;
  }
  while (latency_ == Latency::Low && worker.spin.goes_on(Loop::Clock::now)) {
    if (!may_have_work()) continue;
    worker.spin.found();
    return true;
  }
  return false;
}

void Pool::sleep() {
  std::unique_lock lock(mutex_);
  if (!shared_.empty() || stopping_) return;
  ++asleep_;
  if (somebody_polls_) {
    ++waiting_;
    work_.wait(lock);  // a wake-up without a cause costs one more look
    --waiting_;
  } else {
    somebody_polls_ = true;
    lock.unlock();
    if (!run_timers()) poller_.poll(Time(Time::duration(next_timer_.load())));
    run_timers();
    lock.lock();
    somebody_polls_ = false;
    // Somebody else watches over timers and descriptors while this one works.
    const bool needed = poller_.has_watches() || next_timer_.load() != count_of(Time::max());
    if (needed && waiting_ > 0) work_.notify_one();
  }
  --asleep_;
}

/// Between two turns, now and then: what a busy thread must not forget.
void Pool::tick(Worker& worker) {
  const Time time = now();
  const Time coarse = coarse_now();
  const bool clock_moved = coarse != std::exchange(worker.last_tick, coarse);
  if (count_of(time) >= next_timer_.load(std::memory_order_relaxed)) run_timers();
  if ((clock_moved || worker.turns % (turns_between_ticks * 32) == 0) && poller_.has_watches()) {
    std::unique_lock lock(mutex_);
    if (!somebody_polls_) {
      somebody_polls_ = true;
      lock.unlock();
      poller_.poll(Time::min());
      lock.lock();
      somebody_polls_ = false;
    }
  }
  if (static_cast<std::int32_t>(worker.queue.head() - worker.mark) >= 0) {
    worker.mark = worker.queue.tail();
    worker.mark_since = time;
    return;
  }
  if (time - worker.mark_since < spread_after || asleep_.load(std::memory_order_relaxed) == 0) return;
  worker.wants_help.store(true, std::memory_order_relaxed);
  worker.mark_since = time;
  const std::scoped_lock lock(mutex_);
  wake_one();
}

/// Returns true when a task's time had come.
bool Pool::run_timers() {
  if (count_of(now()) < next_timer_.load(std::memory_order_relaxed)) return false;
  std::vector<std::shared_ptr<Task>> due;
  {
    const std::scoped_lock lock(timers_mutex_);
    due = timers_.take_due(now());
    next_timer_.store(count_of(timers_.next()));
  }
  for (const auto& task : due) task->on_time();
  return !due.empty();
}

void Pool::call_at(Time when, std::weak_ptr<Task> task) {
  bool earliest = false;
  {
    const std::scoped_lock lock(timers_mutex_);
    earliest = timers_.add(when, std::move(task));
    if (earliest) next_timer_.store(count_of(when));
  }
  // PAIRS: Pool.next_timer and Pool.somebody_polls (seq_cst store and load on either side, crosswise in sleep()): a
  // poller that has read the old time is rung out of its wait.
  if (!earliest) return;
  if (somebody_polls_.load()) return poller_.ring();
  find_poller();
}

/// There is something new to watch over, and whoever asks for it may be busy for long.
void Pool::find_poller() {
  if (asleep_.load() == 0) return;
  const std::scoped_lock lock(mutex_);
  if (!somebody_polls_ && waiting_ > 0) work_.notify_one();
}

std::uint64_t Pool::watch(int fd, Loop::Interest interest, std::function<void()> callback) {
  const std::uint64_t id = poller_.watch(fd, interest, std::move(callback));
  find_poller();
  return id;
}

}  // namespace actor
