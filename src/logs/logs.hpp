// Build logs on this machine's disk.
//
// Files: DIRECTORY/<id / 1000>/<id>.log holds the bytes of a stream that is written, nothing else; <id>.done
// the same after finish(); <id>.zst takes its place once it is compressed (any zstd program reads it:
// independent frames and a seek table, see format.hpp); <id>.idx holds the time marks. The name says the
// state, a rename changes it, so there is no second place that could say otherwise.
//
// What is durable. The size of the data file is the size of the stream; there is no other record of it. An
// append is acknowledged after fdatasync of the file (and fsync of its directory when it is new). A crash may
// leave more bytes than were acknowledged. They are kept: they are a prefix of what the same writer sends
// again, the same bytes at the same offsets, and they are made durable before their size is told to anybody.
// (File systems that keep a size back until its bytes are on disk are needed for that when the machine itself
// dies in the middle of an append: ext4, XFS, btrfs, ZFS.) Marks are written before their bytes are
// acknowledged and survive the death of the process; the death of the machine may take the marks of its last
// seconds, never bytes.
//
// Errors of an append: `resource_exhausted` (no space, quota): the file is cut back to what was acknowledged.
// `io`: the same. After a failed fdatasync nobody knows what the disk has: the kernel may have dropped the
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
