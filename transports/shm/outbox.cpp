// The outbox of a Sender: what found no room on a Block topic waits here, in order, for the readers to make some.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <shm/sender.hpp>
#include <utility>

namespace actor::shm {
namespace {

constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t shortage_retry_ns = 100'000'000;

}  // namespace

/// Takes over our reference of payload.chunk, if there is one.
void Sender::stage(const Header& header, Topic& topic, const Outgoing& out, Payload payload) {
  if (outbox_is_full(payload.size)) {
    if (payload.chunk != Pool::no_chunk) pool_.release(payload.chunk);
    throw_full(topic);
  }
  if (is_watched()) [[unlikely]]
    tell_staged(header, topic, out);
  Staged staged{header, {}, payload.chunk, payload.size, no_deadline};
  if (payload.chunk == Pool::no_chunk) {
    staged.bytes.resize(payload.size);
    if (payload.bytes)
      std::memcpy(staged.bytes.data(), payload.bytes, payload.size);
    else
      out.type->encode(out.event, staged.bytes);
  }
  const auto deadline = topic.is.policy.deadline.count();
  if (topic.is.policy.kind == OverflowPolicy::Kind::Block && deadline > 0) staged.deadline_ns = now() + deadline;
  outbox_bytes_ += payload.size + staged_overhead_bytes;
  outbox_.push_back(std::move(staged));
  mark_staged(topic);
  status_.outbox.store(outbox_.size(), std::memory_order_relaxed);
  status_.counters.staged.store(outbox_.size(), std::memory_order_relaxed);
}

void Sender::mark_staged(const Topic& topic) {
  if (topic.is.wire == 0) ++unresolved_;
  for (const Target& target : topic.targets) ++target.route->staged;
}

bool Sender::push_staged() {
  if (outbox_.empty()) return true;
  // A route that an earlier staged event still waits for is closed to the later ones: FIFO per reader.
  for (const auto& route : routes_) route->staged = 0;
  unresolved_ = 0;
  retry_ns_ = 0;
  for (Sweep sweep{*this}; sweep.next != outbox_.size(); ++sweep.next) {
    Staged& staged = outbox_[sweep.next];
    Topic& topic = topics_[staged.header.topic];
    // An event whose deadline has passed waits behind nobody: where it would have to, its copy is dropped.
    const bool may_go = is_late(staged) ? unresolved_ == 0 : !must_queue(topic);
    if (topic.is.wire != 0 && may_go && push_one_staged(staged)) continue;
    mark_staged(topic);
    if (sweep.kept != sweep.next) outbox_[sweep.kept] = std::move(staged);
    ++sweep.kept;
  }
  flush();
  return outbox_.empty();
}

/// [kept, next) is free again; so is `next`, if something was thrown after it had gone out.
void Sender::close_gap(std::size_t kept, std::size_t next) noexcept {
  if (next != outbox_.size() && outbox_[next].is_out) ++next;
  const auto begin = outbox_.begin();
  outbox_.erase(begin + static_cast<std::ptrdiff_t>(kept), begin + static_cast<std::ptrdiff_t>(next));
  recount_staged();
  status_.outbox.store(outbox_.size(), std::memory_order_relaxed);
  status_.counters.staged.store(outbox_.size(), std::memory_order_relaxed);
}

bool Sender::is_late(const Staged& staged) {
  return staged.deadline_ns != no_deadline && now() >= staged.deadline_ns;
}

bool Sender::push_one_staged(Staged& staged) {
  Topic& topic = topics_[staged.header.topic];
  const bool late = is_late(staged);
  if (find_room(topic, late) == Room::Wait) return false;
  Payload payload;
  payload.size = staged.size;
  payload.chunk = staged.chunk;
  payload.bytes = staged.bytes.data();
  std::byte* const loaned = carrier_ ? loan_from_carrier(topic, payload.size) : nullptr;
  const bool carried = loaned && chosen_listen();
  if (!carried && payload.size > tail_bytes && payload.chunk == Pool::no_chunk &&
      (!chosen_.empty() || topic.is.latched)) {
    if (provide_chunk(payload)) {
      std::memcpy(pool_.data(payload.chunk), payload.bytes, payload.size);
    } else {
      if (!late) {
        if (loaned) carrier_->unloan();
        return false;
      }
      late_ += static_cast<unsigned>(chosen_.size());  // a deadline counts for memory as well as for room
      chosen_.clear();
    }
  }
  if (loaned) {
    const std::uint64_t ticket = publish_at_carrier(loaned, staged.header, payload, nullptr);
    if (carried) ticket_ = ticket;
  }
  staged.is_out = true;
  outbox_bytes_ -= staged.size + staged_overhead_bytes;
  commit(staged.header, payload, nullptr);
  return true;
}

bool Sender::prepare_wait() {
  flush();
  if (outbox_.empty()) return true;
  const std::uint64_t space = status_.space.load(std::memory_order_relaxed);
  // seq_cst store, then seq_cst loads of the cursors. PAIRS: InRoute::publish_released.
  status_.space.store(space | 1, std::memory_order_seq_cst);
  bool has_news = false;
  for (const auto* routes : {&routes_, &leaving_}) {
    for (const auto& route : *routes) {
      if (!route->can_reclaim()) continue;
      route->reclaim(pool_);  // or else it would be news again next time, though nothing staged may be waiting for it
      has_news = true;
    }
  }
  if (has_news) return false;
  // SUBTLE: not before. It reclaims what it looks at, which would then be no news; from here on whoever makes room
  // rings.
  status_.waits_for.store(what_it_waits_for(), std::memory_order_relaxed);
  return true;
}

void Sender::end_wait() {
  const std::uint64_t space = status_.space.load(std::memory_order_relaxed);
  if (space & 1) status_.space.store(space + 1, std::memory_order_seq_cst);
}

/// For those who ask why it stands still: the first route without room of the first event that waits, or, when it is
/// memory that is missing, the route that holds most of it.
std::uint64_t Sender::what_it_waits_for() {
  const Topic& topic = topics_[outbox_.front().header.topic];
  const OutRoute* full = nullptr;
  std::uint64_t most = 0;
  for (const Target& target : topic.targets) {
    if (!target.route->has_room(target.position, pool_)) {
      full = target.route;
      break;
    }
    const std::uint64_t held = target.route->queued_chunk_bytes(pool_) + 1;
    if (held > most) {
      most = held;
      full = target.route;
    }
  }
  return full ? std::uint64_t{full->id()} << 16 | topic.is.wire : 0;
}

std::int64_t Sender::next_deadline() const {
  std::int64_t earliest = no_deadline;
  for (const Staged& staged : outbox_) earliest = std::min(earliest, staged.deadline_ns);
  if (retry_ns_ != 0 && !outbox_.empty()) earliest = std::min(earliest, retry_ns_);
  return earliest;
}

void Sender::note_shortage() {
  retry_ns_ = now() + shortage_retry_ns;
  if (std::exchange(told_shortage_, true)) return;
  std::fprintf(stderr,
               "libactor: %s: %s. Events that are too large for a slot wait until there is room for it again, or are "
               "dropped, as the policies of their topics say (noted once). Raise what is short: open files "
               "(limits.open_files in the manifest, LimitNOFILE= of a unit, ulimit -n), or memory\n",
               std::string(self_.name()).c_str(), pool_.shortage()->what());
}

}  // namespace actor::shm
