#include "kept_lines.hpp"

#include <sys/mman.h>

#include <actor/error.hpp>
#include <algorithm>
#include <cstring>
#include <utility>

namespace actor::broker {

/// Before the text of each line.
struct KeptLines::Head {
  std::uint64_t number;
  std::int64_t wall_ns;
  std::int32_t pid;
  std::uint32_t stream;
  std::uint64_t bytes;
};

namespace {

constexpr std::size_t max_name_bytes = 111;
constexpr std::size_t ring_bytes = KeptLines::max_bytes + 8 * 1024;  // the lines' heads are in it, too

}  // namespace

struct KeptLines::Place {
  std::atomic<std::uint64_t> begin;
  std::atomic<std::uint64_t> end;  // both only grow: 584 years at 1 GB/s
  char name[max_name_bytes + 1];   // empty: nobody's
};

struct KeptLines::Shared {
  std::atomic<std::size_t> used;  // places that have been anybody's
  Place places[max_actors];
  char rings[max_actors][ring_bytes];  // only what is used takes memory
};

KeptLines::KeptLines() {
  static_assert(max_lines * sizeof(Head) + max_bytes <= ring_bytes);
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw_errno("cannot start the broker: mapping what it keeps of its actors' lines");
  shared_ = static_cast<Shared*>(memory);  // all zero, as a new one is, and not to be touched for that
}

KeptLines::~KeptLines() {
  ::munmap(shared_, sizeof(Shared));
}

KeptLines::Place& KeptLines::place(std::size_t number) const {
  return shared_->places[number];
}

void KeptLines::copy_in(std::size_t place, std::uint64_t at, const void* from, std::size_t bytes) const {
  const std::size_t offset = at % ring_bytes;
  const std::size_t first = std::min(bytes, ring_bytes - offset);
  std::memcpy(shared_->rings[place] + offset, from, first);
  std::memcpy(shared_->rings[place], static_cast<const char*>(from) + first, bytes - first);
}

void KeptLines::copy_out(std::size_t place, std::uint64_t at, void* to, std::size_t bytes) const {
  const std::size_t offset = at % ring_bytes;
  const std::size_t first = std::min(bytes, ring_bytes - offset);
  std::memcpy(to, shared_->rings[place] + offset, first);
  std::memcpy(static_cast<char*>(to) + first, shared_->rings[place], bytes - first);
}

template <class Visit>
void KeptLines::visit(std::size_t number, Visit&& visit) const {
  const std::uint64_t end = place(number).end.load(std::memory_order_acquire);
  for (std::uint64_t at = place(number).begin.load(std::memory_order_acquire); at < end;) {
    Head head;
    copy_out(number, at, &head, sizeof head);
    visit(head, at + sizeof head);
    at += sizeof head + head.bytes;
  }
}

/// What there is already: a brain before this one was killed.
void KeptLines::learn() const {
  if (std::exchange(has_learned_, true)) return;
  for (std::size_t number = 0; number < shared_->used.load(std::memory_order_acquire); ++number) {
    if (place(number).name[0] == '\0') continue;
    Known known{.place = number};
    visit(number, [&](const Head& head, std::uint64_t) {
      ++known.lines;
      known.bytes += head.bytes;
      known.last_number = head.number;
    });
    known_.emplace(place(number).name, known);
  }
}

/// Null when there is no place left.
KeptLines::Known* KeptLines::find_or_take(const std::string& actor) {
  learn();
  if (const auto found = known_.find(actor); found != known_.end()) return &found->second;
  const std::size_t used = shared_->used.load(std::memory_order_relaxed);
  std::size_t number = 0;
  if (known_.size() == used) number = used;
  while (number < used && place(number).name[0] != '\0') ++number;
  if (actor.empty() || actor.size() > max_name_bytes || number >= max_actors) return nullptr;
  Place& taken = place(number);
  actor.copy(taken.name + 1, actor.size() - 1, 1);
  taken.name[actor.size()] = '\0';
  taken.name[0] = actor[0];  // if the process dies before: it is nobody's
  shared_->used.store(std::max(used, number + 1), std::memory_order_release);
  return &known_.emplace(actor, Known{.place = number}).first->second;
}

void KeptLines::drop_oldest(Known& known) const {
  Place& where = place(known.place);
  const std::uint64_t begin = where.begin.load(std::memory_order_relaxed);
  Head head;
  copy_out(known.place, begin, &head, sizeof head);
  where.begin.store(begin + sizeof head + head.bytes, std::memory_order_release);
  --known.lines;
  known.bytes -= head.bytes;
}

void KeptLines::add(const std::string& actor, pid_t pid, OutputStream stream, std::string_view text,
                    std::int64_t wall_ns) {
  Known* const known = text.size() > max_bytes ? nullptr : find_or_take(actor);
  if (known == nullptr) return;
  while (known->lines + 1 > max_lines || known->bytes + text.size() > max_bytes) drop_oldest(*known);
  Place& where = place(known->place);
  const std::uint64_t at = where.end.load(std::memory_order_relaxed);
  const Head head{++known->last_number, wall_ns, pid, static_cast<std::uint32_t>(stream), text.size()};
  copy_in(known->place, at, &head, sizeof head);
  copy_in(known->place, at + sizeof head, text.data(), text.size());
  // If the process dies here: the line was never there. PAIRS: end (acquire in visit() of a successor).
  where.end.store(at + sizeof head + text.size(), std::memory_order_release);
  ++known->lines;
  known->bytes += text.size();
}

std::deque<KeptLine> KeptLines::of(const std::string& actor) const {
  learn();
  std::deque<KeptLine> lines;
  const auto found = known_.find(actor);
  if (found == known_.end()) return lines;
  visit(found->second.place, [&](const Head& head, std::uint64_t at) {
    std::string text(head.bytes, '\0');
    copy_out(found->second.place, at, text.data(), text.size());
    lines.push_back({head.number, head.wall_ns, head.pid, static_cast<OutputStream>(head.stream), std::move(text)});
  });
  return lines;
}

std::vector<KeptLine> KeptLines::last_of(const std::string& actor, pid_t pid, std::size_t count) const {
  std::vector<KeptLine> last;
  const std::deque<KeptLine> kept = of(actor);
  for (auto line = kept.rbegin(); line != kept.rend() && last.size() < count; ++line) {
    if (line->pid == pid) last.insert(last.begin(), *line);
  }
  return last;
}

void KeptLines::forget(const std::string& actor) {
  learn();
  const auto found = known_.find(actor);
  if (found == known_.end()) return;
  Place& where = place(found->second.place);
  where.begin.store(where.end.load(std::memory_order_relaxed), std::memory_order_release);
  where.name[0] = '\0';  // if the process dies before: it has a name, and no lines
  known_.erase(found);
}

}  // namespace actor::broker
