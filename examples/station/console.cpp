#include "console.hpp"

#include <cerrno>
#include <cstdio>

#include "lines.hpp"

namespace station {

void Console::handle_event(const actor::Envelope<StationEvent>& envelope) {
  const auto at = envelope.meta().wall_time;
  std::string line;
  if (const auto* reading = envelope.get_if<Reading>()) line = format_line(at, *reading);
  if (const auto* alert = envelope.get_if<Alert>()) line = format_line(at, *alert);
  if (const auto* note = envelope.get_if<Note>()) line = format_line(at, *note);
  if (line.empty()) return;
  line += '\n';
  // Flushed line by line: behind a pipe, too, a line is there when its event counts as handled.
  const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fflush(stdout) == 0;
  if (!written) actor::throw_errno("printing a reading on standard output");
}

}  // namespace station
