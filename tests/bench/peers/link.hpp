#pragma once
// What each peer of the comparison implements, one file each: how a message gets from a process to another. run_over()
// makes of it what libactor's own actors do: ping and pong, sources and sinks, each end a child of its own. Used by the
// drivers.

#include <functional>
#include <memory>
#include <string>

#include "message.hpp"

namespace bench {

enum class Direction { Forward, Back };

class Writer {
 public:
  virtual ~Writer() = default;
  /// Would a message reach every reader now? Asked until it is so, before the first.
  virtual bool is_connected() { return true; }
  /// Sends to every reader of its direction; waits for room.
  virtual void write(Message& message, std::uint64_t number) = 0;
  /// Sends what it has put by, if that is its way.
  virtual void flush() {}
};

class Reader {
 public:
  virtual ~Reader() = default;
  /// Would what is sent now arrive? Asked until it is so, before the first.
  virtual bool is_connected() { return true; }
  /// Waits for the next message, reads it, returns its number.
  virtual std::uint64_t read(Message& message) = 0;
};

/// One run's worth of a peer. Made in the driver; its ends are made in the children, each by its number there.
class Link {
 public:
  virtual ~Link() = default;
  virtual std::unique_ptr<Writer> writer(Direction direction, unsigned index) = 0;
  virtual std::unique_ptr<Reader> reader(Direction direction, unsigned index) = 0;
  /// Messages of each writer that may be under way to a reader, where the peer itself would lose them or pile them up;
  /// 0: it waits.
  virtual std::uint64_t window() const { return 0; }
  /// Processor time of a server so far. Asked in a child.
  virtual std::int64_t server_cpu_ns() const { return 0; }
};

using OpenLink = std::unique_ptr<Link> (*)(const Case& what);
Outcome run_over(OpenLink open, const Case& what);

/// Where the ends of a case run: -1, wherever the kernel likes.
int core_of(const Case& what, bool second);

/// One of those that are compared.
struct Peer {
  const char* name;
  std::string missing;  ///< why it cannot be measured here; empty: it can
  std::function<bool(const Case&)> can;
  std::function<Outcome(const Case&)> run;
};

/// Every peer that this program was built with, libactor's transports first, and those that it was not, with the
/// reason.
std::vector<Peer> all_peers();

}  // namespace bench
