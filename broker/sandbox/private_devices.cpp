// A /dev of its own for a child: a mount namespace, an empty file system over /dev, and in it what every program needs
// and what the manifest lists, each bound to the one that was there. Between fork and exec: system calls only.

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/orders.hpp"

namespace actor::broker {
namespace {

constexpr const char* always[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm"};
constexpr struct {
  const char* to;
  const char* at;
} links[] = {{"/proc/self/fd", "/dev/fd"},
             {"/proc/self/fd/0", "/dev/stdin"},
             {"/proc/self/fd/1", "/dev/stdout"},
             {"/proc/self/fd/2", "/dev/stderr"}};
constexpr std::size_t most = Orders::max_devices + std::size(always);

struct Node {
  const char* path;
  int fd;  // what was there
  bool is_directory;
};

bool open_node(Node& node, const char* path) {
  struct stat info = {};
  node.path = path;
  node.fd = ::open(path, O_PATH | O_CLOEXEC);
  if (node.fd < 0 || ::fstat(node.fd, &info) != 0) return false;
  node.is_directory = S_ISDIR(info.st_mode);
  return true;
}

/// The directories on the way to it: "/dev/bus/usb" for "/dev/bus/usb/001".
bool make_way(const char* path) {
  char part[Orders::max_device_bytes] = {};
  for (std::size_t i = 0; path[i] != '\0' && i + 1 < sizeof part; ++i) {
    if (path[i] == '/' && i > sizeof "/dev" && ::mkdir(part, 0755) != 0 && errno != EEXIST) return false;
    part[i] = path[i];
  }
  return true;
}

/// "/proc/self/fd/17": snprintf() is not safe here.
void name_of(int fd, char (&text)[32]) {
  constexpr char prefix[] = "/proc/self/fd/";
  std::size_t at = 0;
  for (const char* from = prefix; *from != '\0'; ++from) text[at++] = *from;
  char digits[12];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + fd % 10);
    fd /= 10;
  } while (fd != 0);
  while (count > 0) text[at++] = digits[--count];
  text[at] = '\0';
}

bool bind(const Node& node) {
  if (!make_way(node.path)) return false;
  if (node.is_directory) {
    if (::mkdir(node.path, 0755) != 0 && errno != EEXIST) return false;
  } else {
    const int made = ::open(node.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0);
    if (made < 0) return false;
    ::close(made);
  }
  char source[32];
  name_of(node.fd, source);
  return ::mount(source, node.path, nullptr, MS_BIND | MS_REC, nullptr) == 0;
}

}  // namespace

bool make_private_devices(const Orders& orders) noexcept {
  // What is mounted from here on is this process's and its children's alone. SUBTLE: first,
  // because what was opened in another namespace cannot be bound in this one.
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return false;
  Node nodes[most];
  std::size_t count = 0;
  for (const char* path : always) {
    if (open_node(nodes[count], path)) ++count;  // a container may lack one
  }
  const char* path = orders.devices.data();
  for (std::uint32_t i = 0; i < orders.device_count && count < most; ++i) {
    if (!open_node(nodes[count++], path)) return false;
    while (*path++ != '\0') {
    }
  }
  if (::mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755") != 0) return false;
  for (std::size_t i = 0; i < count; ++i) {
    if (!bind(nodes[i])) return false;
    ::close(nodes[i].fd);
  }
  for (const auto& link : links) (void)!::symlink(link.to, link.at);
  // Nothing is to be added: a node that is made there later would be one more than was allowed.
  return ::mount(nullptr, "/dev", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC, nullptr) == 0;
}

}  // namespace actor::broker
