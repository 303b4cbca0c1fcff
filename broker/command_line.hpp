#pragma once
// What actor-broker was told on its command line. Used once, by main().

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "manifest/manifest.hpp"

namespace actor::broker {

struct CommandLine {
  enum class Action { Run, Check };
  Action action = Action::Run;
  std::filesystem::path manifest;
  std::optional<std::chrono::nanoseconds> run_for;
  std::optional<LogFormat> log;
  std::optional<std::string> name;
  std::optional<std::filesystem::path> runtime_dir;
  std::optional<std::filesystem::path> state_dir;
};

/// Nothing when there is nothing to do: help or version was printed (`exit_code` 0), or what is wrong (2).
std::optional<CommandLine> parse_command_line(int argc, const char* const* argv, int& exit_code);

}  // namespace actor::broker
