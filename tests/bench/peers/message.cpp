#include "message.hpp"

#include <cstring>

namespace bench {

Message::Message(const Case& what) : data_(what.data), read_(what.read), bytes_(what.size), pattern_(what.size / 8) {
  if (data_ == Data::Bytes) return;
  std::vector<char> memory(2 * float_count * sizeof(float));
  memory_.set(memory.data(), memory.size());
  cereal::BinaryOutputArchive archive(out_);
  if (data_ == Data::Text)
    archive(text_);
  else
    archive(floats_);
  bytes_ = memory_.written();
}

template <class Event>
void Message::encode(void* to, Event& event, std::uint64_t number) {
  memory_.set(static_cast<char*>(to), bytes_);
  event.number = number;
  cereal::BinaryOutputArchive archive(out_);
  archive(event);
}

template <class Event>
void Message::decode(const void* from, Event& event) {
  memory_.set(static_cast<char*>(const_cast<void*>(from)), bytes_);
  cereal::BinaryInputArchive archive(in_);
  archive(event);
}

void Message::write(void* to, std::uint64_t number) {
  if (data_ == Data::Text) {
    text_.value = static_cast<double>(number);
    return encode(to, text_, number);
  }
  if (data_ == Data::Floats) {
    std::memcpy(floats_.values.data(), pattern_.data(), float_count * sizeof(float));
    return encode(to, floats_, number);
  }
  std::memcpy(to, &number, sizeof number);
  std::memcpy(static_cast<char*>(to) + sizeof number, pattern_.data(), bytes_ - sizeof number);
}

std::uint64_t Message::read(const void* from) {
  if (data_ == Data::Text) {
    decode(from, text_);
    keep(static_cast<std::uint64_t>(text_.value) + text_.text.size());
    return text_.number;
  }
  if (data_ == Data::Floats) {
    decode(from, floats_);
    keep(sum_words(floats_.values.data(), floats_.values.size() * sizeof(float)));
    return floats_.number;
  }
  if (read_ == Read::All) keep(sum_words(from, bytes_));
  std::uint64_t number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

}  // namespace bench
