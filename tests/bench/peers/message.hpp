#pragma once
// What the peers carry: the messages of one case, as bytes. A number travels in front, so that readers can tell that
// none is missing. What is no plain struct is encoded with cereal, as its users would. Used by one end of a case.

#include <cereal/archives/binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <istream>
#include <ostream>
#include <streambuf>

#include "../measure.hpp"

namespace bench {

class Message {
 public:
  explicit Message(const Case& what);

  /// Each message of a case is as long as the others.
  std::size_t bytes() const { return bytes_; }
  /// Writes every byte of the message, once.
  void write(void* to, std::uint64_t number);
  /// Reads it as the case wants it; returns its number. Throws std::runtime_error if it is not what was written.
  std::uint64_t read(const void* from);

 private:
  struct Text {
    std::uint64_t number = 0;
    double value = 0;
    std::string text = std::string(text_length, 'x');
    template <class Archive>
    void serialize(Archive& archive) {
      archive(number, value, text);
    }
  };
  struct Floats {
    std::uint64_t number = 0;
    std::vector<float> values = std::vector<float>(float_count);
    template <class Archive>
    void serialize(Archive& archive) {
      archive(number, values);
    }
  };
  /// A stream over memory that is there: cheaper than a std::stringstream, and nothing is copied twice.
  struct Memory : std::streambuf {
    void set(char* at, std::size_t bytes) {
      setp(at, at + bytes);
      setg(at, at, at + bytes);
    }
    std::size_t written() const { return static_cast<std::size_t>(pptr() - pbase()); }
  };
  template <class Event>
  void encode(void* to, Event& event, std::uint64_t number);
  template <class Event>
  void decode(const void* from, Event& event);

  Data data_;
  Read read_;
  std::size_t bytes_;
  std::vector<std::uint64_t> pattern_;
  std::uint64_t sum_;  // of the words that follow the number
  Text text_;
  Floats floats_;
  Memory memory_;
  std::ostream out_{&memory_};
  std::istream in_{&memory_};
};

}  // namespace bench
