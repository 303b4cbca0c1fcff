#pragma once
// RouDi's memory pools, as the broker tells it of them: "256:1000,65728:20", bytes of a chunk and how many. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace actor::iceoryx {

struct Pool {
  std::uint32_t chunk_bytes;
  std::uint32_t chunks;
  bool operator==(const Pool&) const = default;
};

/// Nothing when the text is no such list, or an empty one.
std::optional<std::vector<Pool>> parse_pools(std::string_view text);
std::string print_pools(const std::vector<Pool>& pools);

}  // namespace actor::iceoryx
