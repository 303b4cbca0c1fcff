#pragma once
// An event and everything that was sent in answer to it, and in answer to that: a tree, followed through parent ids.
// Its paths run from the root to the leaves; they can be asked for as actors or as events. Values over a snapshot.

#include <actor/testing/query.hpp>
#include <memory>
#include <string>
#include <vector>

namespace actor::testing {

class EventTree;

namespace detail {
struct ChainData {
  std::shared_ptr<const EventTree> tree;
  std::size_t root;                  // place in the tree, or EventTree::none
  std::vector<std::size_t> members;  // breadth first from the root
  EventId root_id;
};
}  // namespace detail

/// The chain as the actors it went through. A path starts with the root's sender and ends with a receiver that sent
/// nothing on.
class ActorTrace {
 public:
  using Path = std::vector<ActorId>;

  /// All senders and receivers, each once, in the order in which the chain reached them.
  std::vector<ActorId> all() const;
  bool visited(const std::vector<ActorName>& actors) const;
  /// Is this a whole path? Without actors: is there none?
  bool exact(const std::vector<ActorName>& actors) const;
  /// Do they follow each other directly on some path?
  bool segment(const std::vector<ActorName>& actors) const;
  /// Do they come in this order on some path, whoever is in between?
  bool passes_through(const std::vector<ActorName>& actors) const;
  std::size_t path_count() const;
  std::vector<Path> paths() const;

 private:
  friend class EventChain;
  explicit ActorTrace(std::shared_ptr<const detail::ChainData> chain) : chain_(std::move(chain)) {}
  std::shared_ptr<const detail::ChainData> chain_;
};

/// The chain as the events in it. A path starts with the root and ends with an event that nothing was sent in answer
/// to.
class EventTrace {
 public:
  using Path = std::vector<EventEntry>;

  /// Each event once, in the order of the recording.
  std::vector<EventEntry> all() const;
  /// Each event once, parents before children, generation by generation.
  std::vector<EventEntry> ordered() const;
  bool contains(const EventMatcher& matcher) const;
  /// Is this a whole path? Without matchers: is there none?
  bool exact(const std::vector<EventMatcher>& matchers) const;
  /// Do they follow each other directly on some path?
  bool segment(const std::vector<EventMatcher>& matchers) const;
  /// Do they come in this order on some path, whatever is in between?
  bool passes_through(const std::vector<EventMatcher>& matchers) const;
  std::size_t path_count() const;
  std::vector<Path> paths() const;

 private:
  friend class EventChain;
  explicit EventTrace(std::shared_ptr<const detail::ChainData> chain) : chain_(std::move(chain)) {}
  std::shared_ptr<const detail::ChainData> chain_;
};

class EventChain {
 public:
  /// What came of `root`. Empty when it was not recorded.
  EventChain(RecordsPtr records, EventId root);

  EventId root() const { return chain_->root_id; }
  bool is_empty() const { return chain_->members.empty(); }
  ActorTrace actors() const { return ActorTrace(chain_); }
  EventTrace events() const { return EventTrace(chain_); }

  /// Was more than one event sent in answer to a matching one?
  bool diverges_after(const EventMatcher& matcher) const;
  /// How many were sent in answer to the first matching one.
  std::size_t branches_after(const EventMatcher& matcher) const;
  /// What led from the root to `actor`, without what led elsewhere. Empty when nothing did.
  EventChain path_to(ActorName actor) const;

  /// The tree, one line for each event: "└─ Pong{} [bob -> alice]".
  std::string to_string_tree() const;
  void pretty_print() const;  ///< The same, to stdout.
  /// A Mermaid sequence diagram.
  std::string to_mermaid() const;

  RecordsPtr records() const;

 private:
  EventChain(std::shared_ptr<const EventTree> tree, EventId root);
  std::vector<std::size_t> matching(const EventMatcher& matcher) const;

  std::shared_ptr<const detail::ChainData> chain_;
};

void PrintTo(const EventChain& chain, std::ostream* out);

/// Everything that was recorded, as trees, for people: what is printed when an expectation fails.
std::string to_string_tree(const Records& records, std::size_t max_lines = 60);

}  // namespace actor::testing
