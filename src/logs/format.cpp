#include "logs/format.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/check.hpp"
#include "logs/limits.hpp"

namespace footman::logs {

using base::Errc;
using base::fail;

namespace {

constexpr std::string_view kIndexMagic("footidx\0", 8);
constexpr std::uint32_t kIndexVersion = 1;
constexpr std::size_t kSyncedAt = 24;
constexpr std::uint32_t kSkippableMagic = 0x184D2A5E;
constexpr std::uint32_t kSeekableMagic = 0x8F92EAB1;
constexpr std::size_t kSkippableHeaderBytes = 8;
constexpr std::size_t kSeekEntryBytes = 8;

constexpr std::uint32_t kTailVersion = 1;
constexpr std::size_t kTailBytes = 28;

// Table k: the CRC of a byte with k zero bytes behind it.
constexpr std::size_t kWord = 8;
using CrcTables = std::array<std::array<std::uint32_t, 256>, kWord>;
constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1U) != 0 ? 0x82F63B78U : 0U);
    tables[0][i] = value;
  }
  for (std::size_t k = 1; k < kWord; ++k)
    for (std::size_t i = 0; i < 256; ++i)
      tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xFFU];
  return tables;
}
constexpr auto kCrcTables = make_crc_tables();

std::uint64_t word_at(std::string_view bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data(), kWord);
  return word;
}

std::uint32_t crc_by_tables(std::uint32_t crc, std::string_view bytes) {
  static_assert(std::endian::native == std::endian::little);
  for (; bytes.size() >= kWord; bytes.remove_prefix(kWord)) {
    const auto word = word_at(bytes) ^ crc;
    crc = 0;
    for (std::size_t k = 0; k < kWord; ++k) crc ^= kCrcTables[kWord - 1 - k][word >> (8 * k) & 0xFFU];
  }
  for (const unsigned char byte : bytes) crc = (crc >> 8) ^ kCrcTables[0][(crc ^ byte) & 0xFFU];
  return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) std::uint32_t crc_by_machine(std::uint32_t crc, std::string_view bytes) {
  std::uint64_t wide = crc;
  for (; bytes.size() >= kWord; bytes.remove_prefix(kWord))
    wide = __builtin_ia32_crc32di(wide, word_at(bytes));
  crc = static_cast<std::uint32_t>(wide);
  for (const unsigned char byte : bytes) crc = __builtin_ia32_crc32qi(crc, byte);
  return crc;
}
#endif

template <class Number>
void put(std::string& out, Number value) {
  auto bits = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < sizeof(Number); ++i, bits >>= 8) out.push_back(static_cast<char>(bits & 0xFFU));
}

template <class Number>
Number get(std::string_view bytes, std::size_t at) {
  std::uint64_t bits = 0;
  for (std::size_t i = sizeof(Number); i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes[at + i]);
  return static_cast<Number>(bits);
}

std::size_t table_bytes(std::size_t frames) {
  return kSkippableHeaderBytes + frames * kSeekEntryBytes + kSeekFooterBytes;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
#ifdef __x86_64__
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~crc_by_machine(~before, bytes);
#endif
  return crc32c_by_tables(bytes, before);
}

std::uint32_t crc32c_by_tables(std::string_view bytes, std::uint32_t before) {
  return ~crc_by_tables(~before, bytes);
}

std::string encode_tail(const Tail& tail) {
  std::string out;
  put(out, kTailVersion);
  put(out, tail.from);
  put(out, tail.to);
  put(out, tail.crc);
  put(out, crc32c(out));
  return out;
}

std::optional<Tail> decode_tail(std::string_view bytes) {
  if (bytes.size() != kTailBytes || get<std::uint32_t>(bytes, 0) != kTailVersion ||
      get<std::uint32_t>(bytes, 24) != crc32c(bytes.substr(0, 24)))
    return std::nullopt;
  const Tail tail{get<std::uint64_t>(bytes, 4), get<std::uint64_t>(bytes, 12), get<std::uint32_t>(bytes, 20)};
  if (tail.from > tail.to) return std::nullopt;
  return tail;
}

std::string encode_index_header(base::StreamId stream, std::uint64_t synced) {
  std::string out(kIndexMagic);
  put(out, kIndexVersion);
  put(out, stream.value());
  put(out, crc32c(out));
  put(out, synced);
  put(out, crc32c(std::string_view(out).substr(kSyncedAt)));
  return out;
}

std::optional<std::uint64_t> decode_synced(std::string_view header) {
  if (get<std::uint32_t>(header, kSyncedAt + 8) != crc32c(header.substr(kSyncedAt, 8))) return std::nullopt;
  return get<std::uint64_t>(header, kSyncedAt);
}

