#include <actor/testing/verdict.hpp>
#include <testing/words.hpp>

namespace actor::testing {
namespace {

/// Why an event reached nobody, as far as the recording knows.
std::string fate(const EventSpy& event) {
  const RecordsPtr records = event.deliveries().records();
  if (event.was_delivered()) return "was delivered to " + names(event.receivers());
  const EventQuery waiting = EventQuery(records).with_id(event.id());
  if (waiting.exists()) return "still waits in the mailbox of " + names(waiting.receivers());
  for (const Overflow& overflow : records->overflows) {
    if (overflow.entry.id() == event.id())
      return "found no room at " + std::string(overflow.entry.receiver().name()) + " (" + to_string(overflow.policy) +
             ")";
  }
  return "was not recorded: nobody subscribes to its topic, or it was sent while nothing was recorded";
}

std::string labels(const EventQuery& events) {
  std::string text;
  for (const auto& [label, count] : events.count_by_label()) {
    if (!text.empty()) text += ", ";
    text += label;
    if (count > 1) text += " x" + std::to_string(count);
  }
  return text.empty() ? "nothing" : text;
}

std::string actor_paths(const EventChain& chain) {
  std::string text;
  for (const auto& path : chain.actors().paths()) {
    text += text.empty() ? "went " : "; ";
    for (std::size_t i = 0; i < path.size(); ++i) text += (i ? " -> " : "") + std::string(path[i].name());
  }
  return text.empty() ? "is empty: its root was not delivered to anybody" : text;
}

std::string event_paths(const EventChain& chain) {
  std::string text;
  for (const auto& path : chain.events().paths()) {
    text += text.empty() ? "is " : "; ";
    for (std::size_t i = 0; i < path.size(); ++i) text += (i ? " -> " : "") + std::string(path[i].label());
  }
  return text.empty() ? "is empty: its root was not delivered to anybody" : text;
}

}  // namespace

std::string list(const std::vector<ActorName>& actors) {
  return names(ids(actors));
}

std::string list(const std::vector<EventMatcher>& events) {
  std::string text;
  for (const EventMatcher& event : events) {
    if (!text.empty()) text += ", ";
    text += event.what();
  }
  return text.empty() ? "nothing" : text;
}

std::string describe_inbound(const ActorSpy& actor) {
  return "received " + labels(actor.inbound()) + (actor.sender_count() ? " from " + names(actor.received_from()) : "");
}

std::string describe_outbound(const ActorSpy& actor) {
  return "sent " + labels(actor.outbound()) + (actor.receiver_count() ? " to " + names(actor.sent_to()) : "");
}

Verdict check_delivered(const EventSpy& event) {
  return {event.was_delivered(), fate(event)};
}

Verdict check_delivered_to(const EventSpy& event, const std::vector<ActorName>& actors) {
  return {event.was_delivered_to_all(actors), fate(event)};
}

Verdict check_not_delivered_to(const EventSpy& event, ActorName actor) {
  return {event.not_delivered_to(actor), fate(event)};
}

Verdict check_sent_by(const EventSpy& event, ActorName actor) {
  const auto sender = event.sender();
  return {sender == actor.id(), sender ? "was sent by " + std::string(sender->name()) : fate(event)};
}

Verdict check_child(const EventSpy& event, const EventMatcher& child) {
  const EventQuery children = event.children();
  return {children.has_event(child), "was answered with " + labels(children)};
}

Verdict check_running(const ActorSpy& actor) {
  return {actor.is_running(), "is " + state_of(actor)};
}

Verdict check_stopped(const ActorSpy& actor) {
  return {actor.is_stopped(), "is " + state_of(actor)};
}

Verdict check_received(const ActorSpy& actor, const EventMatcher& event) {
  return {actor.inbound().has_event(event), describe_inbound(actor)};
}

Verdict check_sent(const ActorSpy& actor, const EventMatcher& event) {
  return {actor.outbound().has_event(event), describe_outbound(actor)};
}

Verdict check_received_from(const ActorSpy& actor, ActorName sender) {
  return {actor.inbound().has_sender(sender), describe_inbound(actor)};
}

Verdict check_sent_to(const ActorSpy& actor, ActorName receiver) {
  return {actor.outbound().has_receiver(receiver), describe_outbound(actor)};
}

Verdict check_published(const TopicSpy& topic) {
  return {topic.was_published(), "carried " + labels(topic.events())};
}

Verdict check_reached(const TopicSpy& topic, const std::vector<ActorName>& actors) {
  bool all = true;
  for (const ActorName actor : actors) all = all && topic.events().has_receiver(actor);
  return {all, "reached " + names(topic.receivers())};
}

Verdict check_visited(const EventChain& chain, const std::vector<ActorName>& actors) {
  return {chain.actors().visited(actors), "visited " + names(chain.actors().all())};
}

Verdict check_exact(const EventChain& chain, const std::vector<ActorName>& actors) {
  return {chain.actors().exact(actors), actor_paths(chain)};
}

Verdict check_segment(const EventChain& chain, const std::vector<ActorName>& actors) {
  return {chain.actors().segment(actors), actor_paths(chain)};
}

Verdict check_passes_through(const EventChain& chain, const std::vector<ActorName>& actors) {
  return {chain.actors().passes_through(actors), actor_paths(chain)};
}

Verdict check_exact(const EventChain& chain, const std::vector<EventMatcher>& events) {
  return {chain.events().exact(events), event_paths(chain)};
}

Verdict check_segment(const EventChain& chain, const std::vector<EventMatcher>& events) {
  return {chain.events().segment(events), event_paths(chain)};
}

Verdict check_events(const EventChain& chain, const std::vector<EventMatcher>& events) {
  return {chain.events().passes_through(events), event_paths(chain)};
}

Verdict check_branches(const EventChain& chain, const EventMatcher& event, std::size_t count) {
  const std::size_t branches = chain.branches_after(event);
  const std::string there = chain.events().contains(event) ? "" : " (it holds no such event)";
  return {branches == count, "has " + counted(branches, "branch", "branches") + there};
}

}  // namespace actor::testing
