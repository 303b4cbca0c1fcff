#pragma once
// A transport's side of a process's connection to the broker: it turns the control protocol's wiring messages into a
// Port. The process runtime owns one and knows nothing of shared memory; a transport implements it. The actor's thread.

#include <actor/epoll_loop.hpp>
#include <actor/monitor.hpp>
#include <actor/transport.hpp>
#include <control/channel.hpp>
#include <memory>
#include <string>

namespace actor {

/// Where in its life the process is; shown by tools.
enum class LifeStage { Connecting, Starting, Running, Draining, Stopped };

class ProcessLink {
 public:
  virtual ~ProcessLink() = default;

  /// Sent along with Hello.
  virtual int status_fd() const = 0;
  /// The broker has let us in. `fds` came with the message. Throws Error when they are not what they should be.
  virtual void welcome(const control::Welcome& welcome, std::vector<Fd>& fds) = 0;
  /// Valid after welcome().
  virtual Port& port() = 0;
  /// Rises when the broker has sent something; valid after welcome().
  virtual const std::atomic<std::uint64_t>& command_epoch() const = 0;
  /// Acts on a wiring message and answers it. False when it is none of a transport's business.
  virtual bool handle(control::ToActor& message, std::vector<Fd>& fds) = 0;
  virtual void set_stage(LifeStage stage) = 0;
  /// Valid after welcome(): the port calls dispatched() and overflow() from now on. `monitors` is there for as long as
  /// the port is used.
  virtual void watch(Monitors& monitors) = 0;
};

/// The shm transport's link. `types`, `loop` and `channel` outlive it.
std::unique_ptr<ProcessLink> make_shm_link(std::span<const EventType* const> types, EpollLoop& loop,
                                           control::Channel& channel);

}  // namespace actor
