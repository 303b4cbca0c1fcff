#include <sys/eventfd.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <cstdint>
#include <shm/bell.hpp>

namespace actor::shm {

Fd make_bell() {
  Fd bell(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) throw_errno("making a doorbell (eventfd; if too many files are open, raise the limit: ulimit -n)");
  return bell;
}

void ring(int bell) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(bell, &one, sizeof one);
}

}  // namespace actor::shm
