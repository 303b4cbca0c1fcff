#pragma once
// What goes wrong on purpose in deterministic mode, by rule: events dropped, delayed or doubled on their way to a
// reader, actors that crash at their n-th event. Values: any thread.
//
//   actor::simulated(seed, {actor::Fault::crash("recorder", 3),
//                           actor::Fault::delay(5ms).on_topic("WeatherTopic.Reading").probability(0.1)})

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace actor {

class Fault {
 public:
  enum class Kind : std::uint8_t { Drop, Delay, Duplicate, Crash, CrashAfter };

  /// A reader's copy is lost; counted as dropped.
  static Fault drop() { return Fault(Kind::Drop); }
  /// A reader's copy arrives later; what was sent after it may overtake it.
  static Fault delay(std::chrono::nanoseconds by) {
    Fault fault(Kind::Delay);
    fault.delay_ = by;
    return fault;
  }
  /// A reader's copy arrives twice.
  static Fault duplicate() { return Fault(Kind::Duplicate); }
  /// `actor` crashes when it is given its n-th event (counted from 1, over all its lives), before its handler runs. As
  /// in a crash of a process neither on_error() nor on_shutdown() is called.
  static Fault crash(std::string_view actor, std::uint64_t nth) { return Fault(Kind::Crash).to(actor).nth(nth); }
  /// The same after the n-th time that its handler has returned, before the event counts as handled: the next life is
  /// given it again.
  static Fault crash_after(std::string_view actor, std::uint64_t nth) {
    return Fault(Kind::CrashAfter).to(actor).nth(nth);
  }

  // Which events; without these every one.
  Fault on_topic(std::string_view topic) && { return set(topic_, topic); }
  Fault from(std::string_view sender) && { return set(sender_, sender); }
  Fault to(std::string_view receiver) && { return set(receiver_, receiver); }
  /// Events of this type, by its label.
  Fault labelled(std::string_view label) && { return set(label_, label); }
  /// The n-th of those that match only.
  Fault nth(std::uint64_t n) && {
    nth_ = n;
    return *this;
  }
  /// Each of those that match with this probability; decided by the simulation's seed.
  Fault probability(double p) && {
    probability_ = p;
    return *this;
  }

  Kind kind() const { return kind_; }
  std::chrono::nanoseconds delay() const { return delay_; }
  bool matches(std::string_view topic, std::string_view sender, std::string_view receiver,
               std::string_view label) const {
    return is_or_any(topic_, topic) && is_or_any(sender_, sender) && is_or_any(receiver_, receiver) &&
           is_or_any(label_, label);
  }
  /// Empty: any.
  const std::string& sender() const { return sender_; }
  const std::string& receiver() const { return receiver_; }
  std::uint64_t nth() const { return nth_; }
  double probability() const { return probability_; }

 private:
  explicit Fault(Kind kind) : kind_(kind) {}
  Fault& set(std::string& field, std::string_view value) {
    field = value;
    return *this;
  }
  static bool is_or_any(const std::string& wanted, std::string_view is) { return wanted.empty() || wanted == is; }

  Kind kind_;
  std::chrono::nanoseconds delay_{0};
  std::string topic_, sender_, receiver_, label_;
  std::uint64_t nth_ = 0;
  double probability_ = 1.0;
};

using Faults = std::vector<Fault>;

}  // namespace actor
