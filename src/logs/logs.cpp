#include "logs/logs.hpp"

#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "logs/compressor.hpp"
#include "logs/disk.hpp"
#include "logs/layout.hpp"
#include "logs/limits.hpp"
#include "logs/reader.hpp"
#include "logs/rules.hpp"
#include "logs/unknown.hpp"
#include "logs/writer.hpp"
#include "runtime/post.hpp"
#include "runtime/real/thread.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::logs {

using base::Errc;
using base::fail;
using base::Result;
using base::Status;
using base::StreamId;
using ports::LogExtent;
using ports::TimeMark;
using runtime::Awaitable;
using runtime::run_on;

namespace {

// Counts the calls inside and their bytes, from any thread, and tells when the last one has left after
// closing. Shared with the calls, which may outlive the store when their executor is dropped in a crash.
class Gate : public std::enable_shared_from_this<Gate> {
 public:
  class Pass {
   public:
    Pass(std::shared_ptr<Gate> gate, std::size_t bytes) : gate_(std::move(gate)), bytes_(bytes) {}
    Pass(Pass&&) = default;
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_) gate_->leave(bytes_);
    }

   private:
    std::shared_ptr<Gate> gate_;
    std::size_t bytes_;
  };

  Result<Pass> enter(std::size_t bytes = 0) {
    const std::scoped_lock lock(mutex_);
    if (closed_) return fail(Errc::unavailable, "the log store is closed");
    if (bytes > 0 && bytes_ + bytes > kMaxBytesUnderWay)
      return fail(Errc::unavailable, "too many log bytes wait for the disk");
    ++inside_;
    bytes_ += bytes;
    return Pass(shared_from_this(), bytes);
  }

  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }

  Awaitable<void> wait_empty() {
    auto empty = std::make_shared<runtime::Event>();
    if (!ask_for_empty(co_await runtime::asio::this_coro::executor, empty)) co_await empty->wait();
  }

 private:
  // True: it is empty now.
  bool ask_for_empty(const runtime::Executor& executor, const std::shared_ptr<runtime::Event>& empty) {
    const std::scoped_lock lock(mutex_);
    if (inside_ == 0) return true;
    on_empty_ = [executor, empty] { runtime::post(executor, [empty] { empty->notify(); }); };
    return false;
  }

  void leave(std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    bytes_ -= bytes;
    if (--inside_ == 0 && on_empty_) on_empty_();
  }

  std::mutex mutex_;
  bool closed_ = false;
  std::size_t inside_ = 0;
  std::size_t bytes_ = 0;
  std::function<void()> on_empty_;
};

struct ReaderThread {
  ReaderThread(Disk& disk, const Layout& layout) : reader(disk, layout), thread("log reader") {}
  Reader reader;
  runtime::real::Thread thread;
};

Awaitable<Result<std::string>> read_there(Reader& reader, StreamId stream, std::uint64_t offset,
                                          std::size_t max, std::uint64_t durable) {
  co_return reader.read(stream, offset, max, durable);
}

Awaitable<Result<std::vector<TimeMark>>> marks_there(Reader& reader, StreamId stream, std::uint64_t from,
                                                     std::uint64_t to, std::uint64_t durable) {
  co_return reader.marks(stream, from, to, durable);
}

Awaitable<void> forget_there(Reader& reader, StreamId stream) {
  reader.forget(stream);
  co_return;
}

class Logs final : public DiskLogStore {
 public:
  Logs(std::shared_ptr<Disk> disk, const Layout& layout, runtime::Clock& clock, const base::Logger& log)
      : disk_(std::move(disk)) {
    const auto on_finished = [this](StreamId stream) { compressor_->add(stream); };
    for (std::size_t i = 0; i < kWriters; ++i)
      writers_.push_back(std::make_unique<Writer>(*disk_, layout, clock, log, on_finished));
    for (std::size_t i = 0; i < kReaders; ++i)
      readers_.push_back(std::make_unique<ReaderThread>(*disk_, layout));
    compressor_.emplace(*disk_, layout, clock, log,
                        [this](StreamId stream, int source) { return install(stream, source); });
  }

