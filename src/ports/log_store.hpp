// LogStore: build logs as streams of bytes. On disk: logs/logs.hpp; in memory, for simulations and tests:
// logs/tests/memory_logs.hpp. Called on any executor that is single-threaded; results arrive there. Limits of
// one call stand in logs/limits.hpp: a larger append is `invalid_argument`; read() and marks() may answer
// with less than was asked for, the caller goes on from there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/awaitable.hpp"

namespace footman::ports {

struct TimeMark {
  std::uint64_t offset = 0;  // the byte at this offset was written at `at`
  base::Instant at;
  bool operator==(const TimeMark&) const = default;
};

struct LogExtent {
  std::uint64_t bytes = 0;  // durable
  bool finished = false;
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  // A new stream, once, before anything is appended to it; after an error again. What stands under its number
  // already (somebody put files there) was not written for it: it is set aside, with a warning.
  virtual runtime::Awaitable<base::Status> begin(base::StreamId stream) = 0;
  // Completes when the bytes are on disk (fdatasync, batched) and returns the durable size of the stream.
  // Bytes below the durable size are dropped as duplicates; a gap is a `conflict`; no space is
  // `resource_exhausted` (nothing of the call is kept, the same call may be made again).
  virtual runtime::Awaitable<base::Result<std::uint64_t>> append(base::StreamId stream, std::uint64_t offset,
                                                                 std::string bytes,
                                                                 std::vector<TimeMark> marks) = 0;
  // An unknown stream has extent 0.
  virtual runtime::Awaitable<base::Result<LogExtent>> extent(base::StreamId stream) = 0;
  // At most `max` bytes from `offset`; empty at the end.
  virtual runtime::Awaitable<base::Result<std::string>> read(base::StreamId stream, std::uint64_t offset,
                                                             std::size_t max) = 0;
  // Marks with from <= offset < to, plus the last one before `from`. In order.
  virtual runtime::Awaitable<base::Result<std::vector<TimeMark>>> marks(base::StreamId stream,
                                                                        std::uint64_t from,
                                                                        std::uint64_t to) = 0;
  // Waits until the stream has more than `beyond` durable bytes or is finished, or the limit passes.
  virtual runtime::Awaitable<base::Result<LogExtent>> wait_beyond(base::StreamId stream, std::uint64_t beyond,
                                                                  base::Duration limit) = 0;
  // No append any more, also for a stream that has no byte yet; compresses in the background. Idempotent.
  virtual runtime::Awaitable<base::Status> finish(base::StreamId stream) = 0;
  // Retention. Idempotent.
  virtual runtime::Awaitable<base::Status> remove(base::StreamId stream) = 0;
};

}  // namespace footman::ports
