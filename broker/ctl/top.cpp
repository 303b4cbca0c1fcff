// `actorctl top`: two looks at `ps`, and what happened in between; again and again.

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "ctl/commands.hpp"
#include "ctl/connection.hpp"
#include "ctl/rates.hpp"

namespace actor::ctl {
namespace {

constexpr const char* request = R"({"command":"ps"})";
/// So that there is something to see soon.
constexpr double first_interval_s = 0.3;

/// As much as the screen shows; what stays is said.
std::string fitted(const std::string& text, const Look& look) {
  std::string out;
  unsigned lines = 0;
  const auto all = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n'));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    if (++lines + 1 >= look.height && all >= look.height) {
      return out + "... " + std::to_string(all - lines + 1) + " more";
    }
    out += text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

/// Without a terminal: one table, or line of JSON, after the other.
int print_tables(Connection& connection, const Command& command) {
  std::string before = *connection.ask(request);
  for (;;) {
    ::usleep(static_cast<useconds_t>(command.interval_s * 1e6));
    const std::string now = *connection.ask(request);
    const Rates rates = rates_between(before, now);
    const std::string text = command.json ? json_of_rates(rates) : show_rates(rates, look_of(STDOUT_FILENO));
    std::fputs(text.c_str(), stdout);
    if (std::fflush(stdout) != 0 || command.once) return 0;  // main() says what became of stdout
    if (!command.json) std::fputs("\n", stdout);
    before = now;
  }
}

int fill_screen(Connection& connection, const Command& command) {
  Leave leave;
  std::optional<std::string> before = connection.ask(request, leave.fd());
  const Screen screen;
  double interval = std::min(first_interval_s, command.interval_s);
  while (before && leave.wait(interval, ::isatty(STDIN_FILENO) != 0)) {
    std::optional<std::string> now = connection.ask(request, leave.fd());
    if (!now) break;
    const Look look = look_of(STDOUT_FILENO);
    Screen::show(fitted(show_rates(rates_between(*before, *now), look), look));
    before = std::move(now);
    interval = command.interval_s;
  }
  return 0;
}

}  // namespace

int run_top(const Command& command) {
  Connection connection(command.broker, Connection::HangUp::IsTriedAgain);
  const bool on_screen = look_of(STDOUT_FILENO).width != 0 && !command.once && !command.json;
  return on_screen ? fill_screen(connection, command) : print_tables(connection, command);
}

}  // namespace actor::ctl
