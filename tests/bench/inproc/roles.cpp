#include "roles.hpp"

#include <algorithm>

namespace bench {

Result Cast::result(const Exchange& what) const {
  Result result;
  source.add_to(result);
  for (const Relay& relay : relays) relay.add_to(result);
  for (const Sink& sink : sinks) sink.add_to(result);

  // From the first sink that is warm to the last that is done.
  Sink::Mark first = sinks.front().first();
  Sink::Mark last = sinks.front().last();
  for (const Sink& sink : sinks) {
    if (sink.first().clock_ns < first.clock_ns) first = sink.first();
    if (sink.last().clock_ns > last.clock_ns) last = sink.last();
  }
  const auto events = static_cast<double>(what.events - what.warm_up());
  const double deliveries = events * what.shape.readers;
  result.per_s = deliveries * 1e9 / static_cast<double>(std::max<std::int64_t>(1, last.clock_ns - first.clock_ns));
  result.cpu_s_per_million = static_cast<double>(last.cpu_ns - first.cpu_ns) * 1e-9 / deliveries * 1e6;
  result.allocations_per_event = static_cast<double>(last.allocations - first.allocations) / events;
  return result;
}

}  // namespace bench
