#include "ctl/schemas.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "ctl/connection.hpp"
#include "ctl/field.hpp"

namespace actor::ctl {

void Schemas::fetch() {
  const Json answer = parse_answer(ask(broker_, R"({"command":"types"})"));
  types_.clear();
  for (const Json& row : list_at(answer, "types")) {
    TypeInfo type;
    type.name = cell(row, "name");
    const std::string hash = cell(row, "hash");
    std::from_chars(hash.data(), hash.data() + hash.size(), type.hash, 16);
    type.schema = cell(row, "schema");
    for (const Json& actor : member(row, "actors")) {
      if (actor.is_string()) type.actors.push_back(actor.get<std::string>());
    }
    types_.push_back(std::move(type));
  }
}

const TypeInfo* Schemas::find(std::uint64_t hash) {
  const auto look = [&]() -> const TypeInfo* {
    const auto found =
        std::find_if(types_.begin(), types_.end(), [&](const TypeInfo& type) { return type.hash == hash; });
    return found == types_.end() ? nullptr : &*found;
  };
  if (const TypeInfo* known = look()) return known;
  fetch();
  return look();
}

std::string label_of(const std::string& type) {
  const std::size_t arguments = std::min(type.find('<'), type.size());
  const std::size_t colon = type.rfind(':', arguments);
  return colon == std::string::npos ? type : type.substr(colon + 1);
}

}  // namespace actor::ctl
