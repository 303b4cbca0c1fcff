#pragma once
// A peer's server: started by us, on this machine only, with a directory of its own, ended by its process id. Used by
// the driver of the comparison.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// Removed with all that is in it.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// The full path of a program in PATH or where servers are (/usr/sbin); empty when there is none.
std::string find_program(const std::string& name);
/// A TCP port of the loopback interface that nobody listened to a moment ago.
int free_port();

class Server {
 public:
  /// `core` < 0: not pinned. Returns once `answers` does; throws std::runtime_error, with what the server said, when it
  /// ends before, or does not answer within 10 seconds.
  Server(const ScratchDirectory& directory, const std::vector<std::string>& command, int core,
         const std::function<bool()>& answers);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  int pid() const { return pid_; }
  std::int64_t cpu_ns() const;

 private:
  int pid_;
};

/// Does somebody listen there?
bool listens_at(const std::string& socket_path);
bool listens_at(int port);

}  // namespace bench
