#pragma once
// In which order things start that wait for each other. A pure function; any thread.

#include <string>
#include <vector>

namespace actor::supervision {

struct Starter {
  std::string name;
  std::vector<std::string> after;  ///< names; those that are not among the starters do not count
};

struct StartOrder {
  std::vector<std::string>
      names;  ///< each after what it waits for, otherwise as given; reversed: the order of stopping
  std::vector<std::string>
      circle;  ///< not empty: "a", "b", "a": none of these can ever start; `names` is as given then
};

StartOrder start_order(const std::vector<Starter>& starters);

}  // namespace actor::supervision
