#pragma once
// What the output is: how wide, and whether it can be coloured. A pipe or a file gets plain text of any width.

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>

namespace actor::ctl {

enum class Colour { None, Bold, Dim, Red, Green, Yellow };

struct Look {
  unsigned width = 0;  ///< characters; 0: as wide as it gets
  unsigned height = 0;
  bool colours = false;
};

/// Of what `fd` is now. Colours: on a terminal that is not "dumb", unless the environment sets NO_COLOR.
Look look_of(int fd);

std::string painted(std::string_view text, Colour colour, const Look& look);
/// Characters, not bytes: every byte of UTF-8 but the continuing ones begins one.
std::size_t width_of(std::string_view text);
/// The text's beginning in at most so many characters, "…" for what is missing.
std::string cut_to(const std::string& text, std::size_t width);

/// What came from actors, without the control characters that would move the cursor or colour the screen.
std::string harmless(std::string_view text);

/// The terminal's second screen, without echo and line editing, for as long as this lives: what was there comes back,
/// also when the program is told to end by a signal. One at a time, main thread.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  static void show(const std::string& text);

 private:
  std::optional<termios> as_it_was_;
};

/// Hears that the user wants to go: q, Ctrl-C, SIGTERM, SIGHUP. These signals do nothing else while it lives.
class Leave {
 public:
  Leave();
  ~Leave();
  Leave(const Leave&) = delete;
  Leave& operator=(const Leave&) = delete;

  /// Readable when a signal has come.
  int fd() const { return signals_; }
  /// False: the user wants to go. True after `seconds`, or when the window has another size. `keys`: is q a key?
  bool wait(double seconds, bool keys);

 private:
  int signals_ = -1;
};

}  // namespace actor::ctl
