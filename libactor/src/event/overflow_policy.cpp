#include <actor/overflow_policy.hpp>
#include <array>
#include <charconv>
#include <limits>
#include <ostream>

namespace actor {
namespace {

struct Spelling {
  OverflowPolicy::Kind kind;
  std::string_view text;
};
constexpr std::array<Spelling, 4> spellings{{
    {OverflowPolicy::Kind::Fail, "fail"},
    {OverflowPolicy::Kind::Drop, "drop"},
    {OverflowPolicy::Kind::DropOldest, "drop-oldest"},
    {OverflowPolicy::Kind::Block, "block"},
}};

struct Unit {
  std::string_view text;
  std::int64_t nanoseconds;
};
constexpr std::array<Unit, 4> units{{{"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}}};

std::optional<std::chrono::nanoseconds> parse_deadline(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count <= 0) return std::nullopt;
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const Unit& unit : units) {
    if (suffix != unit.text) continue;
    if (count > std::numeric_limits<std::int64_t>::max() / unit.nanoseconds) return std::nullopt;
    return std::chrono::nanoseconds(count * unit.nanoseconds);
  }
  return std::nullopt;
}

}  // namespace

std::optional<OverflowPolicy> OverflowPolicy::parse(std::string_view text) {
  if (text.starts_with("block:")) {
    const auto deadline = parse_deadline(text.substr(6));
    if (!deadline) return std::nullopt;
    return block_for(*deadline);
  }
  for (const Spelling& spelling : spellings) {
    if (text == spelling.text) return OverflowPolicy{spelling.kind, {}};
  }
  return std::nullopt;
}

std::string to_string(const OverflowPolicy& policy) {
  std::string text;
  for (const Spelling& spelling : spellings) {
    if (policy.kind == spelling.kind) text = spelling.text;
  }
  if (text.empty()) text = "policy " + std::to_string(static_cast<unsigned>(policy.kind));
  const std::int64_t deadline = policy.deadline.count();
  if (policy.kind != OverflowPolicy::Kind::Block || deadline == 0) return text;
  for (const Unit& unit : units) {
    if (deadline % unit.nanoseconds != 0) continue;
    return text + ":" + std::to_string(deadline / unit.nanoseconds) + std::string(unit.text);
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const OverflowPolicy& policy) {
  return out << to_string(policy);
}

}  // namespace actor