  // The compressor and the writers call each other: its thread ends first, its object last.
  ~Logs() override {
    compressor_->join();
    writers_.clear();
  }

  Awaitable<Status> begin(StreamId stream) override;
  Awaitable<Result<std::uint64_t>> append(StreamId stream, std::uint64_t offset, std::string bytes,
                                          std::vector<TimeMark> marks) override;
  Awaitable<Result<LogExtent>> extent(StreamId stream) override;
  Awaitable<Result<std::string>> read(StreamId stream, std::uint64_t offset, std::size_t max) override;
  Awaitable<Result<std::vector<TimeMark>>> marks(StreamId stream, std::uint64_t from,
                                                 std::uint64_t to) override;
  Awaitable<Result<LogExtent>> wait_beyond(StreamId stream, std::uint64_t beyond,
                                           base::Duration limit) override;
  Awaitable<Status> finish(StreamId stream) override;
  Awaitable<Status> remove(StreamId stream) override;
  Awaitable<void> close() override;

 private:
  template <class Threads>
  static auto& share(Threads& threads, StreamId stream) {
    return *threads[static_cast<std::uint64_t>(stream.value()) % threads.size()];
  }
  Writer& writer(StreamId stream) { return share(writers_, stream); }
  ReaderThread& reader(StreamId stream) { return share(readers_, stream); }
  Awaitable<Status> install(StreamId stream, int source);

  std::shared_ptr<Disk> disk_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  std::vector<std::unique_ptr<Writer>> writers_;
  std::vector<std::unique_ptr<ReaderThread>> readers_;
  std::optional<Compressor> compressor_;
};

Awaitable<Status> Logs::begin(StreamId stream) {
  FOOTMAN_CO_TRY_STATUS(check_stream_id(stream));
  const auto pass = gate_->enter();
  if (!pass) co_return std::unexpected(pass.error());
  auto& one = writer(stream);
  const auto replaced = co_await run_on(one.executor(), one.begin(stream));
  if (!replaced) co_return std::unexpected(replaced.error());
  if (*replaced) {
    auto& from = reader(stream);
    co_await run_on(from.thread.executor(), forget_there(from.reader, stream));
  }
  co_return Status();
}

Awaitable<Result<std::uint64_t>> Logs::append(StreamId stream, std::uint64_t offset, std::string bytes,
                                              std::vector<TimeMark> marks) {
  if (stream.value() <= 0)
    co_return fail(Errc::invalid_argument, "log streams are numbered from 1", "stream");
  if (bytes.size() > kMaxAppendBytes)
    co_return fail(Errc::invalid_argument, "more bytes than one append may have", "bytes");
  if (marks.size() > kMaxMarksInAppend)
    co_return fail(Errc::invalid_argument, "more time marks than one append may have", "marks");
  const auto pass = gate_->enter(bytes.size());
  if (!pass) co_return std::unexpected(pass.error());
  auto& one = writer(stream);
  co_return co_await run_on(one.executor(), one.append(stream, offset, std::move(bytes), std::move(marks)));
}

Awaitable<Result<LogExtent>> Logs::extent(StreamId stream) {
  const auto pass = gate_->enter();
  if (!pass) co_return std::unexpected(pass.error());
  auto& one = writer(stream);
  co_return co_await run_on(one.executor(), one.extent(stream));
}

Awaitable<Result<std::string>> Logs::read(StreamId stream, std::uint64_t offset, std::size_t max) {
  const auto pass = gate_->enter();
  if (!pass) co_return std::unexpected(pass.error());
  auto& one = writer(stream);
  const auto extent = co_await run_on(one.executor(), one.extent(stream));
  if (!extent) co_return std::unexpected(extent.error());
  auto& from = reader(stream);
  co_return co_await run_on(from.thread.executor(),
                            read_there(from.reader, stream, offset, max, extent->bytes));
}

