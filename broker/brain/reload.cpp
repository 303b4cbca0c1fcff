// Another manifest while the broker runs: only the actors that it changes are touched.

#include <nlohmann/json.hpp>

#include "brain/brain.hpp"
#include "service_manager.hpp"

namespace actor::broker {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string names(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& name : list) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

}  // namespace

/// What the command line has said holds for every manifest.
void Brain::heed_command_line(Manifest& manifest) const {
  if (options_.is_named_by_command_line) manifest.broker.name = manifest_.broker.name;
  if (options_.is_log_by_command_line) manifest.broker.log = manifest_.broker.log;
}

/// For a successor: the manifest of the last reload.
bool Brain::use_manifest(const std::string& text, std::string& error) {
  auto result = parse_manifest(text, manifest_.file.string());
  if (!result.manifest) {
    error = "the manifest of its last reload cannot be read: the broker has a bug";
    return false;
  }
  heed_command_line(*result.manifest);
  manifest_ = std::move(*result.manifest);
  return true;
}

std::string Brain::reload() {
  if (state_.stage != Stage::Running) return dump({{"error", "the broker is shutting down"}});
  ManifestText read = read_manifest(manifest_.file);
  if (read.error) return refuse_reload({*read.error});
  ManifestResult result = parse_manifest(read.text, manifest_.file.string());
  if (!result.manifest) return refuse_reload(result.errors);
  heed_command_line(*result.manifest);
  const ManifestDiff changes = diff(manifest_, *result.manifest);
  if (!changes.errors.empty()) return refuse_reload(changes.errors);
  if (entries_.size() + changes.added.size() > EpochPage::slots)
    return refuse_reload({result.manifest->error("actors", "a broker has room for " + std::to_string(EpochPage::slots) +
                                                               " actors, and some are taken by actors that were "
                                                               "started by hand or removed; run a second broker")});

  log_.info("reload", "",
            "the manifest was read again: added " + names(changes.added) + "; removed " + names(changes.removed) +
                "; changed " + names(changes.changed) + "; adjusted " + names(changes.adjusted));
  options_.service.reloading();
  configure_topics(*result.manifest);
  change_actors(std::move(*result.manifest), changes);
  if (state_.told_ready) options_.service.ready();
  state_.manifest_text = std::move(read.text);
  return dump({{"ok", "reloaded " + manifest_.file.string()},
               {"added", changes.added},
               {"removed", changes.removed},
               {"changed", changes.changed},
               {"adjusted", changes.adjusted}});
}

std::string Brain::refuse_reload(const std::vector<ManifestError>& errors) {
  Json lines = Json::array();
  for (const ManifestError& error : errors) {
    lines.push_back(format(error));
    log_.error("reload_refused", "", format(error));
  }
  return dump({{"error", "the manifest cannot be used, and nothing was changed"}, {"errors", lines}});
}

/// Who publishes or reads them is started anew, and meets them as they are now.
void Brain::configure_topics(const Manifest& manifest) {
  for (const auto& [name, topic] : manifest_.topics) {
    if (!manifest.topics.contains(name)) topics_.configure(name, std::nullopt, TopicSection{}.capacity);
  }
  for (const auto& [name, topic] : manifest.topics)
    topics_.configure(name, topic.overflow, topic.capacity, topic.latched);
}

void Brain::change_actors(Manifest manifest, const ManifestDiff& changes) {
  const auto now = Loop::Clock::now().time_since_epoch();
  for (const std::string& name : changes.removed) {
    find_entry(name)->removed = true;
    tree_->stop(name, now);
  }
  carry_out();
  // One that was about to leave with its group has not been told yet, and the tree forgets it.
  for (const std::string& name : changes.removed) {
    ActorEntry* entry = find_entry(name);
    if (entry && entry->has_process()) stop_for_good(*entry);
  }
  manifest_ = std::move(manifest);
  keeper_.set_stop_timeout(manifest_.longest_stop_timeout());
  plan();
  for (auto& [index, entry] : entries_) entry->section = entry->by_hand ? nullptr : manifest_.find_actor(entry->name);
  for (const std::string& name : changes.added) add_actor(name);
  // Backwards: RouDi, the first of all, takes its users along, also those that are started anew by themselves.
  for (auto name = changes.changed.rbegin(); name != changes.changed.rend(); ++name)
    change_actor(*find_entry(*name), true);
  for (const std::string& name : changes.adjusted) change_actor(*find_entry(name), false);
  tree_->pass(now);  // others may wait for less than before
  carry_out();
  keep_looking();
}

/// There may be one of that name already: removed before and still on its way out, or started by hand. It goes on then
/// until it ends, and is started as the manifest says after that.
void Brain::add_actor(const std::string& name) {
  const auto now = Loop::Clock::now().time_since_epoch();
  const ActorSection* section = manifest_.find_actor(name);
  ActorEntry* known = find_entry(name);
  ActorEntry& entry = known ? *known : add_entry(name, section);
  if (!known) entry.publishes = entry.subscribes = {};  // so that spawn() opens its routes
  entry.section = section;
  entry.removed = entry.by_hand = false;
  if (!entry.has_process() && entry.life != Life::Spawning) {
    entry.life = Life::Waiting;
    return tree_->launch(name, now);
  }
  const bool leaves = entry.life == Life::Draining || entry.life == Life::Stopping;
  if (leaves || entry.circumstances.stop_requested) return tree_->launch_again(name, now);
  tree_->adopt(name, now);
  if (entry.life >= Life::Connecting) tree_->started(name, now);
  if (entry.life == Life::Ready) tree_->became_ready(name, now);
}

/// Whoever was given up, or waits for the time of its restart, is tried at once.
void Brain::change_actor(ActorEntry& entry, bool restarts) {
  const auto now = Loop::Clock::now().time_since_epoch();
  watchdog_.forget(entry.index);  // it may have another limit
  watched_lives_.erase(entry.index);
  switch (entry.life) {
    case Life::Ended:    // it is done, or was stopped by an operator
    case Life::Waiting:  // for others
      return;
    case Life::Backoff:
    case Life::Quarantined:
    case Life::Refused:
      return tree_->start(entry.name, now);
    default:
      break;
  }
  if (restarts && !tree_->leaves_for_good(entry.name)) return restart(entry);
  entry.section->standby > 0 ? make_spare(entry) : drop_spare(entry);
}

}  // namespace actor::broker
