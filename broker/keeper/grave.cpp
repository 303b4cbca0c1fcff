#include "keeper/grave.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace actor::broker {

void Grave::add(Fd fd) {
  struct stat info = {};
  if (fd && ::fstat(fd.get(), &info) == 0 && S_ISSOCK(info.st_mode)) fds_.push_back(std::move(fd));
}

void Grave::bury() {
  if (fds_.empty()) return;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  const Fd wait(ends[0]);
  Fd gate(ends[1]);
  const pid_t bearer = ::fork();
  if (bearer < 0) return;
  if (bearer == 0) {  // it ends when the copies here are closed
    gate.reset();
    char none = 0;
    (void)!::read(wait.get(), &none, 1);
    ::_exit(0);
  }
  fds_.clear();
}

}  // namespace actor::broker
