// "did you mean ...?": the known name that a mistyped one was probably meant to be. Pure functions, callable from
// anywhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace actor::broker {

/// The candidate nearest to `word` by edit distance, letter case ignored; when none is near, one that begins with it or
/// that it begins with; empty when there is none to be offered.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// `; did you mean "exec"?`, or nothing: to be appended to a message.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace actor::broker
