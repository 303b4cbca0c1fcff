#pragma once
// The brain: the broker's process that thinks. It owns the manifest, the routes and the policy; main.cpp runs it as a
// child of the keeper. One thread.

#include <chrono>
#include <control/fd.hpp>
#include <filesystem>
#include <optional>

#include "keeper/client.hpp"
#include "manifest/manifest.hpp"

namespace actor::broker {

class EpochPage;
class KeptLines;
class Ledger;
class Pulse;
class ServiceManager;

struct BrainOptions {
  Manifest manifest;  ///< valid; broker.name and broker.log already say what the command line wants
  bool is_named_by_command_line = false;
  bool is_log_by_command_line = false;
  std::optional<std::chrono::nanoseconds> run_for;  ///< --for: then an ordered shutdown, exit code 0
  std::filesystem::path state_dir;                  ///< for what outlives the broker; made when it is needed
  std::filesystem::path runtime_dir;  ///< holds control.sock and lock; the keeper removes it, unless it died
  Ledger& ledger;                     ///< what the brain before this one has left; made before the first one
  EpochPage& epochs;                  ///< likewise
  KeptLines& lines;                   ///< likewise: what actors have printed last
  const ServiceManager& service;
};

/// Runs everything until shutdown; returns the exit code of the broker. Goes on where a brain before it was killed, if
/// there was one. `listener` listens at control.sock; `pulse` tells the keeper of each turn.
int run_brain(KeeperClient keeper, Fd listener, const BrainOptions& options, Pulse& pulse);

}  // namespace actor::broker
