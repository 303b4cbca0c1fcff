#include <actor/testing/harness.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <testing/words.hpp>

namespace actor::testing {
namespace {

using Clock = std::chrono::steady_clock;

std::string duration_text(std::chrono::nanoseconds duration) {
  const auto count = duration.count();
  if (count % 1'000'000'000 == 0) return std::to_string(count / 1'000'000'000) + " s";
  if (count % 1'000'000 == 0) return std::to_string(count / 1'000'000) + " ms";
  return std::to_string(count) + " ns";
}

}  // namespace

Harness::Harness(std::unique_ptr<Target> target)
    : target_(std::move(target)), recording_(std::make_shared<Recording>()) {
  target_->attach(recording_);
}

Harness::~Harness() {
  target_->detach();
}

void Harness::record() {
  recording_->record();
  frozen_ = nullptr;
}

void Harness::settle() {
  if (target_->is_simulated()) {
    target_->settle();
  } else {
    recording_->wait_for_quiet(quiet_time, settle_limit, patience);
  }
  recording_->freeze();
}

void Harness::reset() {
  recording_->clear();
  frozen_ = nullptr;
}

RecordsPtr Harness::records() const {
  target_->check();
  if (!recording_->is_frozen()) return recording_->snapshot();
  // What is known of actors may still change: an actor that stops after settle() is seen to have stopped.
  const std::uint64_t revision = recording_->revision();
  if (!frozen_ || revision != frozen_revision_) frozen_ = recording_->snapshot();
  frozen_revision_ = revision;
  return frozen_;
}

EventId Harness::inject(ActorName actor, const Injected& event) {
  return target_->send_as(actor.id(), event);
}

void Harness::advance(std::chrono::nanoseconds duration) {
  if (!target_->is_simulated())
    throw Error(ErrorCode::Refused,
                "advancing virtual time: this runtime lives in real time; make it with actor::simulated(seed)");
  target_->advance(duration);
}

void Harness::dump() const {
  const EventQuery all = events();
  std::cout << counted(all.count(), "delivery", "deliveries") << " recorded\n";
  std::size_t line = 0;
  all.for_each([&](const EventEntry& entry) {
    std::cout << "  " << line++ << ": " << entry << " (id: " << entry.id() << ")\n";
    return true;
  });
  std::cout << std::flush;
}

Expectation Harness::settle_on(std::function<bool(const EventQuery&)> condition) {
  return {*this, std::move(condition), "a condition"};
}

Expectation Harness::settle_on_event(const EventMatcher& matcher) {
  return {*this, [matcher](const EventQuery& events) { return events.has_event(matcher); }, matcher.what()};
}

void Harness::wait_for(const Condition& condition, const std::string& what, std::chrono::nanoseconds limit) {
  if (recording_->is_frozen())
    throw Error(ErrorCode::Refused,
                "waiting for " + what + ": nothing is recorded since settle(); call record() first");
  const auto done = [](const EventEntry& entry) { return entry.is_done(); };
  const auto holds = [&] { return condition(EventQuery(records()).matching(done)); };
  if (!(is_simulated() ? wait_in_virtual_time(holds, limit) : wait_in_real_time(holds, limit))) {
    const RecordsPtr seen = records();
    throw Error(ErrorCode::SettleTimeout,
                "waiting for " + what + ": it did not come within " + duration_text(limit) + "; " +
                    counted(EventQuery(seen).matching(done).count(), "delivery was", "deliveries were") +
                    " handled meanwhile. " + testing::to_string_tree(*seen));
  }
  settle();
}

bool Harness::wait_in_real_time(const std::function<bool()>& holds, std::chrono::nanoseconds limit) {
  const Clock::time_point begin = Clock::now();
  const Clock::time_point deadline =
      limit < Clock::time_point::max() - begin ? begin + limit : Clock::time_point::max();
  for (;;) {
    const std::uint64_t seen = recording_->revision();
    if (holds()) return true;
    if (!recording_->wait_for_change(seen, deadline)) return false;
  }
}

bool Harness::wait_in_virtual_time(const std::function<bool()>& holds, std::chrono::nanoseconds limit) {
  // Why steps? Only what is due tells when the condition comes true, and the condition should see that moment, not one
  // long after.
  const std::chrono::nanoseconds step = std::max<std::chrono::nanoseconds>(limit / 1000, std::chrono::microseconds(1));
  target_->settle();
  std::uint64_t seen = recording_->revision();
  if (holds()) return true;
  for (std::chrono::nanoseconds passed{0}; passed < limit; passed += step) {
    target_->advance(std::min(step, limit - passed));
    if (recording_->revision() == seen) continue;
    seen = recording_->revision();
    if (holds()) return true;
  }
  return false;
}

Expectation::Expectation(Harness& harness, Condition condition, std::string what)
    : harness_(harness),
      condition_(std::move(condition)),
      what_(std::move(what)),
      exceptions_(std::uncaught_exceptions()) {}

Expectation::~Expectation() noexcept(false) {
  if (std::uncaught_exceptions() == exceptions_) harness_.wait_for(condition_, what_, limit_);
}

Expectation&& Expectation::within(std::chrono::nanoseconds limit) && {
  limit_ = limit;
  return std::move(*this);
}

}  // namespace actor::testing
