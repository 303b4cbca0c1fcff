#include "inproc/doorbell.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <actor/error.hpp>

namespace actor::inproc {

Doorbell::Doorbell() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw_errno("making a port's doorbell (eventfd)");
}

Doorbell::~Doorbell() {
  close(fd_);
}

void Doorbell::write_bell() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(fd_, &one, sizeof one);  // full means: rung already
}

}  // namespace actor::inproc
