// actorctl: parse, do what was asked, say how it went.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "ctl/command.hpp"
#include "ctl/commands.hpp"
#include "ctl/connection.hpp"
#include "ctl/field.hpp"
#include "ctl/reply.hpp"

namespace actor::ctl {

namespace {

constexpr int refused = 1;
constexpr int no_broker = 3;

int ask_and_show(const Command& command) {
  const std::string json = ask(command.broker, command.request());
  const Answer answer = read_reply(command.verb, json, look_of(STDOUT_FILENO));
  if (command.json) {
    std::printf("%s\n", json.c_str());
  } else {
    std::fputs(answer.text.c_str(), stdout);
  }
  if (answer.ok) return 0;
  throw Refusal(answer.error);
}

int run(const Command& command) {
  if (command.verb == "top") return run_top(command);
  if (command.verb == "topology") return run_topology(command);
  if (command.verb == "tail") return run_tail(command);
  if (command.verb == "send") return run_send(command);
  if (command.verb == "logs") return run_logs(command);
  if (command.verb == "dead-letters" && command.action == "list") return run_list_dead_letters(command);
  if (command.verb == "check") return run_check(command);
  return ask_and_show(command);
}

int complain(const char* what, int code) {
  std::fflush(stdout);
  std::fprintf(stderr, "actorctl: %s\n", what);
  return code;
}

/// What was printed and did not arrive is no success.
int with_output_written(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return complain((std::string("cannot write to stdout: ") + std::strerror(errno)).c_str(), code == 0 ? refused : code);
}

/// A descriptor that is opened where stdin, stdout or stderr should be would get what is meant for those. Opened for
/// reading, so that writing fails and is noticed.
void fill_standard_descriptors() {
  int fd = -1;
  do {
    fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  } while (fd >= 0 && fd <= 2);
  if (fd > 2) ::close(fd);
}

}  // namespace
}  // namespace actor::ctl

int main(int argc, char** argv) {
  using namespace actor::ctl;  // NOLINT: nothing else is in here
  fill_standard_descriptors();
  try {
    int exit_code = 0;
    const auto command = parse_command(argc, argv, exit_code);
    return with_output_written(command ? run(*command) : exit_code);
  } catch (const NoBroker& error) {
    return complain(error.what(), no_broker);
  } catch (const std::exception& error) {
    return complain(error.what(), refused);
  }
}
