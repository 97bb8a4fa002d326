// Compresses finished logs on a thread of its own, at low priority, one after another. A level, not a list of
// orders: what waits is what the names in the directory say; add() only saves the walk over them.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "logs/disk.hpp"
#include "logs/layout.hpp"
#include "logs/limits.hpp"
#include "runtime/clock.hpp"
#include "runtime/real/thread.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::logs {

class Compressor {
 public:
  // Puts a complete archive in the place of the log, on the thread of the stream's writer
  // (StreamFiles::install_archive).
  using Install = std::function<runtime::Awaitable<base::Status>(base::StreamId, int source)>;

  // Starts with a walk over all files: throws unfinished archives away and compresses what an earlier process
  // left.
  Compressor(Disk& disk, Layout layout, runtime::Clock& clock, base::Logger log, Install install);
  ~Compressor() { join(); }

  runtime::Executor executor() const { return thread_.executor(); }
  void add(base::StreamId stream);  // any thread
  // Gives up what is under way. On executor().
  runtime::Awaitable<void> stop();
  // The same, blocking, on any other thread. add() does nothing afterwards.
  void join();

 private:
  runtime::Awaitable<void> run();
  runtime::Awaitable<void> walk();
  runtime::Awaitable<void> walk_bucket(std::string bucket);
  // Again and again while there is no space.
  runtime::Awaitable<void> compress(base::StreamId stream);
  runtime::Awaitable<base::Status> try_compress(base::StreamId stream);
  base::Status sync_index(base::StreamId stream);
  void begin_stop();

  Disk& disk_;
  Layout layout_;
  runtime::Clock& clock_;
  base::Logger log_;
  Install install_;
  std::atomic<bool> stop_{false};
  bool walk_needed_ = true;
  runtime::Mailbox<base::StreamId> queue_{kMaxCompressionQueue};
  runtime::Event stopping_;
  runtime::real::Thread thread_;
  runtime::Scope scope_;
};

}  // namespace footman::logs
