#include "manifest/parse_supervision.hpp"

#include <algorithm>

#include "manifest/names.hpp"

namespace actor::broker {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds longest = 24h;

void read_exit_codes(TableReader& read, std::string_view key, std::vector<int>& codes) {
  std::vector<std::uint32_t> written;
  read.integers(key, written, {0, 255});
  if (read.has(key)) codes.assign(written.begin(), written.end());
}

void read_auto_shutdown(TableReader& read, AutoShutdown& out) {
  read.choice<AutoShutdown>("auto_shutdown", out,
                            {{"never", AutoShutdown::Never}, {"any", AutoShutdown::Any}, {"all", AutoShutdown::All}});
}

}  // namespace

void read_broker_supervision(TableReader& read, BrokerSection& broker) {
  read_auto_shutdown(read, broker.auto_shutdown);
  read.boolean("allow_reboot", broker.allow_reboot);
}

void read_budget(TableReader& read, RestartBudget& budget) {
  read.integer("restarts", budget.restarts, {0, 10000});
  read.duration("within", budget.within, {1ms, longest});
}

void read_group(TableReader& read, GroupSection& group) {
  read.text("parent", group.parent);
  read.choice<RestartStrategy>("strategy", group.strategy,
                               {{"one_for_one", RestartStrategy::OneForOne},
                                {"one_for_all", RestartStrategy::OneForAll},
                                {"rest_for_one", RestartStrategy::RestForOne}});
  read.table("budget", [&](TableReader& table) { read_budget(table, group.budget); });
  if (read.has("parent")) group.on_exhausted = OnExhausted::Escalate;
  read.choice<OnExhausted>("on_exhausted", group.on_exhausted,
                           {{"quarantine", OnExhausted::Quarantine},
                            {"escalate", OnExhausted::Escalate},
                            {"stop_runtime", OnExhausted::StopRuntime},
                            {"reboot", OnExhausted::Reboot}});
  read.duration("quarantine_retry", group.quarantine_retry, {0s, longest});
  read_auto_shutdown(read, group.auto_shutdown);
  read.boolean("significant", group.significant);

  const std::string problem = actor_name_problem(group.name, "a group's name");
  if (!problem.empty()) read.error({}, problem);
}

void read_actor_supervision(TableReader& read, ActorSupervision& actor) {
  read.text("member_of", actor.member_of);
  read.choices<Dependency>(
      "depends_on", actor.depends_on,
      {{"ready", Dependency::Ready}, {"started", Dependency::Started}, {"completed", Dependency::Completed}});
  read.choice<OnExhausted>("on_exhausted", actor.on_exhausted,
                           {{"quarantine", OnExhausted::Quarantine},
                            {"restart_group", OnExhausted::RestartGroup},
                            {"stop_runtime", OnExhausted::StopRuntime},
                            {"reboot", OnExhausted::Reboot}});
  read.duration("quarantine_retry", actor.quarantine_retry, {0s, longest});
  read_exit_codes(read, "success_exit", actor.success_exit);
  read_exit_codes(read, "never_restart_exit", actor.never_restart_exit);
  read.boolean("significant", actor.significant);

  for (const int code : actor.success_exit) {
    const auto& never = actor.never_restart_exit;
    if (std::find(never.begin(), never.end(), code) != never.end())
      read.error("success_exit", std::to_string(code) +
                                     " is listed in never_restart_exit too, and an end is clean or it is not; remove "
                                     "it from one of the two");
  }
}

}  // namespace actor::broker
