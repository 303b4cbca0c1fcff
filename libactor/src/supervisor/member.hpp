#pragma once
// One actor of a supervisor through all its lives: made, run turn by turn, made anew after a failure when its owner
// says so, with one mailbox throughout. Owned by the supervisor's core and, as long as they may wake it, by its peers.
// run_turn() is called by its scheduler, by one thread at a time; what is for other threads says so.

#include <actor/host.hpp>
#include <atomic>
#include <core/runner.hpp>
#include <deque>
#include <mutex>
#include <scheduler/pool.hpp>
#include <scheduler/scheduled_loop.hpp>
#include <scheduler/scheduler.hpp>
#include <supervision/exit.hpp>
#include <supervisor/hub.hpp>

namespace actor {

class Member;

/// What a member tells its supervisor; on the member's thread.
class MemberOwner {
 public:
  virtual ~MemberOwner() = default;
  virtual void prepare(Host& host) = 0;
  /// Its on_start() has returned.
  virtual void on_ready(Member& member) = 0;
  /// One of its lives has ended. It waits for run() or give_up().
  virtual void on_life_over(Member& member, const supervision::Exit& exit, const std::optional<Error>& why) = 0;
  /// Its last life has ended, and nobody who is told of it may count on it any more; on_end() follows.
  virtual void on_leaving(Member& member) = 0;
  /// `why` is empty after an end that was wanted.
  virtual void on_end(Member& member, const std::optional<Error>& why) = 0;
  /// It waits for room, and whoever it waits for may wait too.
  virtual void on_blocked(Member& member) = 0;
};

class Member final : public Task {
 public:
  enum class Order : std::uint8_t {
    None,
    Leave,    ///< handle what is queued, then stop
    Quiesce,  ///< no more steps and timers; events are still handled
    Stop,
  };

  /// `scheduler` and `owner` outlive it. With `own_thread` it has a scheduler of its own instead.
  Member(MemberOwner& owner, Scheduler& scheduler, ActorSpec spec, const RunnerOptions& options);
  ~Member() override;

  /// Makes the first actor object and subscribes it. Throws what its constructor throws, and what attach() throws.
  void attach(Hub& hub, std::size_t capacity, std::optional<std::size_t> outbox_limit);
  /// Hands it to its scheduler.
  void start();

  ActorId id() const { return id_; }
  const ActorSpec& spec() const { return spec_; }
  /// What it had in hand when its last life ended. Its own thread.
  EventId last_event() const { return last_event_; }

  // Any thread -------------------------------------------------------------------------------------------------------

  void wake() noexcept override { scheduler_.ready(*this); }
  void on_time() noexcept override;
  void order(Order order);
  /// It may live, for one life.
  void run();
  /// Ends the present life, without its queue: what waits there is for the next one.
  void suspend();
  /// It stays away for a while: its mailbox is given up, so that nobody waits for room in it.
  void quarantine();
  /// It lives no more. REQUIRES: its life is over.
  void give_up();
  /// Runs `work` on the actor's thread some time, in its next life if it has none now. False after its last.
  bool post(std::function<void(Host&)> work);
  /// A topic with the policy Fail has overflowed at this actor: it is ended, unless it is not even running.
  void overflowed(std::string_view topic);
  bool has_ended() const { return ended_.load(std::memory_order_acquire); }
  /// The number of its last turn, if it sleeps after that and has nothing to do, or has ended. The same answer twice:
  /// it has slept all the while.
  std::optional<std::uint64_t> asleep_since() const {
    const std::uint64_t turns =
        turns_.load(std::memory_order_acquire);  // before the look: a turn in between is noticed
    return has_ended() || signal_.is_parked() ? std::optional(turns) : std::nullopt;
  }
  /// What it waited for when it went to sleep last; empty unless it is held up.
  std::vector<Wait> waits() const;
  /// REQUIRES: has_ended(). Ends its own thread, if it has one; not on that thread.
  void retire();
  /// Lets go of its actor and its port without a word. REQUIRES: no thread runs it any more.
  void abandon();

  // Deterministic mode: the one thread -------------------------------------------------------------------------------

  /// Its host, now: starts the actor if it has not started yet. Null when it is not running.
  Host* host_now();

 private:
  Next run_turn() override;
  std::unique_ptr<ActorBase> make() const;
  void begin();
  Next wait_for_life();
  Next rest();
  void arm(Scheduler::Time due);
  void run_call();
  void open_port();
  Next end_life();
  supervision::Exit exit_of(const std::optional<Error>& error);
  void end(const std::optional<Error>& why);
  void drop_life();
  void follow_orders();
  void note_waits();

  struct InjectionWaker final : Waker {
    explicit InjectionWaker(Signal& to) : signal(to) {}
    void wake() noexcept override { signal.raise(Signal::injected); }
    Signal& signal;
  };
  enum class Stage : std::uint8_t { Waiting, Running, Ended };

  MemberOwner& owner_;
  const ActorSpec spec_;
  const ActorId id_;
  const std::unique_ptr<Pool> own_thread_;
  Scheduler& scheduler_;
  const RunnerOptions options_;
  Signal signal_{*this};
  InjectionWaker injection_waker_{signal_};
  Hub* hub_ = nullptr;
  std::size_t capacity_ = 0;
  std::optional<std::size_t> outbox_limit_;
  std::unique_ptr<HubPort> port_;  // null in quarantine

  // The life that is being lived.
  Stage stage_ = Stage::Waiting;
  std::unique_ptr<ActorBase> actor_;
  std::unique_ptr<ScheduledLoop> loop_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<Runner> runner_;
  bool was_too_slow_ = false;
  std::string overflowed_topic_;
  EventId last_event_;
  std::optional<Error> make_error_;
  std::optional<Error> last_error_;                 // what ended the life before
  Scheduler::Time armed_ = Scheduler::Time::max();  // the earliest time that was asked for and has not come
  Order followed_ = Order::None;
  bool is_blocked_ = false;

  std::atomic<Order> order_ = Order::None;
  std::atomic<bool> may_run_ = false;
  std::atomic<bool> suspended_ = false;
  std::atomic<bool> quarantined_ = false;
  std::atomic<bool> given_up_ = false;
  std::atomic<bool> due_ = false;
  std::atomic<bool> ended_ = false;
  std::atomic<std::uint64_t> turns_ = 0;
  mutable std::mutex mutex_;
  std::shared_ptr<Injection> injection_;          // of the current life; this and all below guarded by mutex_
  std::deque<std::function<void(Host&)>> calls_;  // posted and not run yet; a life that fails leaves them to the next
  bool port_is_gone_ = false;
  std::vector<Wait> waits_;
};

}  // namespace actor
