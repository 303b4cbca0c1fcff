#pragma once
// GoogleTest matchers over what a Harness recorded; this header needs GoogleMock:
//
//   EXPECT_THAT(test.event(id), WasDeliveredTo("alerter"));
//   EXPECT_THAT(test.actor("alerter"), ReceivedEvents(Ge(3)));
//   EXPECT_THAT(test.chain(id), ExactPath("sensor", "alerter", "recorder"));
//
// They are found by argument-dependent lookup nowhere, so: using namespace actor::testing. When an expectation fails
// the message says what was seen instead, and shows everything that was recorded as trees. What they find out is in
// verdict.hpp.

#include <gmock/gmock-matchers.h>

#include <actor/testing/googletest.hpp>
#include <actor/testing/verdict.hpp>
#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace actor::testing {

/// A matcher for a Subject: an EventSpy, an ActorSpy, a TopicSpy or an EventChain.
template <class Subject>
class SpyMatcher {
 public:
  using is_gtest_matcher = void;
  using Check = std::function<Verdict(const Subject&)>;

  SpyMatcher(std::string yes, std::string no, Check check)
      : yes_(std::move(yes)), no_(std::move(no)), check_(std::move(check)) {}

  bool MatchAndExplain(const Subject& subject, std::ostream* out) const {
    const Verdict verdict = check_(subject);
    if (out) *out << "which " << verdict.seen << "\n" << to_string_tree(*records_of(subject));
    return verdict.holds;
  }
  void DescribeTo(std::ostream* out) const { *out << yes_; }
  void DescribeNegationTo(std::ostream* out) const { *out << no_; }

 private:
  static RecordsPtr records_of(const EventSpy& spy) { return spy.deliveries().records(); }
  static RecordsPtr records_of(const ActorSpy& spy) { return spy.inbound().records(); }
  static RecordsPtr records_of(const TopicSpy& spy) { return spy.events().records(); }
  static RecordsPtr records_of(const EventChain& chain) { return chain.records(); }

  std::string yes_, no_;
  Check check_;
};

// Events ------------------------------------------------------------------------------------------------------------

inline SpyMatcher<EventSpy> WasDelivered() {
  return {"was delivered", "was delivered to nobody", check_delivered};
}
inline SpyMatcher<EventSpy> WasDeliveredToAll(std::vector<ActorName> actors) {
  return {"was delivered to " + list(actors), "was not delivered to all of " + list(actors),
          [actors](const EventSpy& event) { return check_delivered_to(event, actors); }};
}
template <class... Actor>
requires(sizeof...(Actor) > 0) SpyMatcher<EventSpy> WasDeliveredTo(const Actor&... actor) {
  return WasDeliveredToAll({ActorName(actor)...});
}
inline SpyMatcher<EventSpy> NotDeliveredTo(ActorName actor) {
  return {"was not delivered to " + list({actor}), "was delivered to " + list({actor}),
          [actor](const EventSpy& event) { return check_not_delivered_to(event, actor); }};
}
inline SpyMatcher<EventSpy> WasSentBy(ActorName actor) {
  return {"was sent by " + list({actor}), "was not sent by " + list({actor}),
          [actor](const EventSpy& event) { return check_sent_by(event, actor); }};
}
/// Was such an event sent in answer to it?
inline SpyMatcher<EventSpy> HasChild(const EventMatcher& child) {
  return {"was answered with " + child.what(), "was not answered with " + child.what(),
          [child](const EventSpy& event) { return check_child(event, child); }};
}

// Actors ------------------------------------------------------------------------------------------------------------

