#pragma once
// Recordings made by hand, for the tests of what looks at recordings: Story().sent("alice", Ping{1}).to({"bob"})...

#include <actor/testing/chain.hpp>
#include <actor/testing/spies.hpp>
#include <initializer_list>

namespace story {

struct Start {
  int n = 0;
};
struct Process {
  std::string what;
};
struct Branch {};
struct Complete {};
using Events = std::variant<Start, Process, Branch, Complete>;

class Story {
 public:
  /// An event that every one of `receivers` has got. Time passes between two events.
  template <class T>
  actor::EventId sent(const char* sender, const T& event, std::initializer_list<const char*> receivers,
                      actor::EventId parent = {}, actor::testing::Stage stage = actor::testing::Stage::Handled) {
    actor::Meta meta;
    meta.id = {7, ++count_};
    meta.parent = parent;
    meta.sender = actor::ActorId(sender);
    meta.monotonic_time = std::chrono::steady_clock::time_point(std::chrono::milliseconds(count_));
    for (const char* receiver : receivers)
      recording_.add(actor::testing::EventEntry::of(event, meta, actor::of<T>, receiver, stage));
    return meta.id;
  }
  actor::testing::RecordsPtr records() const { return recording_.snapshot(); }
  actor::testing::EventQuery events() const { return actor::testing::EventQuery(records()); }
  actor::testing::EventChain chain(actor::EventId root) const { return {records(), root}; }
  actor::testing::EventSpy event(actor::EventId id) const { return {records(), id}; }
  actor::testing::ActorSpy actor(const char* name) const { return {records(), name}; }
  actor::testing::TopicSpy topic(const actor::testing::TopicName& name) const { return {records(), name}; }
  actor::testing::Recording& recording() { return recording_; }

 private:
  actor::testing::Recording recording_;
  std::uint64_t count_ = 0;
};

/// alice -Start-> bob -Process-> carol -Complete-> alice
struct Line : Story {
  actor::EventId start = sent("alice", Start{1}, {"bob"});
  actor::EventId process = sent("bob", Process{"it"}, {"carol"}, start);
  actor::EventId complete = sent("carol", Complete{}, {"alice"}, process);
};

/// alice -Start-> bob and dave; bob answers with Process to carol and Branch to alice.
struct Fork : Story {
  actor::EventId start = sent("alice", Start{1}, {"bob", "dave"});
  actor::EventId process = sent("bob", Process{"it"}, {"carol"}, start);
  actor::EventId branch = sent("bob", Branch{}, {"alice"}, start);
};

inline std::vector<std::string> names(const std::vector<actor::ActorId>& actors) {
  std::vector<std::string> names;
  for (const actor::ActorId actor : actors) names.emplace_back(actor.name());
  return names;
}

}  // namespace story