Awaitable<Result<std::vector<TimeMark>>> Logs::marks(StreamId stream, std::uint64_t from, std::uint64_t to) {
  const auto pass = gate_->enter();
  if (!pass) co_return std::unexpected(pass.error());
  auto& one = writer(stream);
  const auto extent = co_await run_on(one.executor(), one.extent(stream));
  if (!extent) co_return std::unexpected(extent.error());
  auto& source = reader(stream);
  co_return co_await run_on(source.thread.executor(),
                            marks_there(source.reader, stream, from, to, extent->bytes));
}

Awaitable<Result<LogExtent>> Logs::wait_beyond(StreamId stream, std::uint64_t beyond, base::Duration limit) {
  const auto pass = gate_->enter();
  if (!pass) co_return std::unexpected(pass.error());
  auto& one = writer(stream);
  co_return co_await run_on(one.executor(), one.wait_beyond(stream, beyond, limit));
}

Awaitable<Status> Logs::finish(StreamId stream) {
  const auto pass = gate_->enter();
  if (!pass) co_return std::unexpected(pass.error());
  if (stream.value() <= 0)
    co_return fail(Errc::invalid_argument, "log streams are numbered from 1", "stream");
  auto& one = writer(stream);
  co_return co_await run_on(one.executor(), one.finish(stream));
}

Awaitable<Status> Logs::remove(StreamId stream) {
  const auto pass = gate_->enter();
  if (!pass) co_return std::unexpected(pass.error());
  auto& one = writer(stream);
  auto removed = co_await run_on(one.executor(), one.remove(stream));
  auto& from = reader(stream);
  co_await run_on(from.thread.executor(), forget_there(from.reader, stream));
  co_return removed;
}

Awaitable<Status> Logs::install(StreamId stream, int source) {
  auto& one = writer(stream);
  co_return co_await run_on(one.executor(), one.install_archive(stream, source));
}

Awaitable<void> Logs::close() {
  gate_->close();
  for (auto& one : writers_) co_await run_on(one->executor(), one->stop_waiting());
  co_await gate_->wait_empty();
  co_await run_on(compressor_->executor(), compressor_->stop());
}

// Names stay reserved: a stream is never made in a directory that is being deleted, because that happens here
// only.
Status prepare_directory(Disk& disk, const std::string& root) {
  FOOTMAN_TRY_STATUS(disk.make_directory(root));
  FOOTMAN_TRY_STATUS(disk.sync_directory(root + "/.."));
  FOOTMAN_TRY(const auto names, Disk::list(root));
  for (const auto& name : names)
    if (is_bucket_name(name)) Disk::remove_empty_directory(std::string(root).append("/").append(name));
  return {};
}

// Not even a full disk keeps the server from starting: numbers are given once, so that nothing is added to
// them.
void set_aside(const LogStoreConfig& config, const runtime::Clock& clock, const base::Logger& log) {
  const auto done = set_aside_unknown(*config.disk, config.directory, *config.newest, clock.now());
  if (!done)
    log.warning("logs of builds that the database does not know cannot be set aside",
                {{"error", base::describe(done.error())}});
  else if (done->files > 0)
    log.warning(
        "logs of builds that the database does not know are set aside: delete them when nobody needs them",
        {{"files", done->files}, {"folder", done->folder}});
}

void put_back(const LogStoreConfig& config, const base::Logger& log) {
  const auto done = bring_back(*config.disk, Layout(config.directory), config.open);
  if (!done)
    log.error("logs that were set aside cannot be put back", {{"error", base::describe(done.error())}});
  else if (*done > 0)
    log.warning("logs that a start on another database had set aside are put back", {{"files", *done}});
}

}  // namespace

Result<std::unique_ptr<DiskLogStore>> create_log_store(LogStoreConfig config, runtime::Clock& clock,
                                                       base::Logger log) {
  if (!config.disk) config.disk = std::make_shared<Disk>();
  FOOTMAN_TRY_STATUS(prepare_directory(*config.disk, config.directory));
  if (config.newest) set_aside(config, clock, log);
  put_back(config, log);
  return std::make_unique<Logs>(std::move(config.disk), Layout(std::move(config.directory)), clock, log);
}

}  // namespace footman::logs
