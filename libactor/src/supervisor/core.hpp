#pragma once
// What a Supervisor is made of: the members, their scheduler, their hub and their monitors. Owned by the Supervisor;
// every function may be called from any thread, in deterministic mode from the one that made it.

#include <actor/monitor.hpp>
#include <actor/supervisor_config.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <scheduler/simulated_scheduler.hpp>
#include <supervision/tree.hpp>
#include <supervisor/dead_letters.hpp>
#include <supervisor/faults.hpp>
#include <supervisor/member.hpp>
#include <supervisor/sys_publisher.hpp>
#include <thread>
#include <vector>

namespace actor {

/// Wakes the core when something that the supervision tree waits for is due.
class PolicyClock final : public Task {
 public:
  PolicyClock(Scheduler& scheduler, std::function<void()> due) : scheduler_(scheduler), due_(std::move(due)) {}
  void wake() noexcept override { scheduler_.ready(*this); }
  void on_time() noexcept override { signal_.raise(Signal::time); }

 private:
  Next run_turn() override {
    signal_.take();
    due_();
    return signal_.park() ? Next::Sleep : Next::Again;
  }

  Scheduler& scheduler_;
  const std::function<void()> due_;
  Signal signal_{*this};
};

class SupervisorCore final : public MemberOwner {
 public:
  explicit SupervisorCore(SupervisorConfig config);
  ~SupervisorCore() override;

  ActorId add(ActorSpec spec);
  void remove(ActorId id);
  void start();
  void join();
  void stop();
  void stop_on_signals();
  /// Runs `work` on the actor's thread some time. False when it is not running.
  bool post(ActorId id, std::function<void(Host&)> work);
  /// Runs `work` on the actor's thread and waits for it. Throws Error(NoSuchActor).
  void call_on(ActorId id, const std::function<void(Host&)>& work);
  void settle();
  void advance(std::chrono::nanoseconds by);
  std::chrono::nanoseconds now() const;

  const SupervisorConfig& config() const { return config_; }
  Monitors& monitors() { return monitors_; }
  std::vector<Error> errors() const;
  std::vector<std::string> stalls() const;
  const DeadLetters& dead_letters() const { return dead_letters_; }
  std::vector<ActorSpec> actors() const;
  std::vector<std::pair<ActorId, std::string>> publishers() const { return hub_->publishers(); }

 private:
  using Members = std::vector<std::shared_ptr<Member>>;

  void prepare(Host& host) override;
  void on_ready(Member& member) override;
  void on_life_over(Member& member, const supervision::Exit& exit, const std::optional<Error>& why) override;
  void on_leaving(Member& member) override;
  void on_end(Member& member, const std::optional<Error>& why) override;
  void on_blocked(Member& member) override;

  std::unique_ptr<Hub> make_hub();
  Scheduler& scheduler();
  SimulatedScheduler& simulated();
  std::shared_ptr<Member> find(ActorId id) const;
  Members living() const;

  // policy.cpp
  void plan_groups();
  void plan(const std::string& name, const ActorConfig& config, std::uint64_t seed);
  void check_plan() const;
  supervision::SupervisionTree::Time time() { return scheduler().now().time_since_epoch(); }
  void carry_out();
  void carry_out(const supervision::Step& step);
  void pass_time();
  void tell_restart(Member& member, const supervision::Outcome& outcome, const std::optional<Error>& why);

  std::shared_ptr<Member> find(std::string_view name) const;
  std::vector<std::string> begin_last_part();
  void order_all(Member::Order order);
  [[noreturn]] static void refuse_to_add(const std::string& name);
  [[noreturn]] static void refuse_name(const std::string& name);
  void begin_stop();
  void serve_system_topics(const Subscribe& topics);
  template <class T>
  void tell(const T& event) {
    if (SysPublisher* sys = sys_now_.load(std::memory_order_acquire)) sys->publish(event);
  }
  std::uint32_t begin_life(const std::string& name);
  void tell_down(Member& member, const supervision::Exit& exit, const std::optional<Error>& why, bool comes_back);
  static std::vector<std::optional<std::uint64_t>> sleepers(const Members& members);
  static bool at_rest(const Members& members);
  void wait_for_rest();
  void drain();
  void drain_simulated();
  void join_simulated();
  bool all_ended() const;
  /// What is wrong when a fault names an actor that never existed; empty: nothing.
  std::string pointless_fault() const;
  void bury_dead();
  void end_own_actor();
  void end_signal_thread();
  void report_stalls();
  void report_stall(const std::string& line);
  std::vector<std::string> stuck_circles() const;
  void say(const std::string& line) const;

  const SupervisorConfig config_;
  Monitors monitors_;
  std::unique_ptr<SimulatedScheduler> simulated_;
  std::unique_ptr<Pool> pool_;
  std::unique_ptr<FaultPlan> faults_;
  std::mt19937_64 seeds_;
  DeadLetters dead_letters_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<SysPublisher> sys_;  // made for the first subscriber
  std::atomic<SysPublisher*> sys_now_ = nullptr;
  const std::thread::id made_by_ = std::this_thread::get_id();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  struct Lives {
    std::uint32_t count = 0;
    bool is_up = false;
  };
  std::map<std::string, Lives> lives_;                   // guarded by mutex_
  Members members_;                                      // in the order of their coming; all below guarded by mutex_
  std::map<std::string, Member*, std::less<>> by_name_;  // those that have a life yet to come, or to end
  supervision::SupervisionTree tree_;
  std::shared_ptr<PolicyClock> clock_;
  supervision::SupervisionTree::Time clock_due_ = supervision::SupervisionTree::Time::max();
  Members dead_;  // ended, and not let go of yet
  std::vector<Error> errors_;
  std::vector<std::string> stalls_;
  bool started_ = false;
  bool stopping_ = false;
  bool was_signalled_ = false;
  bool checking_stalls_ = false;
  std::uint64_t suspicions_ = 0;
  std::thread stopper_;
  std::thread stall_checker_;
  std::thread signal_thread_;
};

}  // namespace actor
