#include "server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "../children.hpp"
#include "../processes.hpp"

namespace bench {
namespace {

bool connects(int domain, const sockaddr* address, socklen_t length) {
  const int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool there = connect(fd, address, length) == 0;
  close(fd);
  return there;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

}  // namespace

ScratchDirectory::ScratchDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "libactor-peer-XXXXXX").string();
  if (!mkdtemp(path_.data())) throw std::system_error(errno, std::generic_category(), "making the directory " + path_);
}
ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path ? path : "") + ":/usr/sbin:/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string program = folder + "/" + name;
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return "";
}

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  close(fd);
  if (!bound) throw std::system_error(errno, std::generic_category(), "looking for a free port");
  return ntohs(address.sin_port);
}

bool listens_at(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  return connects(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

bool listens_at(int port) {
  const sockaddr_in address = loopback(port);
  return connects(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

Server::Server(const ScratchDirectory& directory, const std::vector<std::string>& command, int core,
               const std::function<bool()>& answers) {
  const std::string log = directory.file("log");
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin_to(core);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execv(words[0], words.data());
    _exit(127);
  }
  constexpr int tries = 5000;
  constexpr int between_us = 2000;
  for (int i = 0; i < tries; ++i) {
    if (answers()) return;
    usleep(between_us);
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      break;
    }
  }
  std::ostringstream said;
  said << std::ifstream(log).rdbuf();
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  throw std::runtime_error(command[0] + " does not answer; it said:\n" + said.str());
}

Server::~Server() {
  kill(pid_, SIGTERM);
  kill(pid_, SIGCONT);  // whoever was stopped would not hear it
  waitpid(pid_, nullptr, 0);
}

std::int64_t Server::cpu_ns() const {
  return cpu_ns_of(pid_);
}

}  // namespace bench
