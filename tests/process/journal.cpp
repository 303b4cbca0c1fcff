#include "journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace puppets {
namespace {

std::string in_directory(const std::string& file) {
  const char* directory = std::getenv("PUPPETS");
  return std::string(directory ? directory : ".") + '/' + file;
}

}  // namespace

void write_journal(const std::string& name, const std::string& text) {
  static const int journal = open(in_directory("journal").c_str(), O_WRONLY | O_CLOEXEC);
  const std::string line = name + ": " + text + '\n';
  if (write(journal, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    std::perror("writing the journal");
    std::abort();
  }
}

int open_commands(const std::string& name) {
  const int fd = open(in_directory(name + ".commands").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) std::perror(("opening the commands of " + name).c_str());
  return fd;
}

void hang() {
  for (;;) pause();
}

}  // namespace puppets
