#include "deadletters/record.hpp"

#include <actor/archive.hpp>
#include <actor/error.hpp>
#include <actor/json.hpp>
#include <boost/crc.hpp>
#include <cstring>

namespace actor::broker {
namespace {

struct FrameHeader {
  static constexpr std::uint32_t magic_value = 0x314c4441;  // "ADL1"
  std::uint32_t magic;
  std::uint32_t kind;  // index in Frame
  std::uint32_t bytes;
  std::uint32_t crc;
};
static_assert(sizeof(FrameHeader) == 16);

std::uint32_t checksum(std::uint32_t kind, std::span<const std::byte> body) {
  boost::crc_32_type crc;
  const std::uint32_t head[] = {kind, static_cast<std::uint32_t>(body.size())};
  crc.process_bytes(head, sizeof head);
  crc.process_bytes(body.data(), body.size());
  return crc.checksum();
}

template <class Body>
std::optional<ParsedFrame> decode_body(std::span<const std::byte> body) {
  Body decoded;
  if (!decode(body, decoded)) return std::nullopt;
  return ParsedFrame{std::move(decoded), sizeof(FrameHeader) + body.size()};
}

}  // namespace

void append_frame(std::vector<std::byte>& out, const Frame& frame) {
  std::visit(
      [&](const auto& body) {
        const std::size_t at = out.size();
        const std::size_t bytes = encoded_size(body);
        out.resize(at + sizeof(FrameHeader) + bytes);
        const auto encoded = std::span(out).subspan(at + sizeof(FrameHeader));
        encode(body, encoded);
        const auto kind = static_cast<std::uint32_t>(frame.index());
        const FrameHeader header{FrameHeader::magic_value, kind, static_cast<std::uint32_t>(bytes),
                                 checksum(kind, encoded)};
        std::memcpy(out.data() + at, &header, sizeof header);
      },
      frame);
}

std::optional<ParsedFrame> parse_frame(std::span<const std::byte> in) {
  FrameHeader header;
  if (in.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, in.data(), sizeof header);
  if (header.magic != FrameHeader::magic_value || header.bytes > in.size() - sizeof header) return std::nullopt;
  const auto body = in.subspan(sizeof header, header.bytes);
  if (checksum(header.kind, body) != header.crc) return std::nullopt;
  switch (header.kind) {
    case 0:
      return decode_body<DeadLetterRecord>(body);
    case 1:
      return decode_body<RemovedLetters>(body);
    case 2:
      return decode_body<StoreState>(body);
    case 3:
      return decode_body<AttemptedLetter>(body);
    default:
      return std::nullopt;
  }
}

std::string payload_json(const DeadLetterRecord& letter) {
  try {
    return json_of(letter.schema, std::as_bytes(std::span(letter.payload)));
  } catch (const Error&) {
    return {};
  }
}

}  // namespace actor::broker
