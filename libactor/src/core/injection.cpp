#include <actor/host.hpp>
#include <iterator>

namespace actor {

bool Injection::post(std::function<void()> work) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return false;
  work_.push_back(std::move(work));
  pending_.store(true, std::memory_order_relaxed);
  waker_.wake();
  return true;
}

std::size_t Injection::run() {
  std::vector<std::function<void()>> work;
  {
    const std::scoped_lock lock(mutex_);
    work.swap(work_);
    pending_.store(false, std::memory_order_relaxed);
  }
  for (std::size_t i = 0; i < work.size(); ++i) {
    try {
      work[i]();
    } catch (...) {
      // What came after it has been promised too: it is run in the next turn, if the actor goes on.
      const std::scoped_lock lock(mutex_);
      work_.insert(work_.begin(), std::make_move_iterator(work.begin() + static_cast<std::ptrdiff_t>(i) + 1),
                   std::make_move_iterator(work.end()));
      pending_.store(!work_.empty(), std::memory_order_relaxed);
      throw;
    }
  }
  return work.size();
}

void Injection::close() {
  std::vector<std::function<void()>> never_run;  // destroyed without the lock: what it holds may post, and be refused
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  never_run.swap(work_);
}

}  // namespace actor
