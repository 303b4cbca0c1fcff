#include "supervision/death_log.hpp"

#include <utility>

namespace actor::broker {
namespace {

void cut(std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return;
  // Not within a character: its continuing bytes go with it.
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  text.resize(bytes);
  text += "...";
}

void keep_last(std::vector<LastLine>& lines, std::size_t count) {
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
}

void bound(Death& death) {
  for (std::string* text : {&death.reason, &death.last_words, &death.then, &death.in_hand.type, &death.in_hand.topic,
                            &death.in_hand.sender, &death.in_hand.event})
    cut(*text, DeathLog::max_words_bytes);
  keep_last(death.last_lines, DeathLog::max_lines);
  for (LastLine& line : death.last_lines) cut(line.text, DeathLog::max_line_bytes);
}

}  // namespace

void DeathLog::add(Death death) {
  bound(death);
  if (state_.deaths.size() == max_deaths) state_.deaths.erase(state_.deaths.begin());
  // Of the older ones a few lines do: all of it is written down again whenever the brain's state has changed.
  for (Death& older : state_.deaths) keep_last(older.last_lines, max_older_lines);
  state_.deaths.push_back(std::move(death));
  ++state_.count;
}

void DeathLog::load(State state) {
  state_ = std::move(state);
}

}  // namespace actor::broker
