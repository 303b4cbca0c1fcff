#pragma once
// Descriptors watched for many actors by whichever thread has time to. One-shot: a callback runs once, rearm() asks for
// the next time, so that two threads never run the same one. Owned by a scheduler; any thread.

#include <actor/loop.hpp>
#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace actor {

class Poller {
 public:
  Poller();  ///< Throws Error(Io) when the process is out of file descriptors.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  std::uint64_t watch(int fd, Loop::Interest interest, std::function<void()> callback);
  void rearm(std::uint64_t watch);
  /// Its callback does not run any more when this returns. REQUIRES: not called by a callback.
  void unwatch(std::uint64_t watch);
  bool has_watches() const { return count_.load(std::memory_order_relaxed) != 0; }

  /// Waits for a descriptor, ring() or `until`, whichever is first, and runs the callbacks. One thread at a time.
  void poll(Loop::Clock::time_point until);
  /// Ends the poll() that waits now, or else the next one at once.
  void ring() noexcept;

 private:
  struct Watch {
    int fd;
    std::uint32_t mask;
    std::function<void()> callback;
  };

  int epoll_ = -1;
  int bell_ = -1;
  std::mutex mutex_;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, Watch> watches_;
  std::atomic<std::size_t> count_ = 0;
};

}  // namespace actor
