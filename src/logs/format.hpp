// The bytes of the side files, without I/O. What is parsed here comes from a disk that may be damaged: any
// bytes give a value or an error.
//
// Index (.idx), little-endian: a header of 36 bytes "footidx" 0x00, u32 version (1), u64 stream, u32 CRC, u64
// synced, u32 CRC; then records of 20 bytes: u64 offset, i64 microseconds since 1970, u32 CRC. `synced` is a
// size that the log had on disk; written in place, never too large, and not synced itself. CRCs are CRC-32C
// of the bytes before them in the header's part or the record, so what is torn or damaged is told from what
// is good, and skipped.
//
// Tail (an attribute of the .log), little-endian, 28 bytes: u32 version (1), u64 from, u64 to, u32 CRC-32C of
// the log's bytes between them, u32 CRC of the bytes before it. They are the last ones that were written
// together.
//
// Archive (.zst): zstd frames of kFrameBytes of the log each (the last one may be shorter), each with its
// checksum, then the seek table of the "zstd seekable format" 0.1.0: a skippable frame with a pair of u32 per
// frame (compressed size, size) and at its end u32 number of frames, u8 descriptor, u32 magic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "ports/log_store.hpp"

namespace footman::logs {

// `before`: of the bytes before these, when they are checked as one.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);
// The same on a machine that has no instruction for it.
std::uint32_t crc32c_by_tables(std::string_view bytes, std::uint32_t before);

inline constexpr std::size_t kIndexHeaderBytes = 36;
inline constexpr std::size_t kIndexRecordBytes = 20;

std::string encode_index_header(base::StreamId stream, std::uint64_t synced);
// corrupt: not a header, or another stream's; unsupported: of a newer version.
base::Status check_index_header(std::string_view bytes, base::StreamId stream);
// Of a good header.
std::optional<std::uint64_t> decode_synced(std::string_view header);
void encode_mark(std::string& out, ports::TimeMark mark);
// `bytes` are kIndexRecordBytes.
std::optional<ports::TimeMark> decode_mark(std::string_view bytes);

struct Tail {
  std::uint64_t from = 0;  // all before is on disk
  std::uint64_t to = 0;
  std::uint32_t crc = 0;
};

std::string encode_tail(const Tail& tail);
// Nothing: there is none that can be used.
std::optional<Tail> decode_tail(std::string_view bytes);

struct Frame {
  std::uint64_t at = 0;  // in the archive
  std::uint32_t compressed = 0;
  std::uint64_t offset = 0;  // in the log
  std::uint32_t size = 0;
};

class SeekTable {
 public:
  void add(std::uint32_t compressed, std::uint32_t size);
  const std::vector<Frame>& frames() const { return frames_; }
  std::uint64_t log_bytes() const;
  std::uint64_t compressed_bytes() const;
  // The index of the frame with the byte; the log must have it.
  std::size_t frame_at(std::uint64_t offset) const;

 private:
  std::vector<Frame> frames_;
};

inline constexpr std::size_t kSeekFooterBytes = 9;

std::string encode_seek_table(const SeekTable& table);
// The size of the whole table from the last kSeekFooterBytes of an archive.
base::Result<std::size_t> parse_seek_footer(std::string_view footer, std::uint64_t archive_bytes);
// `bytes`: the end of the archive, as long as parse_seek_footer() said.
base::Result<SeekTable> parse_seek_table(std::string_view bytes, std::uint64_t archive_bytes);

}  // namespace footman::logs
