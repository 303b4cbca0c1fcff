#include "brain/ledger.hpp"

#include <sys/mman.h>

#include <actor/error.hpp>
#include <atomic>
#include <cstring>
#include <string>

namespace actor::broker {
namespace {

constexpr std::size_t header_bytes = 4096;

}  // namespace

struct Ledger::Header {
  std::atomic<std::uint64_t> commits;  // the state is in half `commits % 2`; 0: there is none
  std::uint64_t bytes[2];
};

Ledger::Ledger() {
  static_assert(sizeof(Header) <= header_bytes);
  void* memory = ::mmap(nullptr, header_bytes + 2 * half_bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw_errno("cannot start the broker: mapping its ledger");
  header_ = new (memory) Header{};
}

Ledger::~Ledger() {
  ::munmap(header_, header_bytes + 2 * half_bytes);
}

bool Ledger::empty() const {
  return header_->commits.load(std::memory_order_acquire) == 0;
}

std::byte* Ledger::half(std::uint64_t commit) const {
  return reinterpret_cast<std::byte*>(header_) + header_bytes + (commit % 2) * half_bytes;
}

/// Room for the length and the value.
std::span<std::byte> Ledger::next(std::size_t bytes) {
  if (bytes + sizeof(std::uint64_t) > half_bytes - written_) {
    throw Error(ErrorCode::PayloadTooLarge, "the broker's state does not fit into its ledger of " +
                                                std::to_string(half_bytes) + " bytes: run fewer actors in one broker");
  }
  std::byte* at = half(header_->commits.load(std::memory_order_relaxed) + 1) + written_;
  const std::uint64_t length = bytes;
  std::memcpy(at, &length, sizeof length);
  written_ += sizeof length + bytes;
  return {at + sizeof length, bytes};
}

bool Ledger::commit() {
  const std::uint64_t now = header_->commits.load(std::memory_order_relaxed);
  const std::size_t bytes = std::exchange(written_, 0);
  if (now != 0 && bytes == header_->bytes[now % 2] && std::memcmp(half(now), half(now + 1), bytes) == 0) return false;
  header_->bytes[(now + 1) % 2] = bytes;
  // If the process dies here: the last commit is the state. PAIRS: ledger.commits (acquire in read() of a successor)
  header_->commits.store(now + 1, std::memory_order_release);
  return true;
}

Ledger::Page Ledger::read() const {
  const std::uint64_t now = header_->commits.load(std::memory_order_acquire);
  return Page({half(now), now == 0 ? 0 : header_->bytes[now % 2]});
}

std::span<const std::byte> Ledger::Page::next() {
  std::uint64_t length = 0;
  if (rest_.size() < sizeof length) return {};
  std::memcpy(&length, rest_.data(), sizeof length);
  if (length > rest_.size() - sizeof length) return {};
  const auto value = rest_.subspan(sizeof length, length);
  rest_ = rest_.subspan(sizeof length + length);
  return value;
}

}  // namespace actor::broker
