#pragma once
// The recorded events as a forest: who was sent in answer to whom. Built once over a snapshot, then read only.

#include <actor/testing/recording.hpp>
#include <cstddef>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace actor::testing {

class EventTree {
 public:
  struct Node {
    std::vector<const EventEntry*> deliveries;  ///< never empty; the first one stands for the event
    std::vector<std::size_t> children;          ///< in the order of the recording
    bool is_root = true;                        ///< its parent was not recorded, or it has none

    const EventEntry& event() const { return *deliveries.front(); }
    ActorId sender() const { return event().sender(); }
    /// Each once.
    std::vector<ActorId> receivers() const;
  };
  using Keep = std::function<bool(const EventEntry&)>;
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// Of those entries that `keep` accepts.
  EventTree(RecordsPtr records, const Keep& keep);

  const std::vector<Node>& nodes() const { return nodes_; }
  const RecordsPtr& records() const { return records_; }
  /// The event's place among the nodes, or none.
  std::size_t find(EventId id) const;
  /// The event at `root` and all that came of it, breadth first.
  std::vector<std::size_t> descendants(std::size_t root) const;
  /// Appends the tree of `root`, one line for each event; stops when `lines` is used up.
  void draw(std::size_t root, std::string& out, std::size_t& lines) const;

 private:
  /// INVARIANT: the nodes are trees. Entries made by hand may name each other as parents; the first of them becomes a
  /// root.
  void cut_circles();

  RecordsPtr records_;
  std::vector<Node> nodes_;
  std::unordered_map<EventId, std::size_t> index_;
};

}  // namespace actor::testing
