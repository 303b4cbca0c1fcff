#pragma once
// The broker's directory in the file system: its named socket, and the lock that says it runs. Taken by the keeper
// before anything else; the lock lives as long as the keeper or the brain, who both inherit it. One thread.

#include <control/fd.hpp>
#include <string>

namespace actor::broker {

class RuntimeDir {
 public:
  /// Makes the directory (0700) or takes over what a dead broker has left, and locks it. One that is there and open to
  /// its group (0750) stays so: its members may ask the broker. `directory`: from control::runtime_directory() or the
  /// manifest. Throws Error: Refused when a broker runs there, Io when the directory is somebody else's or cannot be
  /// made.
  explicit RuntimeDir(const std::string& directory);

  const std::string& path() const { return path_; }
  /// Makes control.sock and listens. Throws Error(Io).
  Fd listen() const;
  /// Removes socket, lock and directory; the lock itself ends with the processes that hold it. Never throws: what
  /// cannot be removed is taken over by the next broker of that name.
  void remove() const noexcept;

 private:
  std::string path_;
  Fd lock_;
};

}  // namespace actor::broker
