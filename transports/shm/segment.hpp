#pragma once
// Sealed shared memory: what its owner writes and others map read-only. An OwnedSegment is made by the process that
// will write it, after exec; a PeerSegment is somebody else's, handed over as a file descriptor. Both unmap when
// destroyed. Not thread-safe; the memory itself follows layout.hpp.

#include <boost/interprocess/mapped_region.hpp>
#include <control/fd.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace actor::shm {

class OwnedSegment {
 public:
  OwnedSegment() = default;
  /// A new memfd of `bytes`, zeroed, mapped writable here and then sealed: it can never be resized, and no other
  /// process can map it writable. `name` shows in /proc/PID/maps. Throws Error(Io).
  static OwnedSegment create(const std::string& name, std::uint64_t bytes);

  std::byte* data() const { return static_cast<std::byte*>(region_.get_address()); }
  std::uint64_t bytes() const { return region_.get_size(); }
  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  /// Takes the page faults of [0, bytes) now instead of on the hot path. Best effort.
  void prefault(std::uint64_t bytes) const;

 private:
  Fd fd_;
  boost::interprocess::mapped_region region_;
};

class PeerSegment {
 public:
  PeerSegment() = default;
  PeerSegment(PeerSegment&&) noexcept = default;
  PeerSegment& operator=(PeerSegment&& other) noexcept;
  ~PeerSegment();
  /// Maps a peer's segment read-only, after checking that it is sealed and at least `min_bytes` long: a peer can then
  /// neither shrink it (SIGBUS) nor let others write to it. nullopt with `error` set otherwise.
  static std::optional<PeerSegment> open(int fd, std::uint64_t min_bytes, std::string& error);

  const std::byte* data() const { return static_cast<const std::byte*>(region_.get_address()); }
  std::uint64_t bytes() const { return region_.get_size(); }
  explicit operator bool() const { return region_.get_address() != nullptr; }
  /// Did a process of another user make it? Such a one may not be trusted to leave alone what it has sent.
  bool is_foreign() const { return foreign_; }

 private:
  boost::interprocess::mapped_region region_;
  bool foreign_ = false;
};

}  // namespace actor::shm
