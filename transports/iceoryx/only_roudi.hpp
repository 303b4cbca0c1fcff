#pragma once
// There can be one RouDi on a machine. Is there one already, and whose is it? actor-roudi makes itself known here
// before it touches iceoryx's memory, and the broker asks before it starts one. Knows nothing of iceoryx but where its
// lock is. Any thread.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace actor::iceoryx {

struct RunningRoudi {
  pid_t pid = 0;
  std::string program;
  bool is_actor = false;  // an actor-roudi, of a broker
  std::string broker;     // how that was called; empty: none, or it cannot be seen

  /// "actor-roudi (process 812), of `actor-broker station.toml`"
  std::string described() const;
};

/// Where iceoryx 2.0 has the lock of every RouDi.
inline constexpr const char* roudi_lock = "/tmp/iox-unique-roudi.lock";
/// In the abstract namespace of Unix sockets.
inline constexpr std::string_view roudi_name = "libactor/actor-roudi";

/// Nothing: none is running, as far as can be seen from here.
std::optional<RunningRoudi> find_running_roudi(const char* lock = roudi_lock, std::string_view name = roudi_name);

/// This process is the RouDi of this machine, for as long as this lives, or until it dies.
/// Why not iceoryx's lock alone? It is in /tmp, and a service may have a /tmp of its own (PrivateTmp), while the memory
/// is one for all: a second RouDi would throw away that of the first, without a word.
class OnlyRoudi {
 public:
  /// Throws Error: Refused when there is another one.
  explicit OnlyRoudi(std::string_view name = roudi_name);
  ~OnlyRoudi();
  OnlyRoudi(const OnlyRoudi&) = delete;
  OnlyRoudi& operator=(const OnlyRoudi&) = delete;

  /// Readable when somebody has asked.
  int fd() const { return socket_; }
  /// So that those who ask do not queue up. Who they are does not matter: the kernel has told them who this is.
  void let_go_of_who_asked();

 private:
  int socket_;
};

}  // namespace actor::iceoryx
