#include "ctl/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace actor::ctl {
namespace {

// And no cursor, and lines that are too long are cut instead of wrapped.
constexpr std::string_view to_second_screen = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view to_first_screen = "\x1b[?7h\x1b[?25h\x1b[?1049l";

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

const char* code_of(Colour colour) {
  switch (colour) {
    case Colour::Bold:
      return "\x1b[1m";
    case Colour::Dim:
      return "\x1b[2m";
    case Colour::Red:
      return "\x1b[31m";
    case Colour::Green:
      return "\x1b[32m";
    case Colour::Yellow:
      return "\x1b[33m";
    case Colour::None:
      break;
  }
  return "";
}

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

Look look_of(int fd) {
  if (::isatty(fd) == 0) return {};
  Look look{.width = 80, .height = 24, .colours = false};
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 && size.ws_row != 0) {
    look.width = size.ws_col;
    look.height = size.ws_row;
  }
  const char* term = std::getenv("TERM");
  look.colours = !is_set("NO_COLOR") && term != nullptr && std::strcmp(term, "dumb") != 0;
  return look;
}

std::string painted(std::string_view text, Colour colour, const Look& look) {
  if (!look.colours || colour == Colour::None) return std::string(text);
  return std::string(code_of(colour)).append(text).append("\x1b[0m");
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string cut_to(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  if (width == 0) return {};
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (!continues(text[end]) && ++seen == width) break;
  }
  return text.substr(0, end) + "…";
}

std::string harmless(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += (byte < 0x20 && c != '\t') || byte == 0x7f ? '?' : c;
  }
  return out;
}

Screen::Screen() {
  termios now{};
  if (::tcgetattr(STDIN_FILENO, &now) == 0) {
    as_it_was_ = now;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    now.c_cc[VSUSP] = _POSIX_VDISABLE;  // stopped on the second screen, the first would stay hidden
    ::tcsetattr(STDIN_FILENO, TCSANOW, &now);
  }
  std::fwrite(to_second_screen.data(), 1, to_second_screen.size(), stdout);
  std::fflush(stdout);
}

Screen::~Screen() {
  std::fwrite(to_first_screen.data(), 1, to_first_screen.size(), stdout);
  std::fflush(stdout);
  if (as_it_was_) ::tcsetattr(STDIN_FILENO, TCSANOW, &*as_it_was_);
}

void Screen::show(const std::string& text) {
  // From the top, each line to its end, the rest away: nothing flickers.
  std::string out = "\x1b[H";
  for (const char c : text) {
    if (c == '\n') out += "\x1b[K\r";
    out += c;
  }
  out += "\x1b[J";
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
}

Leave::Leave() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH}) sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) throw_errno("waiting for signals (signalfd)");
}

Leave::~Leave() {
  ::close(signals_);
}

bool Leave::wait(double seconds, bool keys) {
  std::array<pollfd, 2> polled{pollfd{signals_, POLLIN, 0}, pollfd{keys ? STDIN_FILENO : -1, POLLIN, 0}};
  const int ready = ::poll(polled.data(), polled.size(), static_cast<int>(seconds * 1000));
  if (ready <= 0) return ready == 0 || errno == EINTR;
  if (polled[1].revents != 0) {
    std::array<char, 64> typed{};
    const ssize_t count = ::read(STDIN_FILENO, typed.data(), typed.size());
    if (count <= 0 || std::find(typed.begin(), typed.begin() + count, 'q') != typed.begin() + count) return false;
  }
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGWINCH) return false;
  }
  return true;
}

}  // namespace actor::ctl
