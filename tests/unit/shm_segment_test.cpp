// Sealed segments: what a peer can and cannot do with a descriptor that it was handed.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <shm/segment.hpp>

namespace actor::shm {
namespace {

constexpr std::uint64_t size_bytes = 64 * 1024;

Fd unsealed(std::uint64_t bytes, int seals = 0) {
  Fd fd(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
  if (seals) {
    EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  }
  return fd;
}

TEST(Segment, WhatItsOwnerWritesAPeerReads) {
  const OwnedSegment owned = OwnedSegment::create("test", size_bytes);
  std::string error;
  const auto peer = PeerSegment::open(owned.fd(), size_bytes, error);
  ASSERT_TRUE(peer) << error;
  EXPECT_EQ(peer->bytes(), size_bytes);
  EXPECT_EQ(peer->data()[100], std::byte{0});
  owned.data()[100] = std::byte{42};
  EXPECT_EQ(peer->data()[100], std::byte{42});
}

TEST(Segment, APeerCannotMapItWritable) {
  const OwnedSegment owned = OwnedSegment::create("test", size_bytes);
  EXPECT_EQ(mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, owned.fd(), 0), MAP_FAILED);
  EXPECT_EQ(errno, EPERM);
}

TEST(Segment, APeerCannotWriteThroughTheFile) {
  const OwnedSegment owned = OwnedSegment::create("test", size_bytes);
  const char byte = 1;
  EXPECT_EQ(pwrite(owned.fd(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(Segment, ReopeningItThroughProcGivesNoWriteAccess) {
  const OwnedSegment owned = OwnedSegment::create("test", size_bytes);
  const Fd again(open(("/proc/self/fd/" + std::to_string(owned.fd())).c_str(), O_RDWR | O_CLOEXEC));
  if (again) {
    EXPECT_EQ(mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, again.get(), 0), MAP_FAILED);
  }
}

TEST(Segment, AReadOnlyMappingCannotBeMadeWritable) {
  const OwnedSegment owned = OwnedSegment::create("test", size_bytes);
  void* at = mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, owned.fd(), 0);
  ASSERT_NE(at, MAP_FAILED);
  EXPECT_EQ(mprotect(at, size_bytes, PROT_READ | PROT_WRITE), -1);
  munmap(at, size_bytes);
}

TEST(Segment, NobodyCanResizeIt) {
  const OwnedSegment owned = OwnedSegment::create("test", size_bytes);
  EXPECT_EQ(ftruncate(owned.fd(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(owned.fd(), 2 * size_bytes), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(fcntl(owned.fd(), F_ADD_SEALS, F_SEAL_WRITE), -1) << "the set of seals is sealed too";
}

TEST(Segment, APeersPagesCannotBePunchedOut) {
  const OwnedSegment owned = OwnedSegment::create("test", size_bytes);
  EXPECT_EQ(fallocate(owned.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(Segment, AForkedChildDoesNotInheritTheWritableMapping) {
  const OwnedSegment owned = OwnedSegment::create("test", size_bytes);
  const pid_t child = fork();
  if (child == 0) {
    unsigned char resident = 0;
    _exit(mincore(owned.data(), 1, &resident) == -1 && errno == ENOMEM ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Segment, AnUnsealedDescriptorIsRefused) {
  std::string error;
  EXPECT_FALSE(PeerSegment::open(unsealed(size_bytes).get(), 1, error));
  EXPECT_NE(error.find("not sealed"), std::string::npos) << error;
}

TEST(Segment, AMissingSealIsEnoughToBeRefused) {
  constexpr int future_write = 0x10;
  const int all[] = {F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, future_write};
  for (const int missing : all) {
    int seals = 0;
    for (const int seal : all) seals |= seal == missing ? 0 : seal;
    std::string error;
    EXPECT_FALSE(PeerSegment::open(unsealed(size_bytes, seals).get(), 1, error)) << missing;
  }
}

TEST(Segment, ATooShortOneIsRefused) {
  const OwnedSegment owned = OwnedSegment::create("test", size_bytes);
  std::string error;
  EXPECT_FALSE(PeerSegment::open(owned.fd(), size_bytes + 1, error));
  EXPECT_NE(error.find("fewer than"), std::string::npos) << error;
}

TEST(Segment, WhatIsNoMemoryAtAllIsRefused) {
  std::string error;
  const Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(PeerSegment::open(null.get(), 1, error));
  EXPECT_FALSE(PeerSegment::open(-1, 1, error));
}

}  // namespace
}  // namespace actor::shm
