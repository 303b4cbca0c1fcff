// The values of the API as text.

#include <actor/context.hpp>
#include <actor/detail/text.hpp>
#include <actor/meta.hpp>
#include <actor/step.hpp>
#include <actor/subscribe.hpp>
#include <ostream>

namespace actor {

std::string to_string(const StepAction& action) {
  std::string text(enumerator_name(action.kind()));
  if (action.kind() != StepAction::Kind::Backoff) return text;
  text += '(';
  detail::append_brief_duration(text, action.delay());
  text += ')';
  return text;
}

std::ostream& operator<<(std::ostream& out, const StepAction& action) {
  return out << to_string(action);
}

std::string to_string(const Subscribe& topics) {
  if (topics.is_all()) return "all topics";
  if (topics.is_none()) return "no topics";
  std::string text;
  for (const std::string& name : topics.names()) text += (text.empty() ? "[" : ", ") + name;
  return text + "]";
}

std::ostream& operator<<(std::ostream& out, const Subscribe& topics) {
  return out << to_string(topics);
}

void detail::append_meta(std::string& out, const Meta& meta, std::string_view topic) {
  out += short_text(meta.id);
  if (meta.sender) out.append(" from ").append(meta.sender.name());
  if (!topic.empty()) out.append(" on ").append(topic);
  if (meta.parent) out.append(" in answer to ").append(short_text(meta.parent));
  bool marked = false;
  const auto mark = [&](std::string_view word) {
    out.append(marked ? ", " : " (").append(word);
    marked = true;
  };
  if (meta.redelivered) mark("redelivered");
  if (meta.attempt > 1) mark("attempt " + std::to_string(meta.attempt));
  if (meta.maybe_duplicate) mark("maybe a duplicate");
  if (meta.latched) mark("latched");
  if (marked) out += ')';
}

std::string to_text(const Meta& meta) {
  std::string text;
  detail::append_meta(text, meta, {});
  return text;
}

std::ostream& operator<<(std::ostream& out, const Meta& meta) {
  return out << to_text(meta);
}

void detail::refuse_sys_event(ActorId actor, const EventType& type) {
  throw Error(ErrorCode::TopicNotAllowed, "actor " + std::string(actor.name()) + " sends " + std::string(type.name) +
                                              ", which only the runtime itself publishes; send an event of your own");
}

void detail::refuse_prebuilt(ActorId actor, const Meta& meta, std::string_view label) {
  throw Error(ErrorCode::Refused,
              "actor \"" + std::string(actor.name()) + "\" cannot send the envelope of a " + std::string(label) + " " +
                  to_text(meta) +
                  " as it is: between processes an event's sender and id follow from its route, so that nobody can "
                  "speak for another; send its event instead: ctx().send_child_event(envelope.event, envelope.id())");
}

}  // namespace actor
