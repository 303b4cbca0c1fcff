#include "kept_lines.hpp"

namespace actor::broker {

void KeptLines::add(const std::string& actor, pid_t pid, OutputStream stream, std::string_view text,
                    std::int64_t wall_ns) {
  Lines& lines = lines_[actor];
  lines.kept.push_back({lines.next_number++, wall_ns, pid, stream, std::string(text)});
  lines.bytes += text.size();
  while (lines.kept.size() > max_lines || lines.bytes > max_bytes) {
    lines.bytes -= lines.kept.front().text.size();
    lines.kept.pop_front();
  }
}

const std::deque<KeptLine>& KeptLines::of(const std::string& actor) const {
  static const std::deque<KeptLine> none;
  const auto found = lines_.find(actor);
  return found == lines_.end() ? none : found->second.kept;
}

std::vector<KeptLine> KeptLines::last_of(const std::string& actor, pid_t pid, std::size_t count) const {
  std::vector<KeptLine> last;
  const std::deque<KeptLine>& kept = of(actor);
  for (auto line = kept.rbegin(); line != kept.rend() && last.size() < count; ++line) {
    if (line->pid == pid) last.insert(last.begin(), *line);
  }
  return last;
}

}  // namespace actor::broker
