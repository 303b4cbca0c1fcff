#include <actor/testing/chain.hpp>
#include <algorithm>
#include <cctype>
#include <iostream>
#include <map>
#include <set>
#include <testing/event_tree.hpp>
#include <testing/words.hpp>
#include <unordered_set>

namespace actor::testing {
namespace {

std::shared_ptr<const EventTree> delivered_tree(RecordsPtr records) {
  return std::make_shared<const EventTree>(std::move(records), [](const EventEntry& at) { return at.was_delivered(); });
}

/// What Mermaid takes for a participant: one id for each actor, its name where that will do.
std::map<ActorId, std::string> mermaid_ids(const std::vector<ActorId>& actors) {
  std::map<ActorId, std::string> ids;
  std::set<std::string> taken;
  for (const ActorId actor : actors) {
    std::string id(actor.name());
    for (char& c : id) {
      if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    }
    if (id.empty()) id = "nobody";
    while (!taken.insert(id).second) id += '_';
    ids[actor] = id;
  }
  return ids;
}

}  // namespace

EventChain::EventChain(RecordsPtr records, EventId root) : EventChain(delivered_tree(std::move(records)), root) {}

EventChain::EventChain(std::shared_ptr<const EventTree> tree, EventId root) {
  const std::size_t at = tree->find(root);
  std::vector<std::size_t> members = tree->descendants(at);
  chain_ = std::make_shared<const detail::ChainData>(detail::ChainData{std::move(tree), at, std::move(members), root});
}

RecordsPtr EventChain::records() const {
  return chain_->tree->records();
}

std::vector<std::size_t> EventChain::matching(const EventMatcher& matcher) const {
  std::vector<std::size_t> found;
  for (const std::size_t at : chain_->members) {
    const auto& deliveries = chain_->tree->nodes()[at].deliveries;
    if (std::any_of(deliveries.begin(), deliveries.end(), [&](const auto* entry) { return matcher.matches(*entry); }))
      found.push_back(at);
  }
  return found;
}

bool EventChain::diverges_after(const EventMatcher& matcher) const {
  const std::vector<std::size_t> found = matching(matcher);
  return std::any_of(found.begin(), found.end(),
                     [&](std::size_t at) { return chain_->tree->nodes()[at].children.size() > 1; });
}

std::size_t EventChain::branches_after(const EventMatcher& matcher) const {
  const std::vector<std::size_t> found = matching(matcher);
  return found.empty() ? 0 : chain_->tree->nodes()[found.front()].children.size();
}

EventChain EventChain::path_to(ActorName actor) const {
  const auto& nodes = chain_->tree->nodes();
  std::unordered_set<const EventEntry*> kept;
  std::unordered_set<std::size_t> on_the_way;
  // Children before parents: what leads on to a kept event is kept for that event's sender.
  for (auto member = chain_->members.rbegin(); member != chain_->members.rend(); ++member) {
    std::unordered_set<ActorId> leads_on{actor.id()};
    bool has_kept_child = false;
    for (const std::size_t child : nodes[*member].children) {
      if (!on_the_way.contains(child)) continue;
      has_kept_child = true;
      leads_on.insert(nodes[child].sender());
    }
    const std::size_t before = kept.size();
    for (const EventEntry* delivery : nodes[*member].deliveries) {
      if (leads_on.contains(delivery->receiver())) kept.insert(delivery);
    }
    // A timer of the sender, not a receiver, may have sent the child: the event still belongs to the way.
    if (has_kept_child && kept.size() == before) kept.insert(&nodes[*member].event());
    if (kept.size() > before) on_the_way.insert(*member);
  }
  return {std::make_shared<const EventTree>(records(), [&](const EventEntry& at) { return kept.contains(&at); }),
          root()};
}

std::string EventChain::to_string_tree() const {
  std::string text = "EventChain (root: " + to_string(root()) + ")\n";
  if (is_empty()) return text + "  (empty)\n";
  std::size_t lines = chain_->members.size();
  chain_->tree->draw(chain_->root, text, lines);
  return text;
}

void EventChain::pretty_print() const {
  std::cout << to_string_tree() << std::flush;
}

std::string EventChain::to_mermaid() const {
  std::string text = "sequenceDiagram\n";
  const auto ids = mermaid_ids(actors().all());
  for (const auto& [actor, id] : ids) {
    if (id != actor.name()) text += "    participant " + id + " as " + std::string(actor.name()) + "\n";
  }
  const auto id_of = [&](ActorId actor) {
    const auto found = ids.find(actor);
    return found == ids.end() ? std::string("nobody") : found->second;
  };
  for (const std::size_t at : chain_->members) {
    for (const EventEntry* delivery : chain_->tree->nodes()[at].deliveries) {
      text += "    " + id_of(delivery->sender()) + "->>" + id_of(delivery->receiver()) + ":" +
              std::string(delivery->label()) + "\n";
    }
  }
  return text;
}

void PrintTo(const EventChain& chain, std::ostream* out) {
  *out << chain.to_string_tree();
}

std::string to_string_tree(const Records& records, std::size_t max_lines) {
  const EventTree tree(RecordsPtr(std::shared_ptr<const Records>(), &records), [](const EventEntry&) { return true; });
  std::string text = "Recorded: " + counted(tree.nodes().size(), "event", "events") + ", " +
                     counted(records.entries.size(), "delivery", "deliveries") + "\n";
  std::size_t lines = max_lines;
  std::size_t drawn = 0;
  for (std::size_t i = 0; i < tree.nodes().size() && lines > 0; ++i) {
    if (!tree.nodes()[i].is_root) continue;
    const std::size_t before = lines;
    tree.draw(i, text, lines);
    drawn += before - lines;
  }
  if (drawn < tree.nodes().size()) text += "... and " + std::to_string(tree.nodes().size() - drawn) + " more events\n";
  for (const Overflow& overflow : records.overflows) {
    text += "overflow at " + std::string(overflow.entry.receiver().name()) + " (" + to_string(overflow.policy) +
            "): " + overflow.entry.text() + " from " + std::string(overflow.entry.sender().name()) + "\n";
  }
  return text;
}

}  // namespace actor::testing
