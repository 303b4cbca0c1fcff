#include "message.hpp"

#include <cstring>
#include <stdexcept>

namespace bench {

Message::Message(const Case& what)
    : data_(what.data),
      read_(what.read),
      bytes_(what.size),
      pattern_(pattern_of(what.size / 8)),
      sum_(sum_words(pattern_.data(), bytes_ - (data_ == Data::Bytes ? 8 : 0))) {
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
  const auto expect = [](bool is_right) {
    if (!is_right) throw std::runtime_error("a message arrived damaged");
  };
  if (data_ == Data::Text) {
    decode(from, text_);
    expect(static_cast<std::uint64_t>(text_.value) == text_.number && text_.text.size() == text_length);
    return text_.number;
  }
  if (data_ == Data::Floats) {
    decode(from, floats_);
    expect(sum_words(floats_.values.data(), floats_.values.size() * sizeof(float)) == sum_);
    return floats_.number;
  }
  std::uint64_t number;
  std::memcpy(&number, from, sizeof number);
  if (read_ == Read::All) expect(sum_words(from, bytes_) == sum_ + number);
  return number;
}

}  // namespace bench
