#pragma once
// Who waits for room at whom, and who waits for each other in a circle: none of those can ever go on. Pure values and
// functions: for the actors of a supervisor and for the processes of a broker; any thread.

#include <actor/id.hpp>
#include <cstddef>
#include <map>
#include <string_view>
#include <vector>

namespace actor {

/// What makes events wait: no room at this reader, on this topic.
struct Wait {
  ActorId reader;
  std::string_view topic;
  std::size_t events = 0;
};

using WaitGraph = std::map<ActorId, std::vector<Wait>>;

struct WaitStep {
  ActorId actor;
  Wait wait;
};
using WaitPath = std::vector<WaitStep>;

/// Each circle once, as a path that ends where it begins.
std::vector<WaitPath> find_circles(const WaitGraph& graph);

}  // namespace actor
