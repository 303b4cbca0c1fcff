#pragma once
// Wakes the owner of a port out of its Loop. One per port, shared with its peers: the owner says what it sleeps for,
// and only then does a peer pay for the system call. Any thread may ring; sleep() and wake_up() belong to the owner.

#include <atomic>
#include <cstdint>

namespace actor::inproc {

class Doorbell {
 public:
  enum class Awaited : std::uint8_t { Nothing, Events, Room };

  Doorbell();  ///< Throws Error(Io) when the process is out of file descriptors.
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  /// The eventfd, for Loop::add_bell().
  int fd() const { return fd_; }

  /// REQUIRES: the caller looks for what it awaits after this call, and before it sleeps.
  void sleep(Awaited what) { awaited_.store(what); }
  void wake_up() { awaited_.store(Awaited::Nothing); }

  /// Tells the owner that there is something new; no effect unless it sleeps for just that.
  /// INVARIANT: no wake-up is lost. The caller changed the mailbox under its lock before this load; the owner looked
  /// at the mailbox under the same lock after its store. If it looked before the change, the load sees the store.
  void ring(Awaited what) {
    if (awaited_.load() == what && awaited_.compare_exchange_strong(what, Awaited::Nothing)) write_bell();
  }

 private:
  void write_bell();

  int fd_;
  std::atomic<Awaited> awaited_ = Awaited::Nothing;
};

}  // namespace actor::inproc
