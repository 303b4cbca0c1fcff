#include "iceoryx/only_roudi.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace actor::iceoryx {
namespace {

int make_socket() {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw_errno("making the socket by which one RouDi knows another (socket)");
  return fd;
}

/// The abstract address: it is gone with the process, and needs no place in the file system.
std::pair<sockaddr_un, socklen_t> address_of(std::string_view name) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::size_t bytes = std::min(name.size(), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path + 1, name.data(), bytes);
  return {address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + bytes)};
}

std::string text_of(pid_t pid, const char* file) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/" + file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// As it was called, with spaces.
std::string command_of(pid_t pid) {
  std::string words = text_of(pid, "cmdline");
  while (!words.empty() && words.back() == '\0') words.pop_back();
  std::replace(words.begin(), words.end(), '\0', ' ');
  return words;
}

std::string program_of(pid_t pid) {
  std::string name = text_of(pid, "comm");
  if (!name.empty() && name.back() == '\n') name.pop_back();
  return name;
}

pid_t parent_of(pid_t pid) {
  const std::string status = text_of(pid, "status");
  const std::size_t at = status.find("\nPPid:");
  return at == std::string::npos ? 0 : static_cast<pid_t>(std::atoi(status.c_str() + at + 6));
}

RunningRoudi roudi_of(pid_t pid, bool is_actor) {
  RunningRoudi found{.pid = pid, .program = program_of(pid), .is_actor = is_actor, .broker = ""};
  if (const pid_t parent = parent_of(pid); program_of(parent) == "actor-broker") found.broker = command_of(parent);
  return found;
}

/// Nothing when nobody has that name.
std::optional<pid_t> who_is(std::string_view name) {
  const int fd = make_socket();
  const auto [address, bytes] = address_of(name);
  ucred peer = {};
  socklen_t peer_bytes = sizeof peer;
  // EAGAIN: it has not looked for a while who asks. It is there all the same.
  const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), bytes) == 0;
  const bool is_there = connected || errno == EAGAIN;
  if (connected) getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes);
  close(fd);
  return is_there ? std::optional(peer.pid) : std::nullopt;
}

/// Who holds a lock on the file. Asked of the kernel's list, without touching the lock: a RouDi that starts at this
/// moment would not get it, and it may be another user's.
std::optional<pid_t> holder_of(const char* file) {
  struct stat info = {};
  if (stat(file, &info) != 0) return std::nullopt;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    int pid = 0;
    unsigned major_number = 0;
    unsigned minor_number = 0;
    unsigned long inode = 0;
    // "1: FLOCK  ADVISORY  WRITE 812 00:2f:1234 0 EOF"; those that wait for it have "->" after the number
    const bool read =
        std::sscanf(line.c_str(), "%*d: %*s %*s %*s %d %x:%x:%lu", &pid, &major_number, &minor_number, &inode) == 4;
    if (read && inode == info.st_ino && makedev(major_number, minor_number) == info.st_dev) return pid;
  }
  return std::nullopt;
}

}  // namespace

std::string RunningRoudi::described() const {
  std::string text = program.empty() ? "one that this user cannot see" : program;
  if (pid > 0) text += " (process " + std::to_string(pid) + ")";
  return broker.empty() ? text : text + ", of `" + broker + "`";
}

std::optional<RunningRoudi> find_running_roudi(const char* lock, std::string_view name) {
  if (const auto pid = who_is(name)) return roudi_of(*pid, true);
  if (const auto pid = holder_of(lock)) return roudi_of(*pid, false);
  return std::nullopt;
}

OnlyRoudi::OnlyRoudi(std::string_view name) : socket_(make_socket()) {
  const auto [address, bytes] = address_of(name);
  if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), bytes) == 0 && listen(socket_, 8) == 0) return;
  const int error = errno;
  close(socket_);
  errno = error;
  if (error != EADDRINUSE) throw_errno("taking the name by which one RouDi knows another, " + std::string(name));
  const auto pid = who_is(name);
  throw Error(ErrorCode::Refused, "another RouDi runs on this machine, and there can be one only: " +
                                      roudi_of(pid.value_or(0), true).described() +
                                      "; stop that broker, or set transport = \"shm\"");
}

OnlyRoudi::~OnlyRoudi() {
  close(socket_);
}

void OnlyRoudi::let_go_of_who_asked() {
  for (int fd = 0; (fd = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) close(fd);
}

}  // namespace actor::iceoryx
