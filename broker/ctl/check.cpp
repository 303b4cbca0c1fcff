// `actorctl check`: the manifest's own functions, without a broker.

#include "manifest/check.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "ctl/commands.hpp"

namespace actor::ctl {

int run_check(const Command& command) {
  const broker::Checked checked = broker::check_manifest(command.file);
  const int code = checked.manifest ? 0 : 1;
  if (!command.json) {
    std::fputs(checked.complaints().c_str(), stderr);
    if (code == 0) std::printf("%s\n", checked.summary().c_str());
    return code;
  }
  using Json = nlohmann::ordered_json;
  const auto list = [](const std::vector<broker::ManifestError>& errors) {
    Json rows = Json::array();
    for (const broker::ManifestError& error : errors)
      rows.push_back({{"file", error.file},
                      {"line", error.line},
                      {"column", error.column},
                      {"key", error.key},
                      {"message", error.message}});
    return rows;
  };
  Json answer;
  if (code == 0) answer["ok"] = checked.summary();
  if (code != 0) answer["error"] = "the manifest is wrong";
  answer["errors"] = list(checked.errors);
  answer["warnings"] = list(checked.warnings);
  std::printf("%s\n", answer.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  return code;
}

}  // namespace actor::ctl
