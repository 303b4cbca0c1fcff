#pragma once
// What the brain must remember beyond its own death: its whole state as plain values, in memory that every brain of
// this broker inherits from the keeper. Two halves: one is the state as of the last commit(), the other is being
// written. A brain killed at any instruction leaves the last commit whole. Made by main before the keeper starts its
// first brain; used by the brain that lives, on its one thread.
//
//   ledger.put(a); ledger.put(b); ledger.commit();           // at the end of each turn
//   auto page = ledger.read(); page.get(a) && page.get(b);   // by the successor, in the same order

#include <actor/archive.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

namespace actor::broker {

class Ledger {
 public:
  /// Of each half; only what is used takes memory.
  static constexpr std::size_t half_bytes = std::size_t{256} << 20;

  Ledger();  ///< Throws Error(Io).
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// Nothing was ever committed: this is the first brain.
  bool empty() const;

  /// Adds a value to the half that is being written. Throws Error(PayloadTooLarge) when it is full.
  template <class T>
  void put(const T& value) {
    encode(value, next(encoded_size(value)));
  }
  /// What was put since the last time becomes the state. False when it is the same, byte for byte.
  bool commit();

  class Page {
   public:
    explicit Page(std::span<const std::byte> bytes) : rest_(bytes) {}
    /// False when the next value is none of this type: the ledger is another program's.
    template <class T>
    bool get(T& value) {
      const auto bytes = next();
      return bytes.data() != nullptr && decode(bytes, value);
    }

   private:
    std::span<const std::byte> next();
    std::span<const std::byte> rest_;
  };
  /// The state as of the last commit(). Valid until the second commit() from here.
  Page read() const;

 private:
  struct Header;
  std::span<std::byte> next(std::size_t bytes);
  std::byte* half(std::uint64_t commit) const;

  Header* header_ = nullptr;
  std::size_t written_ = 0;
};

}  // namespace actor::broker
