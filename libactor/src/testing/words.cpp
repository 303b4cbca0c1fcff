#include <testing/words.hpp>

namespace actor::testing {

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string names(const std::vector<ActorId>& actors) {
  std::string text;
  for (const ActorId actor : actors) {
    if (!text.empty()) text += ", ";
    text += actor.name();
  }
  return text.empty() ? "nobody" : text;
}

std::vector<ActorId> ids(const std::vector<ActorName>& actors) {
  return {actors.begin(), actors.end()};
}

std::string state_of(const ActorSpy& spy) {
  if (spy.is_stopped()) return "stopped";
  return spy.is_running() ? "running" : "unknown";
}

}  // namespace actor::testing
