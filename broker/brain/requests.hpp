#pragma once
// What tools ask, and what the brain answers: JSON objects, {"command":"ps"}, {"command":"restart","actor":"cpu"}.
// docs/control-protocol.md lists the commands and their answers. An error is {"error": "..."}. One for each request,
// the brain's thread.
//
// requests.cpp: who answers, and what operators change; views.cpp: what they look at.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "brain/brain.hpp"

namespace actor::broker {

using Json = nlohmann::ordered_json;

struct Requests {
  Brain& brain;
  Session& tool;

  Json run(const Json& request);

  // What operators change
  Json shutdown() const;
  Json change(const std::string& command, const Json& request);
  Json kill(ActorEntry& entry, const Json& request);

  // Events that were given up on: dead_letter_requests.cpp
  Json dead_letters(const Json& request);
  Json list_letters(const DeadLetterStore& store, const Json& request) const;
  Json discard_letters(DeadLetterStore& store, const Json& request);
  Json retry_letters(const DeadLetterStore& store, const Json& request);

  // What they look at
  Json ps() const;
  Json waits_for(const ActorEntry& entry) const;
  Json row(const ActorEntry& entry) const;
  Json topics() const;
  Json routes() const;
  Json stalls() const;
  Json types() const;
  Json why(const Json& request) const;
  Json deaths() const;
  Json logs(const Json& request) const;
  Json observe(const Json& request) const;

  /// Throws Error(NoSuchActor) that names those there are; `command` for the text.
  ActorEntry& entry_named(const std::string& command, const Json& request) const;
};

}  // namespace actor::broker
