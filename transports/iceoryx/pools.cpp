#include "iceoryx/pools.hpp"

#include <charconv>

namespace actor::iceoryx {
namespace {

bool read_number(std::string_view& text, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number == 0) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::optional<std::vector<Pool>> parse_pools(std::string_view text) {
  std::vector<Pool> pools;
  for (;;) {
    Pool& pool = pools.emplace_back();
    if (!read_number(text, pool.chunk_bytes) || text.empty() || text.front() != ':') return std::nullopt;
    text.remove_prefix(1);
    if (!read_number(text, pool.chunks)) return std::nullopt;
    if (text.empty()) return pools;
    if (text.front() != ',') return std::nullopt;
    text.remove_prefix(1);
  }
}

std::string print_pools(const std::vector<Pool>& pools) {
  std::string text;
  for (const Pool& pool : pools)
    text += (text.empty() ? "" : ",") + std::to_string(pool.chunk_bytes) + ':' + std::to_string(pool.chunks);
  return text;
}

}  // namespace actor::iceoryx