inline SpyMatcher<ActorSpy> IsRunning() {
  return {"is running", "is not running", check_running};
}
inline SpyMatcher<ActorSpy> IsStopped() {
  return {"has stopped", "has not stopped", check_stopped};
}
/// How many; a number, or a matcher such as Ge(3).
inline SpyMatcher<ActorSpy> ReceivedEvents(const ::testing::Matcher<std::size_t>& count) {
  const std::string what = "received a number of events that " + ::testing::DescribeMatcher<std::size_t>(count);
  return {what, "not: " + what, [count](const ActorSpy& actor) {
            const std::size_t received = actor.events_received();
            return Verdict{count.Matches(received), describe_inbound(actor) + " (" + std::to_string(received) + ")"};
          }};
}
inline SpyMatcher<ActorSpy> SentEvents(const ::testing::Matcher<std::size_t>& count) {
  const std::string what = "sent a number of events that " + ::testing::DescribeMatcher<std::size_t>(count);
  return {what, "not: " + what, [count](const ActorSpy& actor) {
            const std::size_t sent = actor.events_sent();
            return Verdict{count.Matches(sent), describe_outbound(actor) + " (" + std::to_string(sent) + ")"};
          }};
}
inline SpyMatcher<ActorSpy> Received(const EventMatcher& event) {
  return {"received " + event.what(), "did not receive " + event.what(),
          [event](const ActorSpy& actor) { return check_received(actor, event); }};
}
inline SpyMatcher<ActorSpy> Sent(const EventMatcher& event) {
  return {"sent " + event.what(), "did not send " + event.what(),
          [event](const ActorSpy& actor) { return check_sent(actor, event); }};
}
inline SpyMatcher<ActorSpy> ReceivedFrom(ActorName sender) {
  return {"received from " + list({sender}), "received nothing from " + list({sender}),
          [sender](const ActorSpy& actor) { return check_received_from(actor, sender); }};
}
inline SpyMatcher<ActorSpy> SentTo(ActorName receiver) {
  return {"sent to " + list({receiver}), "sent nothing to " + list({receiver}),
          [receiver](const ActorSpy& actor) { return check_sent_to(actor, receiver); }};
}

// Topics ------------------------------------------------------------------------------------------------------------

inline SpyMatcher<TopicSpy> WasPublished() {
  return {"was published to", "was not published to", check_published};
}
template <class... Actor>
requires(sizeof...(Actor) > 0) SpyMatcher<TopicSpy> Reached(const Actor&... actor) {
  const std::vector<ActorName> actors{ActorName(actor)...};
  return {"reached " + list(actors), "did not reach all of " + list(actors),
          [actors](const TopicSpy& topic) { return check_reached(topic, actors); }};
}

// Chains ------------------------------------------------------------------------------------------------------------

namespace detail {
template <class Step>
SpyMatcher<EventChain> chain_matcher(const char* yes, const char* no, std::vector<Step> steps,
                                     Verdict (*check)(const EventChain&, const std::vector<Step>&)) {
  return {yes + list(steps), no + list(steps), [steps, check](const EventChain& chain) { return check(chain, steps); }};
}
}  // namespace detail

template <class... Actor>
requires(sizeof...(Actor) > 0) SpyMatcher<EventChain> VisitedActors(const Actor&... actor) {
  return detail::chain_matcher<ActorName>("visited ", "did not visit all of ", {ActorName(actor)...}, check_visited);
}
/// One whole path, from the first sender to a receiver that sent nothing on.
template <class... Actor>
SpyMatcher<EventChain> ExactPath(const Actor&... actor) {
  return detail::chain_matcher<ActorName>("has exactly the path ", "has no path that is ", {ActorName(actor)...},
                                          check_exact);
}
template <class... Actor>
SpyMatcher<EventChain> HasSegment(const Actor&... actor) {
  return detail::chain_matcher<ActorName>("has a path with, in direct succession, ",
                                          "has no path with, in direct succession, ", {ActorName(actor)...},
                                          check_segment);
}
template <class... Actor>
SpyMatcher<EventChain> PassesThrough(const Actor&... actor) {
  return detail::chain_matcher<ActorName>("has a path with, in this order, ", "has no path with, in this order, ",
                                          {ActorName(actor)...}, check_passes_through);
}
/// These events in this order on one path, whatever is in between.
template <class... Event>
requires(sizeof...(Event) > 0) SpyMatcher<EventChain> HasEvents(const Event&... event) {
  return detail::chain_matcher<EventMatcher>("has, in this order, ", "does not have, in this order, ",
                                             {EventMatcher(event)...}, check_events);
}
/// One whole path of events, from the root to one that nothing was sent in answer to.
template <class... Event>
SpyMatcher<EventChain> HasExactEvents(const Event&... event) {
  return detail::chain_matcher<EventMatcher>("has exactly the events ", "has no path that is exactly ",
                                             {EventMatcher(event)...}, check_exact);
}
template <class... Event>
SpyMatcher<EventChain> HasEventSegment(const Event&... event) {
  return detail::chain_matcher<EventMatcher>("has, in direct succession, ", "does not have, in direct succession, ",
                                             {EventMatcher(event)...}, check_segment);
}
/// As many events were sent in answer to the first such event.
inline SpyMatcher<EventChain> HasBranchesAfter(const EventMatcher& event, std::size_t count) {
  const std::string what = std::to_string(count) + " branches after " + event.what();
  return {"has " + what, "does not have " + what,
          [event, count](const EventChain& chain) { return check_branches(chain, event, count); }};
}

}  // namespace actor::testing
