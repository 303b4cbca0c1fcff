#pragma once
// What the broker tells the service manager that started it: that it is ready, what it is doing, that it is alive. The
// protocol is systemd's (sd_notify(3)): datagrams to the socket that NOTIFY_SOCKET names; without one nothing is said.
// Made by main before there is a brain, used by the brain that lives, on its one thread. Never waits: a datagram that
// finds no room is lost.
//
// Why not libsystemd? It would map six libraries into processes of a few megabytes, for one sendto(); the protocol is
// documented as stable and meant to be spoken without it.

#include <chrono>
#include <control/fd.hpp>
#include <optional>
#include <string>

namespace actor::broker {

class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET and WATCHDOG_USEC, and removes them: an actor has no business there.
  static ServiceManager from_environment();

  bool is_there() const { return static_cast<bool>(socket_); }
  /// How often alive() has to be called; half of what the service manager allows.
  std::optional<std::chrono::nanoseconds> heartbeat() const { return heartbeat_; }

  void ready() const { tell("READY=1"); }
  void alive() const { tell("WATCHDOG=1"); }
  void stopping() const { tell("STOPPING=1"); }
  /// ready() says that it is done.
  void reloading() const;
  /// One line for `systemctl status`.
  void status(const std::string& text) const { tell("STATUS=" + text); }

 private:
  void tell(const std::string& text) const;

  Fd socket_;
  std::optional<std::chrono::nanoseconds> heartbeat_;
};

}  // namespace actor::broker
