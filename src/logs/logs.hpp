// Build logs on this machine's disk.
//
// Files: DIRECTORY/<id / 1000>/<id>.log holds the bytes of a stream that is written, nothing else; <id>.done
// the same after finish(); <id>.zst takes its place once it is compressed (any zstd program reads it:
// independent frames and a seek table, see format.hpp); <id>.idx holds the time marks. The name says the
// state, a rename changes it, so there is no second place that could say otherwise.
//
// What is durable. An append is acknowledged after fsync of the file (and of its directory when it is new).
// That one sync also covers an attribute of the file, the tail (format.hpp): which bytes were written
// together and their checksum. A crash may leave more bytes than were acknowledged, and a machine that loses
// its power may leave zeros in the place of the last ones. So whoever opens the log first after a start
// compares the last batch with its tail. What is not whole, and all that is beyond it, was never
// acknowledged: it is cut off and its sender sends it again. What is whole is made durable before its size is
// told to anybody. A log without a tail (of an older program, from a copy, on a file system that has no
// attributes) keeps all its bytes; there the file system must keep a size back until its bytes are on disk.
// Marks are written before their bytes are acknowledged and survive the death of the process; the death of
// the machine may take the marks of its last seconds, never bytes.
//
// Errors of an append: `resource_exhausted` (no space, quota): the file is cut back to what was acknowledged.
// `io`: the same. After a failed fsync nobody knows what the disk has: the kernel may have dropped the
// pages and calls them clean. So the file is cut back to the size before that batch, which throws those pages
// away, and the bytes are written again when the caller sends them again; until the cut succeeds nothing is
// appended to that stream. A process may die between the failure and the cut. Therefore the index also notes
// what is surely on disk, and after a restart whatever the file has beyond that is written again in its place
// and synced, however clean the kernel calls it.
//
// Threads: kWriters threads with a share of the streams each, kReaders threads, one for compression (at low
// priority). Calls may come from any number of single-threaded executors. Cancelling a call ends the waiting
// only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "ports/log_store.hpp"
#include "runtime/clock.hpp"

namespace footman::logs {

class Disk;

struct LogStoreConfig {
  std::string directory;  // made when it is missing; one process at a time (the database's lock sees to it)
  std::shared_ptr<Disk> disk;  // empty: this machine's (logs/disk.hpp: tests let it fail)
  // The newest stream that the database knows; logs of later ones are set aside at the start (unknown.hpp),
  // and a warning says where. Not set: all are kept.
  std::optional<base::StreamId> newest;
  // That are being written, as far as the database knows. A start on another one may have set them aside.
  std::vector<base::StreamId> open = {};
};

class DiskLogStore : public ports::LogStore {
 public:
  // Calls under way end first (waits end at once), later calls are `unavailable`. A compression under way is
  // given up; the next start begins it again. Once, before destruction, while the executors of the callers
  // still run. Without it the destructor blocks until the disk is idle, and coroutines in calls are left
  // hanging: for crashes in tests.
  virtual runtime::Awaitable<void> close() = 0;
};

// The clock and the calls' executors must outlive the store. Reads the names in the directory; everything
// else that a restart has to do (interrupted compressions) happens in the background.
base::Result<std::unique_ptr<DiskLogStore>> create_log_store(LogStoreConfig config, runtime::Clock& clock,
                                                             base::Logger log);

}  // namespace footman::logs
