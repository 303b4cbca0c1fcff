#pragma once
// Where brokers are found: each has a directory of its own with `control.sock` and `lock`. Used by the broker, by tools
// and by actors that are started by hand. Functions without state; any thread.
//
// The lock is an open-file-description lock: it is held as long as any process of the broker lives, can be looked at
// without being taken, and the file's text is the broker's process number.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace actor::control {

/// Where the directories of this user's brokers are: $XDG_RUNTIME_DIR/actor, else /run/actor for root, else
/// /tmp/actor-UID. It may not exist.
std::string runtime_root();

/// What people write for a broker: its name, or with a slash the path of its directory or of its socket.
std::string runtime_directory(const std::string& broker);
std::string socket_path(const std::string& runtime_directory);
std::string lock_path(const std::string& runtime_directory);

/// Does a broker hold the directory's lock?
bool is_held(const std::string& runtime_directory);
/// The names of this user's running brokers, sorted.
std::vector<std::string> running_brokers();

/// Where the directories of the system's brokers are, which may be open to a group.
inline constexpr const char* system_root = "/run/actor";

/// Who wants to connect: what it is told to do when it may not differs.
enum class Asker : std::uint8_t { Tool, Actor };

/// The socket of the broker that is meant; `broker` empty: the only one that runs. By name, one of this user's comes
/// before one of the system's. Throws Error(Io) that lists what runs when none or several do, and says what to do when
/// it is one of the system's that this user may not ask.
std::string find_broker(const std::string& broker, Asker who = Asker::Actor, const std::string& system = system_root);

/// Removes what a broker whose processes are all dead has left; waits up to 100 ms for them to be. Best effort; never
/// throws.
void remove_if_dead(const std::string& runtime_directory) noexcept;
/// Removes it whoever lives: for the broker itself.
void remove_runtime_files(const std::string& runtime_directory) noexcept;

}  // namespace actor::control
