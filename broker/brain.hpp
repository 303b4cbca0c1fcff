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

struct BrainOptions {
  Manifest manifest;  ///< valid; broker.name and broker.log already say what the command line wants
  std::optional<std::chrono::nanoseconds> run_for;  ///< --for: then an ordered shutdown, exit code 0
  std::filesystem::path runtime_dir;  ///< holds control.sock and lock; the keeper removes it, unless it died
};

/// Runs everything until shutdown; returns the exit code of the broker. `listener` listens at control.sock.
int run_brain(KeeperClient keeper, Fd listener, const BrainOptions& options);

}  // namespace actor::broker
