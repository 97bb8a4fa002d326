#include "logs/archive.hpp"

#include <fcntl.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "logs/limits.hpp"

namespace footman::logs {

using base::Errc;
using base::fail;
using base::Result;
using base::Status;

Result<Archive> Archive::open(Disk& disk, const std::string& path) {
  FOOTMAN_TRY(auto file, disk.open(path, O_RDONLY));
  FOOTMAN_TRY(const auto size, disk.size(file.get()));
  if (size < kSeekFooterBytes) return fail(Errc::corrupt, path + " is not a compressed log");
  FOOTMAN_TRY(const auto footer, disk.read(file.get(), size - kSeekFooterBytes, kSeekFooterBytes));
  FOOTMAN_TRY(const auto table_bytes, parse_seek_footer(footer, size));
  FOOTMAN_TRY(const auto bytes, disk.read(file.get(), size - table_bytes, table_bytes));
  FOOTMAN_TRY(auto table, parse_seek_table(bytes, size));
  return Archive(disk, std::move(file), std::move(table));
}

Status Archive::load(std::size_t index) {
  if (loaded_ == index) return {};
  const auto& frame = table_.frames()[index];
  if (frame.compressed > ZSTD_compressBound(kFrameBytes))
    return fail(Errc::corrupt, "a frame of a compressed log is larger than can be");
  FOOTMAN_TRY(const auto compressed, disk_->read(file_.get(), frame.at, frame.compressed));
  loaded_ = SIZE_MAX;
  frame_.resize(frame.size);
  const auto got = ZSTD_decompress(frame_.data(), frame_.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(got) != 0 || got != frame.size)
    return fail(Errc::corrupt, "a compressed log is damaged at byte " + std::to_string(frame.offset));
  loaded_ = index;
  return {};
}

Result<std::string> Archive::read(std::uint64_t offset, std::size_t max) {
  std::string bytes;
  while (max > bytes.size() && offset < log_bytes()) {
    const auto index = table_.frame_at(offset);
    FOOTMAN_TRY_STATUS(load(index));
    const auto skip = offset - table_.frames()[index].offset;
    const auto take = std::min<std::uint64_t>(max - bytes.size(), frame_.size() - skip);
    bytes.append(frame_, skip, take);
    offset += take;
  }
  return bytes;
}

Status write_archive(Disk& disk, int source, const std::string& path, const std::atomic<bool>& stop) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!context) return fail(Errc::unavailable, "no memory to compress a log");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kCompressionLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  FOOTMAN_TRY(const auto file, disk.open(path, O_WRONLY | O_CREAT | O_TRUNC));
  SeekTable table;
  std::string compressed(ZSTD_compressBound(kFrameBytes), '\0');
  while (true) {
    if (stop.load()) return fail(Errc::cancelled, "compression was stopped");
    FOOTMAN_TRY(const auto bytes, disk.read(source, table.log_bytes(), kFrameBytes));
    if (bytes.empty()) break;
    if (table.frames().size() == kMaxFrames)
      return fail(Errc::unsupported, "the log is too large to be compressed");
    const auto size =
        ZSTD_compress2(context.get(), compressed.data(), compressed.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(size) != 0)
      return fail(Errc::internal, std::string("compress a log: ") + ZSTD_getErrorName(size));
    FOOTMAN_TRY_STATUS(
        disk.write(file.get(), table.compressed_bytes(), std::string_view(compressed).substr(0, size)));
    table.add(static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(bytes.size()));
  }
  FOOTMAN_TRY_STATUS(disk.write(file.get(), table.compressed_bytes(), encode_seek_table(table)));
  return disk.sync_data(file.get());
}

}  // namespace footman::logs
