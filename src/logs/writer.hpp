// One writer thread and the streams that are its own. Coroutines run on executor() and nowhere else. Appends
// and finishes that have arrived while the disk was busy make the next batch.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "logs/stream_files.hpp"
#include "logs/stream_waits.hpp"
#include "ports/log_store.hpp"
#include "runtime/clock.hpp"
#include "runtime/real/thread.hpp"
#include "runtime/wait.hpp"

namespace footman::logs {

class Writer {
 public:
  // Called on the writer's thread when a finished log waits to be compressed.
  using OnFinished = std::function<void(base::StreamId)>;

  Writer(Disk& disk, const Layout& layout, runtime::Clock& clock, base::Logger log, OnFinished on_finished);
  ~Writer();

  runtime::Executor executor() const { return thread_.executor(); }

  runtime::Awaitable<base::Result<bool>> begin(base::StreamId stream);
  runtime::Awaitable<base::Result<std::uint64_t>> append(base::StreamId stream, std::uint64_t offset,
                                                         std::string bytes,
                                                         std::vector<ports::TimeMark> marks);
  runtime::Awaitable<base::Result<ports::LogExtent>> extent(base::StreamId stream);
  runtime::Awaitable<base::Result<ports::LogExtent>> wait_beyond(base::StreamId stream, std::uint64_t beyond,
                                                                 base::Duration limit);
  runtime::Awaitable<base::Status> finish(base::StreamId stream);
  runtime::Awaitable<base::Status> remove(base::StreamId stream);
  runtime::Awaitable<base::Status> install_archive(base::StreamId stream, int source);

  // Waits end now, and later ones at once.
  runtime::Awaitable<void> stop_waiting();
  // Any other thread. After it nothing may be called.
  void join() { thread_.join(); }

 private:
  struct Call {  // an append or a finish on its way to the disk
    base::StreamId stream;
    bool is_finish = false;
    std::uint64_t offset = 0;
    std::string bytes;
    std::vector<ports::TimeMark> marks;
    base::Result<std::uint64_t> result = 0;
    bool to_compress = false;
    bool done = false;
    runtime::Event changed;
  };
  using CallPtr = std::shared_ptr<Call>;

  runtime::Awaitable<base::Result<std::uint64_t>> commit(CallPtr call);
  void run_batch();
  std::vector<CallPtr> take_batch();
  void write(Call& call);

  runtime::Clock& clock_;
  StreamFiles files_;
  OnFinished on_finished_;
  std::deque<CallPtr> calls_;
  bool scheduled_ = false;
  StreamWaits waits_;
  runtime::real::Thread thread_;
};

}  // namespace footman::logs
