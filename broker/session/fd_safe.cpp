#include "session/fd_safe.hpp"

#include <algorithm>

namespace actor::broker {

KeptFd::~KeptFd() {
  if (safe_ != nullptr) safe_->released(key_);
}

Kept FdSafe::keep(Fd fd) {
  const std::uint64_t key = next_key_++;
  if (store_) store_(key, fd.get());
  return std::make_shared<KeptFd>(key, std::move(fd), this);
}

void FdSafe::hand_over(std::uint64_t key, Fd fd) {
  handed_over_[key] = std::move(fd);
  next_key_ = std::max(next_key_, key + 1);
}

Kept FdSafe::find(std::uint64_t key) {
  if (const auto known = found_.find(key); known != found_.end()) {
    if (Kept kept = known->second.lock()) return kept;
  }
  const auto handed = handed_over_.find(key);
  if (handed == handed_over_.end()) return nullptr;
  const Kept kept = std::make_shared<KeptFd>(key, std::move(handed->second), this);
  handed_over_.erase(handed);
  found_[key] = kept;
  return kept;
}

void FdSafe::drop_the_rest() {
  for (const auto& [key, fd] : handed_over_) dropped_.push_back(key);
  handed_over_.clear();
  found_.clear();
}

void FdSafe::released(std::uint64_t key) {
  dropped_.push_back(key);
}

}  // namespace actor::broker
