#include "manifest/suggestion.hpp"

#include <algorithm>

namespace actor::broker {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  const auto same = [&](std::size_t i, std::size_t j) { return lower(a[i - 1]) == lower(b[j - 1]); };
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (same(i, j) ? 0 : 1);
      cost[i][j] = std::min({replaced, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j)) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

// "max" and "maximum", "timeout" and "timeout_ms": further apart than typing mistakes are, and still the same word.
bool is_beginning(std::string_view part, std::string_view whole) {
  return part.size() >= 3 && whole.starts_with(part);
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  // The longest names are topics; a word beyond any name is not compared, the cost is quadratic.
  if (word.empty() || word.size() > 256) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, (word.size() + 1) / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > word.size() + best_distance) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best_distance || distance >= std::max(word.size(), candidate.size())) continue;
    best = &candidate;
    best_distance = distance;
  }
  if (best) return *best;
  const auto same_word = [&](const std::string& candidate) {
    return is_beginning(candidate, word) || is_beginning(word, candidate);
  };
  const auto found = std::find_if(candidates.begin(), candidates.end(), same_word);
  return found == candidates.end() ? std::string() : *found;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string name = nearest(word, candidates);
  return name.empty() ? name : "; did you mean \"" + name + "\"?";
}

}  // namespace actor::broker
