// What becomes of events that their reader is too slow for? One fast producer sends the same samples on three topics:
// Block holds it up until there is room, Drop leaves out the newest, DropOldest the oldest. Each consumer says what it
// got, and a judge compares: under Block the checksums are equal, elsewhere every sample is either handled or missed.
//   backpressure --in-process                               all as actors of this process
//   actor-broker examples/backpressure/backpressure.toml    each a process of its own
// In one process the exit code is 1 if something is not accounted for.

#include <actor/monitors/actor_monitor.hpp>
#include <actor/run.hpp>
#include <actor/supervisor.hpp>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>

enum class Flow : std::uint8_t { Block, Drop, DropOldest, Report };

struct Sample {
  Flow flow = Flow::Block;
  std::uint64_t number = 0;  ///< from 1, on each topic
  std::uint64_t value = 0;
};
struct Sent {  // the producer's last word, for each of the topics
  std::uint64_t samples = 0, checksum = 0;
};
struct Account {  // a consumer's
  Flow flow = Flow::Block;
  std::uint64_t handled = 0, missed = 0, checksum = 0;
};
using FlowEvent = std::variant<Sample, Sent, Account>;

constexpr Flow topic_of(const Sample& sample) {  // by value: one type of event, three topics
  return sample.flow;
}
constexpr Flow topic_of(const Sent&) {
  return Flow::Report;
}
constexpr Flow topic_of(const Account&) {
  return Flow::Report;
}
constexpr actor::OverflowPolicy overflow_policy(Flow flow) {
  if (flow == Flow::Drop) return actor::OverflowPolicy::drop();
  return flow == Flow::DropOldest ? actor::OverflowPolicy::drop_oldest() : actor::OverflowPolicy::block();
}

constexpr std::uint64_t samples = 5000;
constexpr std::uint64_t burst = 500;                  // at a time: more than fits into a mailbox
constexpr auto work = std::chrono::microseconds(20);  // what a consumer does with each

/// Depends on the order, too.
constexpr std::uint64_t add(std::uint64_t checksum, std::uint64_t value) {
  return checksum * 6364136223846793005u + value;
}

class Producer : public actor::Actor<FlowEvent> {
  // Is not called again before the last burst is out: that is how a full Block topic holds up its sender.
  actor::StepAction step() override {
    for (std::uint64_t i = 0; i < burst; ++i) {
      ++number_;
      const std::uint64_t value = number_ * number_;
      checksum_ = add(checksum_, value);
      for (const Flow flow : {Flow::Block, Flow::Drop, Flow::DropOldest}) ctx().send(Sample{flow, number_, value});
    }
    if (number_ < samples) return actor::StepAction::Continue();
    ctx().send(Sent{number_, checksum_});
    return actor::StepAction::Never();
  }
  std::uint64_t number_ = 0, checksum_ = 0;
};

class Consumer : public actor::Actor<FlowEvent> {
  void handle_event(const actor::Envelope<FlowEvent>& envelope) override {
    if (const Sample* sample = envelope.get_if<Sample>()) handle(*sample);
    if (const Sent* sent = envelope.get_if<Sent>()) sent_ = sent->samples;
    // Events of one sender arrive in the order that they were sent in, across topics: what was not here before `Sent`
    // will not come. Only a DropOldest topic is out of that order, but its newest sample always comes.
    const bool complete = sent_ && (last_ == *sent_ || (last_ != 0 && account_.flow != Flow::DropOldest));
    if (!complete || reported_) return;
    account_.missed += *sent_ - last_;
    ctx().send(account_);
    reported_ = true;
  }

  void handle(const Sample& sample) {
    account_.flow = sample.flow;
    account_.missed += sample.number - last_ - 1;  // a sample out of order would make this very large
    account_.handled += 1;
    account_.checksum = add(account_.checksum, sample.value);
    last_ = sample.number;
    for (const auto until = std::chrono::steady_clock::now() + work; std::chrono::steady_clock::now() < until;) {
    }
  }

  Account account_;
  std::uint64_t last_ = 0;
  std::optional<std::uint64_t> sent_;
  bool reported_ = false;
};

/// Compares. In one process the runtime's own count of full mailboxes must tell the same.
class Judge : public actor::Actor<FlowEvent> {
 public:
  explicit Judge(bool* verdict = nullptr, std::shared_ptr<actor::ActorMonitor> runtime = nullptr)
      : verdict_(verdict), runtime_(std::move(runtime)) {}

 private:
  void handle_event(const actor::Envelope<FlowEvent>& envelope) override {
    if (const Sent* sent = envelope.get_if<Sent>()) sent_ = *sent;
    if (const Account* account = envelope.get_if<Account>()) accounts_[envelope.sender()] = *account;
    if (!sent_ || accounts_.size() < 3) return;
    bool held = true;
    std::cout << "consumer  topic             sent  handled   missed\n";
    for (const auto& [consumer, account] : accounts_) {
      std::cout << std::left << std::setw(10) << consumer.name() << std::setw(15) << actor::topic_name(account.flow)
                << std::right << std::setw(7) << sent_->samples << std::setw(9) << account.handled << std::setw(9)
                << account.missed << '\n';
      held &= holds(consumer, account);
    }
    std::cout << (held ? "held: every sample is accounted for" : "NOT held") << std::endl;
    if (verdict_) *verdict_ = held;
    ctx().stop_runtime();
  }

  bool holds(actor::ActorId consumer, const Account& account) const {
    if (account.handled + account.missed != sent_->samples) return false;
    if (account.flow == Flow::Block) return account.missed == 0 && account.checksum == sent_->checksum;
    return !runtime_ || runtime_->overflow_count(consumer) == account.missed;
  }

  bool* verdict_;
  std::shared_ptr<actor::ActorMonitor> runtime_;
  std::optional<Sent> sent_;
  std::map<actor::ActorId, Account> accounts_;
};

int main(int argc, char** argv) {
  if (argc < 2 || std::string(argv[1]) != "--in-process") return actor::run<Producer, Consumer, Judge>(argc, argv);
  bool held = false;
  const auto runtime = std::make_shared<actor::ActorMonitor>();
  actor::SupervisorConfig config;
  config.default_actor_channel_capacity = 64;  // events that may wait, per topic, sender and subscriber
  actor::Supervisor<FlowEvent> supervisor(config);
  supervisor.monitors().add(runtime);
  supervisor.add_actor<Judge>("judge", Flow::Report, &held, runtime);
  supervisor.add_actor<Consumer>("patient", {Flow::Block, Flow::Report});
  supervisor.add_actor<Consumer>("early", {Flow::Drop, Flow::Report});
  supervisor.add_actor<Consumer>("late", {Flow::DropOldest, Flow::Report});
  supervisor.add_actor<Producer>("producer", actor::Subscribe::none());
  supervisor.stop_on_signals();
  supervisor.run();
  return held ? 0 : 1;
}
