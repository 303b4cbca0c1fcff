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

void bound(Death& death) {
  for (std::string* text : {&death.reason, &death.last_words, &death.then, &death.in_hand.type, &death.in_hand.topic,
                            &death.in_hand.sender, &death.in_hand.event})
    cut(*text, DeathLog::max_words_bytes);
  if (death.last_lines.size() > DeathLog::max_lines)
    death.last_lines.erase(death.last_lines.begin(),
                           death.last_lines.end() - static_cast<std::ptrdiff_t>(DeathLog::max_lines));
  for (LastLine& line : death.last_lines) cut(line.text, DeathLog::max_line_bytes);
}

}  // namespace

void DeathLog::add(Death death) {
  bound(death);
  if (state_.deaths.size() == max_deaths) state_.deaths.erase(state_.deaths.begin());
  state_.deaths.push_back(std::move(death));
  ++state_.count;
}

void DeathLog::load(State state) {
  state_ = std::move(state);
}

}  // namespace actor::broker
