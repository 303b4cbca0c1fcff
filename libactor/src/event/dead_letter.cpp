#include <actor/dead_letter.hpp>
#include <ostream>

namespace actor {

std::string_view to_string(DeadLetterReason reason) {
  switch (reason) {
    case DeadLetterReason::Poison:
      return "poison";
    case DeadLetterReason::InHand:
      return "in hand";
    case DeadLetterReason::Restart:
      return "restart";
    case DeadLetterReason::Overflow:
      return "overflow";
    case DeadLetterReason::NoReader:
      return "no reader";
  }
  return "?";
}

std::string to_text(const DeadLetter& letter) {
  std::string text;
  if (letter.type) letter.type->print(letter.event.get(), text);
  text += ' ';
  text += short_text(letter.meta.id) + " from " + std::string(letter.meta.sender.name()) + " on " + letter.topic;
  text += ", given up by " + std::string(letter.reader.name()) + ": " + std::string(to_string(letter.reason));
  if (letter.meta.attempt > 0) text += ", attempts: " + std::to_string(letter.meta.attempt);
  return text;
}

std::ostream& operator<<(std::ostream& out, const DeadLetter& letter) {
  return out << to_text(letter);
}

}  // namespace actor
