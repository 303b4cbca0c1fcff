#pragma once
// Descriptors that must outlive the brain. Each that is put in the safe gets a key, and a copy of it goes to the
// keeper; what the brain writes into its ledger names keys. After the brain's death its successor gets the copies back,
// and find() turns keys into descriptors again. Owned by the brain, one thread.

#include <control/fd.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace actor::broker {

class FdSafe;

/// A descriptor and its key; 0: not in the safe, it ends with the brain.
class KeptFd {
 public:
  KeptFd(std::uint64_t key, Fd fd, FdSafe* safe) : key_(key), fd_(std::move(fd)), safe_(safe) {}
  ~KeptFd();
  KeptFd(const KeptFd&) = delete;
  KeptFd& operator=(const KeptFd&) = delete;

  int get() const { return fd_.get(); }
  std::uint64_t key() const { return key_; }

 private:
  std::uint64_t key_;
  Fd fd_;
  FdSafe* safe_;
};

/// Shared: by what owns it, and by messages that carry it and are still to be sent. With the last one it leaves the
/// safe.
using Kept = std::shared_ptr<const KeptFd>;

/// A descriptor that a successor of the brain has no use for.
inline Kept unkept(Fd fd) {
  return std::make_shared<KeptFd>(0, std::move(fd), nullptr);
}
inline std::uint64_t key_of(const Kept& kept) {
  return kept ? kept->key() : 0;
}

class FdSafe {
 public:
  using Store = std::function<void(std::uint64_t key, int fd)>;

  /// `store`: called for each descriptor that comes in. Empty in tests: nothing is kept.
  explicit FdSafe(Store store = {}) : store_(std::move(store)) {}
  FdSafe(const FdSafe&) = delete;
  FdSafe& operator=(const FdSafe&) = delete;

  Kept keep(Fd fd);

  /// Keys whose descriptors nobody needs any more, since the last call: the keeper may close its copies once the ledger
  /// says so too.
  std::vector<std::uint64_t> take_dropped() { return std::exchange(dropped_, {}); }

  // After a takeover.
  void hand_over(std::uint64_t key, Fd fd);
  /// The descriptor of a key in the ledger; null for 0, and when the keeper had none.
  Kept find(std::uint64_t key);
  /// What no find() has asked for: its keeper's copy is of no use.
  void drop_the_rest();

 private:
  friend class KeptFd;
  void released(std::uint64_t key);

  Store store_;
  std::uint64_t next_key_ = 1;  // above all that was handed over: keys are never used again
  std::map<std::uint64_t, Fd> handed_over_;
  std::map<std::uint64_t, std::weak_ptr<const KeptFd>> found_;  // two records may name one key
  std::vector<std::uint64_t> dropped_;
};

}  // namespace actor::broker
