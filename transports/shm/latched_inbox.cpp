#include <algorithm>
#include <shm/latched_inbox.hpp>

namespace actor::shm {

void LatchedInbox::expect(Source source) {
  // Now rather than at the first event: by then the value may be a later one, which comes through the route.
  if (!read(source)) pending_.push_back(std::move(source));
  note();
}

void LatchedInbox::forget(std::uint32_t route) {
  std::erase_if(pending_, [route](const Source& source) { return source.route == route; });
  note();
}

bool LatchedInbox::read(const Source& source) {
  std::vector<LatchedValue> found;
  if (!read_latched(source.publisher, source.topics, source.dead, found)) return false;
  for (LatchedValue& value : found) {
    if (value.counter >= source.below) continue;
    LatchedValue& best = values_[{source.publisher->key, value.topic}];
    if (!best.publisher || best.publisher->incarnation <= source.publisher->incarnation) best = std::move(value);
  }
  return true;
}

void LatchedInbox::add_system_event(LatchedValue event) {
  system_.push_back(std::move(event));
  if (system_.size() > max_system_events) system_.pop_front();
  note();
}

void LatchedInbox::add_letter(LatchedValue letter) {
  letters_.push_back(std::move(letter));
  note();
}

const LatchedValue* LatchedInbox::next() {
  // All that the broker has to hand over of the dead comes before the first event: what is not there never comes.
  std::erase_if(pending_, [&](const Source& source) { return read(source) || source.dead; });
  const auto oldest = std::min_element(values_.begin(), values_.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second.stamp_ns, a.second.counter) < std::pair(b.second.stamp_ns, b.second.counter);
  });
  const bool found = oldest != values_.end() || !letters_.empty() || !system_.empty();
  if (oldest != values_.end()) {
    in_hand_ = std::move(oldest->second);
    values_.erase(oldest);
  } else if (!letters_.empty()) {
    in_hand_ = std::move(letters_.front());
    letters_.pop_front();
  } else if (!system_.empty()) {
    in_hand_ = std::move(system_.front());
    system_.pop_front();
  }
  note();
  return found ? &in_hand_ : nullptr;
}

}  // namespace actor::shm
