#include "logs/reader.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "logs/format.hpp"
#include "logs/limits.hpp"
#include "logs/rules.hpp"

namespace footman::logs {

using base::Errc;
using base::Result;
using base::StreamId;
using ports::TimeMark;

Reader::Reader(Disk& disk, Layout layout) : disk_(disk), layout_(std::move(layout)) {}

Result<std::string> Reader::read(StreamId id, std::uint64_t offset, std::size_t max, std::uint64_t durable) {
  if (offset >= durable) return std::string();
  max = std::min<std::uint64_t>({max, durable - offset, kMaxReadBytes});
  // A log only moves on: from open to done to archive. So whoever looks in this order finds it.
  for (const auto kind : {FileKind::open, FileKind::done}) {
    auto file = disk_.open(layout_.file(id, kind), O_RDONLY);
    if (file) return disk_.read(file->get(), offset, max);
    if (file.error().code != Errc::not_found) return std::unexpected(std::move(file).error());
  }
  return read_archive(id, offset, max);
}

Result<std::string> Reader::read_archive(StreamId id, std::uint64_t offset, std::size_t max) {
  auto* archive = archives_.find(id);
  if (archive == nullptr) {
    auto opened = Archive::open(disk_, layout_.file(id, FileKind::archive));
    if (!opened && opened.error().code == Errc::not_found) return std::string();
    if (!opened) return std::unexpected(std::move(opened).error());
    archive = &archives_.put(id, std::move(*opened));
    archives_.shrink(kMaxOpenArchives);
  }
  return archive->read(offset, max);
}

Result<std::vector<TimeMark>> Reader::marks(StreamId id, std::uint64_t from, std::uint64_t to,
                                            std::uint64_t durable) {
  constexpr std::size_t kChunk = 4096 * kIndexRecordBytes;
  MarkPicker picker(from, to, durable);
  auto file = disk_.open(layout_.file(id, FileKind::index), O_RDONLY);
  if (!file && file.error().code == Errc::not_found) return picker.take();
  if (!file) return std::unexpected(std::move(file).error());
  FOOTMAN_TRY(const auto header, disk_.read(file->get(), 0, kIndexHeaderBytes));
  if (!check_index_header(header, id)) return picker.take();  // the writer says so in its log

  for (std::uint64_t at = kIndexHeaderBytes; !picker.is_full(); at += kChunk) {
    FOOTMAN_TRY(const auto chunk, disk_.read(file->get(), at, kChunk));
    for (std::size_t i = 0; i + kIndexRecordBytes <= chunk.size(); i += kIndexRecordBytes) {
      const auto mark = decode_mark(std::string_view(chunk).substr(i, kIndexRecordBytes));
      if (mark) picker.add(*mark);
    }
    if (chunk.size() < kChunk) break;
  }
  return picker.take();
}

}  // namespace footman::logs
