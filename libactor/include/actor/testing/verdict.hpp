#pragma once
// What the matchers of matchers.hpp find out, without GoogleTest: does it hold, and what was seen. For other test
// frameworks too. Pure functions.

#include <actor/testing/chain.hpp>
#include <actor/testing/spies.hpp>
#include <string>
#include <vector>

namespace actor::testing {

struct Verdict {
  bool holds;
  std::string seen;  ///< to be read after "which": "was delivered to alice, bob"
};

Verdict check_delivered(const EventSpy& event);
Verdict check_delivered_to(const EventSpy& event, const std::vector<ActorName>& actors);
Verdict check_not_delivered_to(const EventSpy& event, ActorName actor);
Verdict check_sent_by(const EventSpy& event, ActorName actor);
Verdict check_child(const EventSpy& event, const EventMatcher& child);

Verdict check_running(const ActorSpy& actor);
Verdict check_stopped(const ActorSpy& actor);
Verdict check_received(const ActorSpy& actor, const EventMatcher& event);
Verdict check_sent(const ActorSpy& actor, const EventMatcher& event);
Verdict check_received_from(const ActorSpy& actor, ActorName sender);
Verdict check_sent_to(const ActorSpy& actor, ActorName receiver);

Verdict check_published(const TopicSpy& topic);
Verdict check_reached(const TopicSpy& topic, const std::vector<ActorName>& actors);

Verdict check_visited(const EventChain& chain, const std::vector<ActorName>& actors);
Verdict check_exact(const EventChain& chain, const std::vector<ActorName>& actors);
Verdict check_segment(const EventChain& chain, const std::vector<ActorName>& actors);
Verdict check_passes_through(const EventChain& chain, const std::vector<ActorName>& actors);
Verdict check_exact(const EventChain& chain, const std::vector<EventMatcher>& events);
Verdict check_segment(const EventChain& chain, const std::vector<EventMatcher>& events);
Verdict check_events(const EventChain& chain, const std::vector<EventMatcher>& events);
Verdict check_branches(const EventChain& chain, const EventMatcher& event, std::size_t count);

/// "alice, bob"; "Ping, Pong"
std::string list(const std::vector<ActorName>& actors);
std::string list(const std::vector<EventMatcher>& events);

/// "received 2 events from 1 sender: ..."
std::string describe_inbound(const ActorSpy& actor);
std::string describe_outbound(const ActorSpy& actor);

}  // namespace actor::testing
