// The files of some streams, written by one thread. Blocking. Everything here is synchronous and has no
// thread of its own, so that tests can let each system call fail.
//
// A batch: any number of append() and finish(), then commit(), which syncs every file once and tells how each
// stream ended. Within a batch calls on one stream happen in order; when one of them fails on the disk, the
// stream's part of the batch is taken back as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "logs/disk.hpp"
#include "logs/format.hpp"
#include "logs/layout.hpp"
#include "logs/lru.hpp"
#include "ports/log_store.hpp"

namespace footman::logs {

class StreamFiles {
 public:
  StreamFiles(Disk& disk, Layout layout, base::Logger log);

  // A new stream, before its first append: it gets its file, and files that have its number already are set
  // aside (true). Outside a batch.
  base::Result<bool> begin(base::StreamId stream, base::Instant now);

  // What is durable. Outside a batch.
  base::Result<ports::LogExtent> extent(base::StreamId stream);

  // Writes what is new of it and returns the size that the stream will have when commit() has done its part.
  // Errors: conflict (gap, finished) leaves the rest of the batch alone; any other one takes the stream out
  // of the batch.
  base::Result<std::uint64_t> append(base::StreamId stream, std::uint64_t offset, std::string_view bytes,
                                     const std::vector<ports::TimeMark>& marks);
  // An unknown stream becomes an empty finished one. True: the log is not compressed.
  base::Result<bool> finish(base::StreamId stream);
  // Makes the batch durable. Returns the streams that failed; their appends and finishes of this batch did
  // not happen.
  std::unordered_map<base::StreamId, base::Error> commit();

  // Outside a batch.
  base::Status remove(base::StreamId stream);
  // Puts the archive, which is complete and synced at FileKind::partial, in the place of the finished log.
  // `source` is the open file it was made from: when that is not the stream's file any more, the archive is
  // thrown away.
  base::Status install_archive(base::StreamId stream, int source);

 private:
  enum class State { absent, open, done, archive };

  struct Stream {
    State state = State::absent;
    std::uint64_t size = 0;     // durable
    std::uint64_t written = 0;  // with this batch; == size outside of one
    std::uint64_t index_size = 0;
    std::uint64_t index_written = 0;
    std::uint32_t crc = 0;    // of the bytes from `size` to `written`
    bool has_tail = false;    // its file has a tail that must be true
    bool named = false;       // its directory entry is durable
    bool cut_needed = false;  // bytes beyond `size` must go before the next append
    // Bytes from here to `size` may be in memory only, whatever a sync says; == size: none.
    std::uint64_t rewrite_from = 0;
    bool finishing = false;
    bool in_batch = false;
  };
  struct Files {
    UniqueFd data;
    UniqueFd index;
  };

  // Known, recovered and fit for use.
  base::Result<Stream*> get(base::StreamId id);
  base::Result<Stream> recover(base::StreamId id);
  base::Result<Stream> recover_open(base::StreamId id);
  base::Status recover_end(base::StreamId id, int fd, std::optional<std::uint64_t> synced, Stream& stream);
  base::Result<bool> is_whole(int fd, const Tail& tail, std::uint64_t file_size);
  base::Status cut_end(base::StreamId id, int fd, std::uint64_t end, Stream& stream);
  base::Status recover_index(base::StreamId id, int fd, std::string_view header, Stream& stream);
  base::Status rewrite_tail(base::StreamId id, Stream& stream);
  void note_synced(base::StreamId id, const Stream& stream);

  base::Result<int> data_fd(base::StreamId id);
  base::Result<int> index_fd(base::StreamId id);
  base::Status create_stream(base::StreamId id, Stream& stream);
  base::Status create_index(base::StreamId id, Stream& stream);
  base::Status set_tail(int fd, Stream& stream);
  base::Result<UniqueFd> create_file(base::StreamId id, FileKind kind);

  base::Status write(base::StreamId id, Stream& stream, std::string_view bytes,
                     const std::vector<ports::TimeMark>& marks);
  base::Status write_marks(base::StreamId id, Stream& stream, std::uint64_t end,
                           std::vector<ports::TimeMark> marks);
  base::Status cut_back(base::StreamId id, Stream& stream);
  void take_back(base::StreamId id, Stream& stream, base::Error error);
  void join_batch(base::StreamId id, Stream& stream);
  void sync_data();
  void sync_data(base::StreamId id, Stream& stream);
  void rename_finished();
  base::Status rename_finished(base::StreamId id, Stream& stream);
  void sync_directories();
  void end_batch();
  void forget_unused();

  Disk& disk_;
  Layout layout_;
  base::Logger log_;
  Lru<base::StreamId, Stream> known_;
  Lru<base::StreamId, Files> files_;
  bool warned_of_tails_ = false;
  std::unordered_set<std::int64_t> buckets_;  // that surely exist, durably

  std::vector<base::StreamId> batch_;
  std::unordered_map<base::StreamId, base::Error> failed_;
};

}  // namespace footman::logs
