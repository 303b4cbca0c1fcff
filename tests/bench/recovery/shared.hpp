#pragma once
// What the actors of the recovery benchmark write down, in memory that the driver owns: when each life of an actor
// handled its first event, and when a bare child reached its main().

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <variant>

namespace recovery {

struct Tick {
  std::uint64_t number;
};
using Events = std::variant<Tick>;

enum class Topic { Tick };
constexpr Topic topic_of(const Tick&) {
  return Topic::Tick;
}

inline constexpr const char* shared_variable = "RECOVERY_SHARED";
inline constexpr const char* reader_names[] = {"cold", "warm"};

struct Shared {
  std::atomic<std::uint64_t> pid[2];
  std::atomic<std::int64_t> first_ns[2];  // of the present life; 0: none yet
  std::atomic<std::int64_t> main_ns;
};

inline std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

/// The file that the environment names; null when there is none.
inline Shared* map_shared() {
  const char* path = std::getenv(shared_variable);
  const int fd = path ? ::open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return nullptr;
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<Shared*>(memory);
}

}  // namespace recovery
