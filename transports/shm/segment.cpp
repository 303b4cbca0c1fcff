#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <boost/interprocess/exceptions.hpp>
#include <cerrno>
#include <cstring>
#include <shm/poison.hpp>
#include <shm/segment.hpp>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace actor::shm {
namespace {

namespace ipc = boost::interprocess;
constexpr int required_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;

/// What Boost.Interprocess asks of something that can be mapped.
struct Mappable {
  int fd;
  ipc::mapping_handle_t get_mapping_handle() const { return {fd, false}; }
};

}  // namespace

OwnedSegment OwnedSegment::create(const std::string& name, std::uint64_t bytes) {
  OwnedSegment segment;
  segment.fd_ = Fd(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const std::string doing = "making the shared-memory segment " + name + " of " + std::to_string(bytes) + " bytes";
  if (!segment.fd_) throw_errno(doing + " (memfd_create)");
  if (ftruncate(segment.fd_.get(), static_cast<off_t>(bytes)) != 0) throw_errno(doing + " (ftruncate)");
  try {
    // Mapped before it is sealed: F_SEAL_FUTURE_WRITE forbids every later writable mapping, also our own.
    ipc::mapped_region(Mappable{segment.fd_.get()}, ipc::read_write, 0, bytes).swap(segment.region_);
  } catch (const ipc::interprocess_exception& error) {
    throw Error(ErrorCode::Io, doing + ": cannot map it: " + error.what(), error.get_native_error());
  }
  if (fcntl(segment.fd_.get(), F_ADD_SEALS, required_seals) != 0)
    throw_errno(doing + ": cannot seal it (needs Linux 5.5 or later)");
  // A forked child would inherit the writable mapping, and with it the power to corrupt what we own.
  madvise(segment.data(), bytes, MADV_DONTFORK);
  return segment;
}

void OwnedSegment::prefault(std::uint64_t bytes) const {
#ifdef MADV_POPULATE_WRITE
  madvise(data(), bytes, MADV_POPULATE_WRITE);
#else
  (void)bytes;
#endif
}

PeerSegment& PeerSegment::operator=(PeerSegment&& other) noexcept {
  region_.swap(other.region_);
  foreign_ = other.foreign_;
  return *this;
}

// The next mapping at this address must not inherit what was poisoned here.
PeerSegment::~PeerSegment() {
  unpoison({data(), bytes()});
}

std::optional<PeerSegment> PeerSegment::open(int fd, std::uint64_t min_bytes, std::string& error) {
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & required_seals) != required_seals) {
    error = "the peer's memory is not sealed against shrinking and writing";
    return std::nullopt;
  }
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    error = std::string("cannot look at the peer's memory: ") + std::strerror(errno);
    return std::nullopt;
  }
  const auto bytes = static_cast<std::uint64_t>(info.st_size);
  if (bytes < min_bytes) {
    error = "the peer's memory has " + std::to_string(bytes) + " bytes, fewer than the " + std::to_string(min_bytes) +
            " that its layout needs";
    return std::nullopt;
  }
  try {
    PeerSegment segment;
    ipc::mapped_region(Mappable{fd}, ipc::read_only, 0, bytes).swap(segment.region_);
    // Only root can give it away to somebody else, and root is trusted.
    segment.foreign_ = info.st_uid != geteuid() && info.st_uid != 0;
    return segment;
  } catch (const ipc::interprocess_exception& failure) {
    error = std::string("cannot map the peer's memory: ") + failure.what();
    return std::nullopt;
  }
}

}  // namespace actor::shm
