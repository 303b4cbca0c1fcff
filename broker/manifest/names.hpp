// What names in a manifest may look like. Pure functions, callable from anywhere.
#pragma once

#include <string>
#include <string_view>

namespace actor::broker {

/// The broker's own topics, "$sys/actor" and the like: anybody may subscribe, nobody else publishes.
bool is_system_topic(std::string_view topic);

/// What is wrong with the name of a topic, with what to do; empty when nothing is.
std::string topic_name_problem(std::string_view topic);

/// The same for the names of actors and of the broker: 1 to 64 of [a-z0-9._-], the first a letter or a digit. `what` is
/// "an actor's name".
std::string actor_name_problem(std::string_view name, std::string_view what);

/// The name with what is not allowed in it replaced: lower case, '-' for the rest. Empty when nothing is left.
std::string to_actor_name(std::string_view text);

/// ASCII's control characters: an error message has none, whatever the manifest says.
bool is_control_character(char c);

/// Text from a manifest for an error message: on one line, without control characters, cut when long.
std::string in_quotes(std::string_view text);

}  // namespace actor::broker
