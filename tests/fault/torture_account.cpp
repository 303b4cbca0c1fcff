#include <fcntl.h>
#include <sys/mman.h>

#include <control/fd.hpp>
#include <ctime>

#include "fault/torture.hpp"

namespace torture {

Account* map_account(const char* path) {
  if (path == nullptr) return nullptr;
  const actor::Fd file(open(path, O_RDWR | O_CLOEXEC));
  if (!file) return nullptr;
  void* at = mmap(nullptr, sizeof(Account), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  return at == MAP_FAILED ? nullptr : static_cast<Account*>(at);
}

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace torture
