#include "logs/stream_files.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <utility>

#include "logs/archive.hpp"
#include "logs/limits.hpp"
#include "logs/rules.hpp"
#include "logs/unknown.hpp"

namespace footman::logs {

using base::Errc;
using base::Error;
using base::fail;
using base::Result;
using base::Status;
using base::StreamId;
using ports::TimeMark;

StreamFiles::StreamFiles(Disk& disk, Layout layout, base::Logger log)
    : disk_(disk), layout_(std::move(layout)), log_(std::move(log)) {}

// --- what is there

Result<StreamFiles::Stream*> StreamFiles::get(StreamId id) {
  auto* stream = known_.find(id);
  if (stream == nullptr) {
    FOOTMAN_TRY(auto recovered, recover(id));
    stream = &known_.put(id, recovered);
  }
  if (stream->rewrite_from != stream->size) FOOTMAN_TRY_STATUS(rewrite_tail(id, *stream));
  return stream;
}

Result<StreamFiles::Stream> StreamFiles::recover(StreamId id) {
  auto open = recover_open(id);
  if (open || open.error().code != Errc::not_found) return open;
  Stream stream;
  auto done = disk_.open(layout_.file(id, FileKind::done), O_RDONLY);
  if (done) {
    FOOTMAN_TRY(stream.size, disk_.size(done->get()));
    stream.state = State::done;
  } else if (done.error().code != Errc::not_found) {
    return std::unexpected(std::move(done).error());
  } else {
    auto archive = Archive::open(disk_, layout_.file(id, FileKind::archive));
    if (!archive && archive.error().code == Errc::not_found) return Stream();
    if (!archive) return std::unexpected(std::move(archive).error());
    stream.size = archive->log_bytes();
    stream.state = State::archive;
    stream.named = true;
  }
  stream.written = stream.rewrite_from = stream.size;
  return stream;
}

Result<StreamFiles::Stream> StreamFiles::recover_open(StreamId id) {
  Files files;
  FOOTMAN_TRY(files.data, disk_.open(layout_.file(id, FileKind::open), O_RDWR));
  const auto index = disk_.open(layout_.file(id, FileKind::index), O_RDWR);
  if (!index && index.error().code != Errc::not_found) return std::unexpected(index.error());
  std::string header;
  if (index) {
    FOOTMAN_TRY(header, disk_.read(index->get(), 0, kIndexHeaderBytes));
  }
  const bool good = check_index_header(header, id).has_value();
  Stream stream;
  stream.state = State::open;
  FOOTMAN_TRY_STATUS(recover_end(id, files.data.get(), good ? decode_synced(header) : std::nullopt, stream));
  if (index) FOOTMAN_TRY_STATUS(recover_index(id, index->get(), header, stream));
  files_.put(id, std::move(files));
  return stream;
}

// Finds the size, and from where on the disk may not have the bytes. What is beyond the last batch that is
// whole was never acknowledged. Where no tail says which that is (an older program or a copy made the file),
// or it contradicts `synced`, everything stays.
Status StreamFiles::recover_end(StreamId id, int fd, std::optional<std::uint64_t> synced, Stream& stream) {
  FOOTMAN_TRY(const auto file_size, disk_.size(fd));
  FOOTMAN_TRY(const auto attribute, disk_.attribute(fd));
  stream.size = stream.written = file_size;
  stream.has_tail = !attribute.empty();
  const auto unsure = file_size - std::min<std::uint64_t>(file_size, kMaxUnsyncedBytes);
  stream.rewrite_from = std::min(synced.value_or(unsure), file_size);
  const auto tail = decode_tail(attribute);
  if (!tail) return {};
  FOOTMAN_TRY(const bool whole, is_whole(fd, *tail, file_size));
  const auto end = whole ? tail->to : tail->from;
  if (end > file_size)
    log_.error("a log has lost bytes that were on disk", {{"stream", id}, {"bytes", end - file_size}});
  if (end > file_size || synced.value_or(0) > end) return {};
  stream.rewrite_from = std::max(tail->from, synced.value_or(0));
  return end == file_size ? Status() : cut_end(id, fd, end, stream);
}

Result<bool> StreamFiles::is_whole(int fd, const Tail& tail, std::uint64_t file_size) {
  constexpr std::size_t kChunk = 1024 * 1024;
  if (tail.to > file_size) return false;
  std::uint32_t crc = 0;
  for (auto at = tail.from; at < tail.to;) {
    FOOTMAN_TRY(const auto bytes, disk_.read(fd, at, std::min<std::uint64_t>(kChunk, tail.to - at)));
    if (bytes.empty()) return false;
    crc = crc32c(bytes, crc);
    at += bytes.size();
  }
  return crc == tail.crc;
}

// Synced, so that the bytes do not come back when the log is finished without a further one.
Status StreamFiles::cut_end(StreamId id, int fd, std::uint64_t end, Stream& stream) {
  log_.info(
      "what was written last to a log had not come to the disk as a whole: it is cut off, its agent has it",
      {{"stream", id}, {"bytes", stream.size - end}});
  FOOTMAN_TRY_STATUS(disk_.truncate(fd, end));
  FOOTMAN_TRY_STATUS(disk_.sync(fd));
  stream.size = stream.written = end;
  return {};
}

// Finds where the next record goes: after the last good one that speaks of a byte the log has.
Status StreamFiles::recover_index(StreamId id, int fd, std::string_view header, Stream& stream) {
  FOOTMAN_TRY(const auto file_size, disk_.size(fd));
  std::uint64_t end = 0;
  if (const auto good = check_index_header(header, id); good) {
    end = file_size - (file_size - kIndexHeaderBytes) % kIndexRecordBytes;
    for (; end > kIndexHeaderBytes; end -= kIndexRecordBytes) {
      FOOTMAN_TRY(const auto record, disk_.read(fd, end - kIndexRecordBytes, kIndexRecordBytes));
      const auto mark = record.size() == kIndexRecordBytes ? decode_mark(record) : std::nullopt;
      if (mark && mark->offset < stream.size) break;
    }
  } else if (file_size > 0) {
    log_.warning("the time stamps of a log are lost", {{"stream", id}, {"error", good.error().message}});
  }
  if (end != file_size) FOOTMAN_TRY_STATUS(disk_.truncate(fd, end));
  stream.index_size = stream.index_written = end;
  return {};
}

// An earlier process may have seen a sync of these bytes fail and died with it. Then the kernel calls them
// clean and a further sync succeeds at once, although they never reached the disk. Written again they are
// dirty again.
Status StreamFiles::rewrite_tail(StreamId id, Stream& stream) {
  constexpr std::size_t kChunk = 1024 * 1024;
  FOOTMAN_TRY(const int fd, data_fd(id));
  for (auto at = stream.rewrite_from; at < stream.size;) {
    FOOTMAN_TRY(const auto bytes, disk_.read(fd, at, std::min<std::uint64_t>(kChunk, stream.size - at)));
    if (bytes.empty()) return fail(Errc::io, "log " + id.str() + " became shorter");
    FOOTMAN_TRY_STATUS(disk_.write(fd, at, bytes));
    at += bytes.size();
  }
  FOOTMAN_TRY_STATUS(disk_.sync(fd));
  stream.rewrite_from = stream.size;
  note_synced(id, stream);
  return {};
}

// Only saves a later process from writing again what is safe: a failure needs no answer.
void StreamFiles::note_synced(StreamId id, const Stream& stream) {
  if (stream.index_size == 0) return;
  if (const auto fd = index_fd(id)) (void)disk_.write(*fd, 0, encode_index_header(id, stream.size));
}

Result<bool> StreamFiles::begin(StreamId id, base::Instant now) {
  FOOTMAN_TRY(const auto foreign, set_aside_stream(disk_, layout_, id, now));
  if (foreign.files > 0) {
    log_.warning("files with the number of a new log were not written for it and are set aside",
                 {{"stream", id}, {"files", foreign.files}, {"folder", foreign.folder}});
    known_.erase(id);
    files_.erase(id);
  }
  FOOTMAN_TRY(auto* stream, get(id));
  if (stream->state == State::absent) FOOTMAN_TRY_STATUS(create_stream(id, *stream));
  forget_unused();
  return foreign.files > 0;
}

Result<ports::LogExtent> StreamFiles::extent(StreamId id) {
  FOOTMAN_TRY(auto* stream, get(id));
  if (stream->state == State::absent) {
    known_.erase(id);
    return ports::LogExtent{};
  }
  const bool nothing = stream->state == State::open && stream->size == 0;  // that could be lost
  if (!stream->named && !nothing) {
    FOOTMAN_TRY_STATUS(disk_.sync_directory(layout_.bucket(id)));
    stream->named = true;
  }
  const ports::LogExtent extent{stream->size, stream->state != State::open};
  forget_unused();
  return extent;
}

// --- descriptors

Result<UniqueFd> StreamFiles::create_file(StreamId id, FileKind kind) {
  const auto bucket = id.value() / kStreamsPerBucket;
  if (!buckets_.contains(bucket)) {
    FOOTMAN_TRY_STATUS(disk_.make_directory(layout_.bucket(id)));
    FOOTMAN_TRY_STATUS(disk_.sync_directory(layout_.root()));
    buckets_.insert(bucket);
  }
  auto file = disk_.open(layout_.file(id, kind), O_RDWR | O_CREAT);
  if (!file && file.error().code == Errc::not_found) buckets_.erase(bucket);  // somebody deleted it
  return file;
}

Result<int> StreamFiles::data_fd(StreamId id) {
  auto* files = files_.find(id);
  if (files == nullptr) {
    FOOTMAN_TRY(auto fd, disk_.open(layout_.file(id, FileKind::open), O_RDWR));
    files = &files_.put(id, Files{std::move(fd), UniqueFd()});
  }
  return files->data.get();
}

Result<int> StreamFiles::index_fd(StreamId id) {
  FOOTMAN_TRY_STATUS(data_fd(id));
  auto* files = files_.find(id);
  if (!files->index.is_open()) {
    FOOTMAN_TRY(files->index, create_file(id, FileKind::index));
  }
  return files->index.get();
}

// --- a batch

void StreamFiles::join_batch(StreamId id, Stream& stream) {
  if (!std::exchange(stream.in_batch, true)) batch_.push_back(id);
}

Result<std::uint64_t> StreamFiles::append(StreamId id, std::uint64_t offset, std::string_view bytes,
                                          const std::vector<TimeMark>& marks) {
  if (const auto failed = failed_.find(id); failed != failed_.end()) return std::unexpected(failed->second);
  FOOTMAN_TRY(auto* stream, get(id));
  const bool finished = stream->finishing || stream->state == State::done || stream->state == State::archive;
  FOOTMAN_TRY(const auto known, plan_append(id, finished, stream->written, offset, bytes.size()));
  if (stream->cut_needed) FOOTMAN_TRY_STATUS(cut_back(id, *stream));
  if (stream->state == State::open && !stream->named) join_batch(id, *stream);
  if (known == bytes.size()) return stream->written;
  if (auto done = write(id, *stream, bytes.substr(known), marks); !done) {
    take_back(id, *stream, done.error());
    return std::unexpected(std::move(done).error());
  }
  return stream->written;
}

Status StreamFiles::write(StreamId id, Stream& stream, std::string_view bytes,
                          const std::vector<TimeMark>& marks) {
  if (stream.state == State::absent) FOOTMAN_TRY_STATUS(create_stream(id, stream));
  join_batch(id, stream);
  if (stream.index_written == 0) FOOTMAN_TRY_STATUS(create_index(id, stream));
  FOOTMAN_TRY(const int fd, data_fd(id));
  FOOTMAN_TRY_STATUS(disk_.write(fd, stream.written, bytes));
  const auto end = stream.written + bytes.size();
  FOOTMAN_TRY_STATUS(write_marks(id, stream, end, marks));
  stream.crc = crc32c(bytes, stream.written == stream.size ? 0 : stream.crc);
  stream.written = end;
  return {};
}

Status StreamFiles::create_stream(StreamId id, Stream& stream) {
  FOOTMAN_TRY(auto fd, create_file(id, FileKind::open));
  stream.has_tail = false;
  FOOTMAN_TRY_STATUS(set_tail(fd.get(), stream));
  files_.put(id, Files{std::move(fd), UniqueFd()});
  stream.state = State::open;
  return {};
}

// Before the sync that makes it durable with the bytes it speaks of; of a new file before its first byte.
Status StreamFiles::set_tail(int fd, Stream& stream) {
  auto set = disk_.set_attribute(fd, encode_tail({stream.size, stream.written, stream.crc}));
  if (set) stream.has_tail = true;
  if (set || stream.has_tail || set.error().code != Errc::unsupported) return set;
  if (!std::exchange(warned_of_tails_, true))
    log_.warning(
        "the file system of the logs keeps no attributes: after a power failure the end of a log that is "
        "being "
        "written may be wrong",
        {{"folder", layout_.root()}});
  return {};
}

Status StreamFiles::create_index(StreamId id, Stream& stream) {
  FOOTMAN_TRY(const int fd, index_fd(id));
  FOOTMAN_TRY_STATUS(disk_.write(fd, 0, encode_index_header(id, stream.size)));
  stream.index_written = kIndexHeaderBytes;
  return {};
}

Status StreamFiles::write_marks(StreamId id, Stream& stream, std::uint64_t end, std::vector<TimeMark> marks) {
  marks = marks_of_bytes(std::move(marks), stream.written, end);
  if (marks.empty()) return {};
  std::string records;
  for (const auto& mark : marks) encode_mark(records, mark);
  if (stream.index_written + records.size() > end + kMaxIndexLeadBytes) return {};
  FOOTMAN_TRY(const int fd, index_fd(id));
  FOOTMAN_TRY_STATUS(disk_.write(fd, stream.index_written, records));
  stream.index_written += records.size();
  return {};
}

Status StreamFiles::cut_back(StreamId id, Stream& stream) {
  FOOTMAN_TRY(const int fd, data_fd(id));
  FOOTMAN_TRY_STATUS(disk_.truncate(fd, stream.size));
  if (stream.index_size > 0 || files_.find(id)->index.is_open()) {
    FOOTMAN_TRY(const int index, index_fd(id));
    FOOTMAN_TRY_STATUS(disk_.truncate(index, stream.index_size));
  }
  stream.cut_needed = false;
  return {};
}

void StreamFiles::take_back(StreamId id, Stream& stream, Error error) {
  stream.written = stream.size;
  stream.index_written = stream.index_size;
  stream.finishing = false;
  stream.cut_needed = stream.state == State::open;
  if (stream.cut_needed) {
    if (const auto cut = cut_back(id, stream); !cut)
      log_.error("a log cannot be cut back, nothing is appended to it until it can",
                 {{"stream", id}, {"error", base::describe(cut.error())}});
  }
  join_batch(id, stream);
  failed_.insert_or_assign(id, std::move(error));
}

Result<bool> StreamFiles::finish(StreamId id) {
  if (const auto failed = failed_.find(id); failed != failed_.end()) return std::unexpected(failed->second);
  FOOTMAN_TRY(auto* stream, get(id));
  if (stream->cut_needed) FOOTMAN_TRY_STATUS(cut_back(id, *stream));
  if (stream->state == State::absent || stream->state == State::open) stream->finishing = true;
  if (stream->finishing || !stream->named) join_batch(id, *stream);
  return stream->state != State::archive;
}

std::unordered_map<StreamId, Error> StreamFiles::commit() {
  sync_data();
  rename_finished();
  sync_directories();
  end_batch();
  return std::exchange(failed_, {});
}

void StreamFiles::sync_data() {
  if (batch_.size() > 1) {
    for (const auto id : batch_)
      if (const auto* files = files_.find(id)) Disk::start_writeback(files->data.get());
  }
  for (const auto id : batch_) {
    auto& stream = *known_.find(id);
    if (!failed_.contains(id) && stream.written != stream.size) sync_data(id, stream);
  }
}

void StreamFiles::sync_data(StreamId id, Stream& stream) {
  const auto fd = data_fd(id);
  auto synced = fd ? set_tail(*fd, stream) : Status(std::unexpected(fd.error()));
  if (synced) synced = disk_.sync(*fd);
  if (!synced) return take_back(id, stream, std::move(synced).error());
  stream.size = stream.rewrite_from = stream.written;
  stream.index_size = stream.index_written;
  note_synced(id, stream);
}

void StreamFiles::rename_finished() {
  for (const auto id : batch_) {
    auto& stream = *known_.find(id);
    if (failed_.contains(id) || !std::exchange(stream.finishing, false)) continue;
    if (auto renamed = rename_finished(id, stream); !renamed) {
      failed_.insert_or_assign(id, std::move(renamed).error());
      continue;
    }
    stream.state = State::done;
    stream.named = false;
    files_.erase(id);
  }
}

Status StreamFiles::rename_finished(StreamId id, Stream& stream) {
  if (stream.state == State::open)
    return disk_.rename(layout_.file(id, FileKind::open), layout_.file(id, FileKind::done));
  const auto empty = create_file(id, FileKind::done);
  return empty ? Status() : std::unexpected(empty.error());
}

void StreamFiles::sync_directories() {
  std::map<std::string, Status> synced;
  for (const auto id : batch_) {
    auto& stream = *known_.find(id);
    if (failed_.contains(id) || stream.named || stream.state == State::absent) continue;
    const auto [it, is_new] = synced.try_emplace(layout_.bucket(id));
    if (is_new) it->second = disk_.sync_directory(it->first);
    if (it->second)
      stream.named = true;
    else
      failed_.insert_or_assign(id, it->second.error());
  }
}

void StreamFiles::end_batch() {
  for (const auto id : batch_) known_.find(id)->in_batch = false;
  batch_.clear();
  forget_unused();
}

void StreamFiles::forget_unused() {
  files_.shrink(kMaxOpenStreams);
  known_.shrink(kMaxKnownStreams, [](const Stream& stream) { return !stream.cut_needed; });
}

// --- after its end

Status StreamFiles::remove(StreamId id) {
  known_.erase(id);
  files_.erase(id);
  for (const auto kind : kFileKinds) FOOTMAN_TRY_STATUS(disk_.unlink(layout_.file(id, kind)));
  auto synced = disk_.sync_directory(layout_.bucket(id));
  if (!synced && synced.error().code != Errc::not_found) return synced;
  return {};
}

Status StreamFiles::install_archive(StreamId id, int source) {
  const auto partial = layout_.file(id, FileKind::partial);
  FOOTMAN_TRY(auto* stream, get(id));
  if (stream->state != State::done || !Disk::is_at(source, layout_.file(id, FileKind::done)))
    return disk_.unlink(partial);
  FOOTMAN_TRY(const auto archive, Archive::open(disk_, partial));
  if (archive.log_bytes() != stream->size)
    return fail(Errc::corrupt, "log " + id.str() + " was not compressed as a whole");
  FOOTMAN_TRY_STATUS(disk_.rename(partial, layout_.file(id, FileKind::archive)));
  FOOTMAN_TRY_STATUS(disk_.sync_directory(layout_.bucket(id)));
  FOOTMAN_TRY_STATUS(disk_.unlink(layout_.file(id, FileKind::done)));
  stream->state = State::archive;
  return {};
}

}  // namespace footman::logs
