// Tools that see what actors do, and speak for them: for each of an actor's lives and each tool the brain makes a
// socket pair, and gives one end to either. What is said there is none of its business; docs/control-protocol.md has
// it.

#include <actor/error.hpp>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

/// An actor that is observed writes a packet for each event and tool.
constexpr std::size_t max_observing_tools = 8;

}  // namespace

/// Returns how many actors it observes already. Throws Error: Refused, Io.
std::size_t Brain::begin_observing(Session& tool, Observing wishes) {
  const auto connection = connections_.find(tool.owner());
  if (connection == connections_.end() || connection->second.observes)
    throw Error(ErrorCode::Refused, "this connection observes already");
  if (observers().size() >= max_observing_tools)
    throw Error(ErrorCode::Refused, std::to_string(max_observing_tools) + " tools observe already; end one of them");
  connection->second.observes = std::move(wishes);
  log_.info("observed", "", "a tool observes actors, pid " + std::to_string(connection->second.pid));
  std::size_t count = 0;
  for (auto& [index, entry] : entries_) {
    if (!entry->memory || !entry->session || !entry->session->joined()) continue;
    if (!connection->second.observes->wants(entry->name)) continue;
    connect_observer(tool, *connection->second.observes, *entry);
    if (tool.phase() == Session::Phase::Closed) break;
    ++count;
  }
  return count;
}

/// Their numbers: a connection may close, and be forgotten, while something is sent to it.
std::vector<std::uint64_t> Brain::observers() const {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, connection] : connections_) {
    if (connection.observes) numbers.push_back(number);
  }
  return numbers;
}

/// Before the actor's Start, so that nothing it does goes unseen.
void Brain::connect_observers(ActorEntry& entry) {
  for (const std::uint64_t number : observers()) {
    const Connection& connection = connections_.at(number);
    Session& tool = *connection.session;
    if (!connection.observes->wants(entry.name)) continue;
    try {
      connect_observer(tool, *connection.observes, entry);
    } catch (const Error& error) {
      // The actor must not suffer. The tool sees its end, and that it has missed something.
      log_.error("out_of_resources", entry.name, std::string("a tool can observe no longer: ") + error.what());
      tool.close();
      hung_up(tool);
    }
  }
}

void Brain::connect_observer(Session& tool, const Observing& wishes, ActorEntry& entry) {
  auto [actors_end, tools_end] = control::socket_pair();
  // Into the safe, though a successor has no use for them: one may be here still while the other is written to.
  tool.send(control::Observed{entry.name, entry.incarnation}, {safe_.keep(std::move(tools_end))});
  entry.session->send(wishes.what, {safe_.keep(std::move(actors_end))});
}

void Brain::tell_observers_of_end(const ActorEntry& entry, const std::string& why,
                                  std::optional<std::chrono::nanoseconds> comes_back_after) {
  const control::ObservedEnded message{entry.name, why, comes_back_after.has_value(),
                                       comes_back_after.value_or(std::chrono::nanoseconds(0)).count()};
  for (const std::uint64_t number : observers()) {
    const auto found = connections_.find(number);
    if (found != connections_.end() && found->second.observes->wants(entry.name)) found->second.session->send(message);
  }
}

}  // namespace actor::broker
