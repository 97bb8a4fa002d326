// Reads the files of finished and unfinished streams, by one thread. Blocking. Knows nothing of the writers:
// what is durable comes with the call, and whether a log was compressed meanwhile, the names in the directory
// tell.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "logs/archive.hpp"
#include "logs/disk.hpp"
#include "logs/layout.hpp"
#include "logs/lru.hpp"
#include "ports/log_store.hpp"

namespace footman::logs {

class Reader {
 public:
  Reader(Disk& disk, Layout layout);

  // At most `max` bytes from `offset`, none at or beyond `durable`. Empty when the stream was removed
  // meanwhile.
  base::Result<std::string> read(base::StreamId stream, std::uint64_t offset, std::size_t max,
                                 std::uint64_t durable);
  // Marks below `durable` with from <= offset < to, and the last one before `from`.
  base::Result<std::vector<ports::TimeMark>> marks(base::StreamId stream, std::uint64_t from,
                                                   std::uint64_t to, std::uint64_t durable);
  void forget(base::StreamId stream) { archives_.erase(stream); }

 private:
  base::Result<std::string> read_archive(base::StreamId stream, std::uint64_t offset, std::size_t max);

  Disk& disk_;
  Layout layout_;
  Lru<base::StreamId, Archive> archives_;
};

}  // namespace footman::logs
