// Who knocks at the broker's named socket: tools, actors that were started by hand, and whoever else.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

/// Tools, and programs that have not said hello.
constexpr std::size_t max_connections = 256;
constexpr int connections_per_turn = 64;

}  // namespace

/// No descriptor is left for whoever knocks: they are turned away with the one that is kept for this, or the listener
/// would stay readable, and the brain awake.
void Brain::turn_away() {
  reserve_.reset();
  if (auto accepted = control::accept_from(listener_.get())) let_go(std::move(accepted->socket));
  reserve_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!std::exchange(told_shortage_, true))
    log_.error("out_of_resources", "", "a connection was turned away: this process is out of file descriptors");
}

/// Members of the group that the runtime directory is open to: an operator has decided so.
bool Brain::may_ask(const Fd& socket) const {
  struct stat directory = {};
  return ::stat(options_.runtime_dir.c_str(), &directory) == 0 && (directory.st_mode & S_IXGRP) != 0 &&
         control::is_of_group(socket, directory.st_gid);
}

/// Who knocks all the time gets a part of each turn only: the listener stays readable.
void Brain::accept() {
  for (int i = 0; i < connections_per_turn; ++i) {
    errno = 0;
    if (accept_one()) continue;
    if (errno == EMFILE || errno == ENFILE) turn_away();
    return;
  }
}

/// False, with errno, when there is none.
bool Brain::accept_one() {
  auto accepted = control::accept_from(listener_.get());
  if (!accepted) return false;
  const bool is_guest = accepted->peer.uid != getuid() && accepted->peer.uid != 0;
  if (is_guest && !may_ask(accepted->socket)) {
    note_refusal("uid " + std::to_string(accepted->peer.uid) + " (pid " + std::to_string(accepted->peer.pid) +
                 "): only uid " + std::to_string(getuid()) + ", root, and members of the group that " +
                 options_.runtime_dir.string() + " is open to may");
    let_go(std::move(accepted->socket));
  } else if (connections_.size() >= max_connections) {
    note_refusal("pid " + std::to_string(accepted->peer.pid) + ": " + std::to_string(max_connections) +
                 " connections are open already");
    let_go(std::move(accepted->socket));
  } else {
    const std::uint64_t id = next_connection_++;
    connections_[id] = {std::make_unique<Session>(std::move(accepted->socket), loop_, *this, id, &turn_),
                        accepted->peer.pid, is_guest};
  }
  return true;
}

/// A line for the first, the tenth, the hundredth: who knocks all the time does not fill the log.
void Brain::note_refusal(const std::string& why) {
  std::uint64_t rest = ++refusals_;
  while (rest % 10 == 0) rest /= 10;
  if (rest != 1) return;
  log_.warn("refused", "",
            "refused a connection of " + why + (refusals_ == 1 ? "" : "; " + std::to_string(refusals_) + " so far"));
}

/// Who still has the other end is told at once. Out of the brain it goes by way of the keeper, which knows how to close
/// it without having to wait.
void Brain::let_go(Fd socket) {
  (void)::shutdown(socket.get(), SHUT_RDWR);
  safe_.keep(std::move(socket));
}

}  // namespace actor::broker