base::Status check_index_header(std::string_view bytes, base::StreamId stream) {
  if (bytes.size() < kIndexHeaderBytes || !bytes.starts_with(kIndexMagic))
    return fail(Errc::corrupt, "the index of log stream " + stream.str() + " has no header");
  if (get<std::uint32_t>(bytes, 20) != crc32c(bytes.substr(0, 20)))
    return fail(Errc::corrupt, "the header of the index of log stream " + stream.str() + " is damaged");
  if (const auto version = get<std::uint32_t>(bytes, 8); version != kIndexVersion)
    return fail(Errc::unsupported, "the index of log stream " + stream.str() + " has version " +
                                       std::to_string(version) + ", this program knows version 1");
  if (get<std::int64_t>(bytes, 12) != stream.value())
    return fail(Errc::corrupt, "the index of log stream " + stream.str() + " belongs to another stream");
  return {};
}

void encode_mark(std::string& out, ports::TimeMark mark) {
  const auto start = out.size();
  put(out, mark.offset);
  put(out, mark.at.us);
  put(out, crc32c(std::string_view(out).substr(start)));
}

std::optional<ports::TimeMark> decode_mark(std::string_view bytes) {
  FOOTMAN_CHECK(bytes.size() == kIndexRecordBytes, "one record");
  if (get<std::uint32_t>(bytes, 16) != crc32c(bytes.substr(0, 16))) return std::nullopt;
  return ports::TimeMark{get<std::uint64_t>(bytes, 0), base::Instant{get<std::int64_t>(bytes, 8)}};
}

void SeekTable::add(std::uint32_t compressed, std::uint32_t size) {
  frames_.push_back({compressed_bytes(), compressed, log_bytes(), size});
}

std::uint64_t SeekTable::log_bytes() const {
  return frames_.empty() ? 0 : frames_.back().offset + frames_.back().size;
}

std::uint64_t SeekTable::compressed_bytes() const {
  return frames_.empty() ? 0 : frames_.back().at + frames_.back().compressed;
}

std::size_t SeekTable::frame_at(std::uint64_t offset) const {
  FOOTMAN_CHECK(offset < log_bytes(), "a byte of the log");
  const auto after = std::ranges::upper_bound(frames_, offset, {}, &Frame::offset);
  return static_cast<std::size_t>(after - frames_.begin()) - 1;
}

std::string encode_seek_table(const SeekTable& table) {
  const auto count = table.frames().size();
  std::string out;
  out.reserve(table_bytes(count));
  put(out, kSkippableMagic);
  put(out, static_cast<std::uint32_t>(table_bytes(count) - kSkippableHeaderBytes));
  for (const auto& frame : table.frames()) {
    put(out, frame.compressed);
    put(out, frame.size);
  }
  put(out, static_cast<std::uint32_t>(count));
  put(out, std::uint8_t{0});  // no checksums in the table: the frames have their own
  put(out, kSeekableMagic);
  return out;
}

base::Result<std::size_t> parse_seek_footer(std::string_view footer, std::uint64_t archive_bytes) {
  if (footer.size() != kSeekFooterBytes || get<std::uint32_t>(footer, 5) != kSeekableMagic)
    return fail(Errc::corrupt, "a compressed log has no seek table at its end");
  if (footer[4] != 0) return fail(Errc::unsupported, "a compressed log has a seek table of another kind");
  const auto count = get<std::uint32_t>(footer, 0);
  if (count > kMaxFrames || table_bytes(count) > archive_bytes)
    return fail(Errc::corrupt, "the seek table of a compressed log is larger than can be");
  return table_bytes(count);
}

base::Result<SeekTable> parse_seek_table(std::string_view bytes, std::uint64_t archive_bytes) {
  const auto corrupt = [] { return fail(Errc::corrupt, "the seek table of a compressed log is damaged"); };
  if (bytes.size() < table_bytes(0)) return corrupt();
  FOOTMAN_TRY(const auto expected,
              parse_seek_footer(bytes.substr(bytes.size() - kSeekFooterBytes), archive_bytes));
  if (bytes.size() != expected || get<std::uint32_t>(bytes, 0) != kSkippableMagic ||
      get<std::uint32_t>(bytes, 4) != expected - kSkippableHeaderBytes)
    return corrupt();
  SeekTable table;
  const auto end = bytes.size() - kSeekFooterBytes;
  for (std::size_t at = kSkippableHeaderBytes; at < end; at += kSeekEntryBytes) {
    const auto compressed = get<std::uint32_t>(bytes, at);
    const auto size = get<std::uint32_t>(bytes, at + 4);
    if (compressed == 0 || size == 0 || size > kFrameBytes) return corrupt();
    table.add(compressed, size);
  }
  if (table.compressed_bytes() + bytes.size() != archive_bytes) return corrupt();
  return table;
}

}  // namespace footman::logs
