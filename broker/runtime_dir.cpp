#include "runtime_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <cerrno>
#include <control/channel.hpp>
#include <control/runtime_path.hpp>
#include <cstring>
#include <filesystem>
#include <optional>

namespace actor::broker {
namespace {

[[noreturn]] void refuse(const std::string& directory, const std::string& why) {
  throw Error(ErrorCode::Io, "cannot use '" + directory + "' as a runtime directory: " + why);
}

/// SUBTLE: in /tmp anyone may have made it first, as a link or with open doors: then it is not ours to trust.
/// `closed_to_others`: what no one else may do in it, as bits of its mode.
void make_own(const std::string& directory, mode_t closed_to_others) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    throw_errno("cannot make the runtime directory '" + directory + "'");
  }
  struct stat info = {};
  if (::lstat(directory.c_str(), &info) != 0) throw_errno("cannot look at the runtime directory '" + directory + "'");
  if (!S_ISDIR(info.st_mode)) refuse(directory, "it is not a directory; remove it");
  if (info.st_uid != ::geteuid()) {
    refuse(directory, "it belongs to user " + std::to_string(info.st_uid) + "; remove it, or choose another one");
  }
  if ((info.st_mode & closed_to_others) != 0) {
    refuse(directory, "it is open to others; chmod 700 it, or 750, so that its group may use actorctl");
  }
}

/// The group whose members may enter, and so ask the broker.
std::optional<gid_t> group_that_may_enter(const std::string& directory) {
  struct stat info = {};
  if (::stat(directory.c_str(), &info) != 0 || (info.st_mode & S_IXGRP) == 0) return std::nullopt;
  return info.st_gid;
}

void open_to(gid_t group, const std::string& file, mode_t mode) {
  if (::chown(file.c_str(), static_cast<uid_t>(-1), group) != 0 || ::chmod(file.c_str(), mode) != 0)
    throw_errno("cannot open '" + file + "' to group " + std::to_string(group) + ", as its directory is");
}

std::string text_of(int file) {
  char text[32] = {};
  const ssize_t count = ::pread(file, text, sizeof text - 1, 0);
  std::string result(text, count > 0 ? static_cast<std::size_t>(count) : 0);
  while (!result.empty() && result.back() == '\n') result.pop_back();
  return result;
}

bool try_lock(int file) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(file, F_OFD_SETLK, &lock) == 0;
}

/// False when the broker before us has removed the file between our open() and our lock.
bool is_at(const std::string& path, int file) {
  struct stat opened = {};
  struct stat named = {};
  return ::fstat(file, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

/// Nothing when the directory vanished meanwhile: begin anew.
Fd take_lock(const std::string& directory) {
  const std::string path = control::lock_path(directory);
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file && errno == ENOENT) return file;
  if (!file) throw_errno("cannot open the lock '" + path + "'");
  if (!try_lock(file.get())) {
    if (errno != EAGAIN && errno != EACCES) throw_errno("cannot lock '" + path + "'");
    const std::string name = std::filesystem::path(directory).filename();
    throw Error(ErrorCode::Refused, "a broker named '" + name + "' is already running (process " + text_of(file.get()) +
                                        ", " + directory + "); stop it, or start this one with --name");
  }
  if (!is_at(path, file.get())) return Fd();
  return file;
}

}  // namespace

RuntimeDir::RuntimeDir(const std::string& directory) : path_(std::filesystem::path(directory).lexically_normal()) {
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
  const std::string root = control::runtime_root();
  while (!lock_) {
    // /run/actor is open to look at: brokers of several users have their directories there.
    if (std::filesystem::path(path_).parent_path() == root) make_own(root, 0022);
    make_own(path_, 0027);
    lock_ = take_lock(path_);
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_.get(), 0) != 0 ||
      ::pwrite(lock_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    throw_errno("cannot write the lock in '" + path_ + "'");
  }
  // Tools look at the lock to see whether a broker runs.
  if (const auto group = group_that_may_enter(path_)) open_to(*group, control::lock_path(path_), 0640);
  // Nobody listens there any more, or the lock would be held.
  (void)::unlink(control::socket_path(path_).c_str());
}

Fd RuntimeDir::listen() const {
  const std::string socket = control::socket_path(path_);
  Fd listener = control::listen_at(socket);
  if (const auto group = group_that_may_enter(path_)) open_to(*group, socket, 0660);
  return listener;
}

void RuntimeDir::remove() const noexcept {
  control::remove_runtime_files(path_);
}

}  // namespace actor::broker
