#include "inproc/staging.hpp"

#include <algorithm>

namespace actor::inproc {

void Staging::add(EventRef event, std::span<const Target> targets, std::int64_t deadline_ns) {
  if (spare_.empty()) spare_.push_back(&storage_.emplace_back());
  Staged& staged = *spare_.back();
  spare_.pop_back();
  ++count_;
  staged.event = std::move(event);
  staged.behind = 0;
  staged.deadline_ns = deadline_ns;
  staged.number = next_number_++;
  staged.looked_at = false;
  staged.copies.clear();
  staged.copies.reserve(targets.size());
  for (const Target& target : targets) {
    StagedCopy* copy = &staged.copies.emplace_back(StagedCopy{target, &staged, nullptr});
    Link& link = *target.link;
    if (link.last) {
      link.last->next = copy;
      ++staged.behind;
    } else {
      link.first = copy;
      links_.push_back(&link);
    }
    link.last = copy;
    ++link.staged;
  }
  if (deadline_ns != never) timed_.emplace(std::pair(deadline_ns, staged.number), &staged);
}

/// Does this copy have to wait, for an earlier event or for room?
bool Staging::is_held(const StagedCopy& copy) {
  const Target& target = copy.target;
  if (!target.link || target.link->is_closed()) return false;
  return target.link->first != &copy || (target.quota->topic->blocks() && !target.quota->has_room());
}

bool Staging::can_leave(const Staged& staged) {
  return staged.behind == 0 &&
         std::none_of(staged.copies.begin(), staged.copies.end(), [](const auto& copy) { return is_held(copy); });
}

void Staging::consider(Staged& staged) {
  if (staged.behind != 0 || staged.looked_at) return;
  staged.looked_at = true;
  pass_.push_back(&staged);
}

void Staging::begin_pass() {
  for (Link* link : links_) consider(*link->first->event);
}

Staged* Staging::next() {
  while (!pass_.empty()) {
    Staged* staged = pass_.back();
    pass_.pop_back();
    staged->looked_at = false;
    if (can_leave(*staged)) return staged;
  }
  return nullptr;
}

Staged* Staging::late(std::int64_t now_ns) {
  return next_deadline() <= now_ns && !timed_.empty() ? timed_.begin()->second : nullptr;
}

std::size_t Staging::drop_held(Staged& staged) {
  std::size_t dropped = 0;
  for (StagedCopy& copy : staged.copies) {
    if (!is_held(copy)) continue;
    unlink(copy);
    copy.target.link = nullptr;
    ++dropped;
  }
  return dropped;
}

/// Out of its reader's queue. What was behind it may be able to leave now.
void Staging::unlink(StagedCopy& copy) {
  Link& link = *copy.target.link;
  --link.staged;
  if (link.first == &copy) {
    link.first = copy.next;
    if (link.first) {
      --link.first->event->behind;
      consider(*link.first->event);
    } else {
      link.last = nullptr;
      std::erase(links_, &link);
    }
    return;
  }
  StagedCopy* before = link.first;
  while (before->next != &copy) before = before->next;
  before->next = copy.next;
  if (link.last == &copy) link.last = before;
  --copy.event->behind;
}

EventRef Staging::take(Staged& staged, std::vector<Target>& targets) {
  targets.clear();
  for (StagedCopy& copy : staged.copies) {
    if (!copy.target.link) continue;
    targets.push_back(copy.target);
    unlink(copy);
  }
  if (staged.deadline_ns != never) timed_.erase(std::pair(staged.deadline_ns, staged.number));
  EventRef event = std::move(staged.event);
  if (std::exchange(staged.looked_at, false)) std::erase(pass_, &staged);
  spare_.push_back(&staged);
  --count_;
  return event;
}

bool Staging::await_room() {
  for (const Link* link : links_) {
    const Staged& staged = *link->first->event;
    if (staged.behind != 0) continue;
    for (const StagedCopy& copy : staged.copies) {
      if (is_held(copy)) copy.target.link->mailbox->await_room(*copy.target.link->lane);
    }
    if (can_leave(staged)) return true;
  }
  return !pass_.empty();
}

void Staging::forget(Link& link) {
  while (StagedCopy* copy = link.first) {
    unlink(*copy);
    copy->target.link = nullptr;
    consider(*copy->event);  // that may have been the last reader it waited for
  }
}

}  // namespace actor::inproc
