#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <cerrno>
#include <control/fd.hpp>
#include <control/runtime_path.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>

namespace actor::control {
namespace {

bool is_own_directory(const char* path) {
  struct stat info = {};
  return ::stat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid();
}

/// Why this user cannot ask the broker of that directory, and what to do; empty: there is no such broker, or it can.
std::string why_closed(const std::string& directory, const std::string& broker, Asker who) {
  struct stat info = {};
  if (::stat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) ||
      ::faccessat(AT_FDCWD, directory.c_str(), X_OK, AT_EACCESS) == 0)
    return {};
  const passwd* const user = ::getpwuid(info.st_uid);
  const group* const members = (info.st_mode & S_IXGRP) != 0 ? ::getgrgid(info.st_gid) : nullptr;
  const std::string owner = user != nullptr ? std::string(user->pw_name) : "#" + std::to_string(info.st_uid);
  std::string text = "the broker at " + directory + " is that of user '" + owner + "'";
  if (who == Asker::Actor)
    return text + ", and only that user's programs can be its actors: run this one with sudo -u " + owner;
  text += ", and this user may not ask it: sudo actorctl --broker " + broker;
  if (members != nullptr) {
    const std::string name = members->gr_name;
    text += "; or become a member of the group '" + name + "' (sudo adduser USER " + name + ", then log in anew)";
  }
  return text;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

std::string runtime_root() {
  // Another user's (after su or sudo) or a missing one does not count.
  const char* xdg = std::getenv("XDG_RUNTIME_DIR");
  if (xdg != nullptr && *xdg == '/' && is_own_directory(xdg)) return std::string(xdg) + "/actor";
  if (::geteuid() == 0) return system_root;
  return "/tmp/actor-" + std::to_string(::geteuid());
}

std::string runtime_directory(const std::string& broker) {
  if (broker.find('/') == std::string::npos) return runtime_root() + "/" + broker;
  const std::filesystem::path path(broker);
  if (path.filename() == "control.sock") return path.parent_path();
  return path.has_filename() ? path : path.parent_path();
}

std::string socket_path(const std::string& runtime_directory) {
  return runtime_directory + "/control.sock";
}
std::string lock_path(const std::string& runtime_directory) {
  return runtime_directory + "/lock";
}

bool is_held(const std::string& runtime_directory) {
  const Fd file(::open(lock_path(runtime_directory).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return false;
  struct flock lock = {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::vector<std::string> running_brokers() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(runtime_root(), error)) {
    if (is_held(entry.path())) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string find_broker(const std::string& broker, Asker who, const std::string& system) {
  const std::vector<std::string> running = running_brokers();
  if (broker.empty()) {
    if (running.size() == 1) return socket_path(runtime_directory(running.front()));
    if (running.empty()) {
      throw Error(ErrorCode::Io, "no broker of this user is running (looked in " + runtime_root() +
                                     "); start one with actor-broker MANIFEST, or say which one is meant (actorctl "
                                     "--broker NAME, or its runtime directory)");
    }
    throw Error(ErrorCode::Io, "several brokers are running: " + listed(running) +
                                   "; say which one is meant (actorctl --broker NAME)");
  }
  const std::string directory = runtime_directory(broker);
  if (is_held(directory)) return socket_path(directory);
  const bool is_name = broker.find('/') == std::string::npos;
  const std::string of_system = is_name ? system + "/" + broker : directory;
  if (is_held(of_system)) return socket_path(of_system);
  if (const std::string why = why_closed(of_system, broker, who); !why.empty()) throw Error(ErrorCode::Io, why);
  throw Error(ErrorCode::Io, "no broker is running at " + directory + "; " +
                                 (running.empty() ? "none of this user is" : "running are: " + listed(running)));
}

void remove_if_dead(const std::string& runtime_directory) noexcept {
  const Fd file(::open(lock_path(runtime_directory).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return;
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  // SUBTLE: the kernel closes a dying process's descriptors one after the other. Who has just seen the broker's sockets
  // close may be here before its lock is free.
  constexpr timespec pause{0, 2'000'000};
  bool locked = false;
  for (int tries = 0; !(locked = ::fcntl(file.get(), F_OFD_SETLK, &lock) == 0) && tries < 50; ++tries)
    ::nanosleep(&pause, nullptr);
  // A broker that takes the directory over now waits for nothing: it sees that its lock file is gone, and begins anew.
  if (locked) remove_runtime_files(runtime_directory);
}

void remove_runtime_files(const std::string& runtime_directory) noexcept {
  // The lock last: until then nobody takes the directory.
  (void)::unlink(socket_path(runtime_directory).c_str());
  (void)::unlink(lock_path(runtime_directory).c_str());
  (void)::rmdir(runtime_directory.c_str());
}

}  // namespace actor::control
