#include "logs/compressor.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "logs/archive.hpp"
#include "runtime/post.hpp"

namespace footman::logs {

using base::Errc;
using base::Status;
using base::StreamId;
using runtime::Awaitable;

namespace {
constexpr int kNice = 10;
}

Compressor::Compressor(Disk& disk, Layout layout, runtime::Clock& clock, base::Logger log, Install install)
    : disk_(disk),
      layout_(std::move(layout)),
      clock_(clock),
      log_(std::move(log)),
      install_(std::move(install)),
      thread_("log compressor"),
      scope_(thread_.executor(), log_) {
  runtime::post(thread_.executor(), [this] {
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
    scope_.spawn("compress logs", run());
  });
}

void Compressor::join() {
  stop_ = true;  // seen in the middle of a log
  runtime::post(thread_.executor(), [this] { begin_stop(); });
  thread_.join();
}

void Compressor::begin_stop() {
  stop_ = true;
  queue_.close();
  stopping_.notify();
}

Awaitable<void> Compressor::stop() {
  begin_stop();
  co_await scope_.join();
}

void Compressor::add(StreamId stream) {
  if (stop_) return;
  runtime::post(thread_.executor(), [this, stream] {
    if (!queue_.put(stream)) walk_needed_ = true;
  });
}

Awaitable<void> Compressor::run() {
  while (!stop_) {
    if (walk_needed_ && queue_.size() == 0) {
      walk_needed_ = false;
      co_await walk();
      continue;
    }
    const auto stream = co_await queue_.take();
    if (!stream) co_return;
    co_await compress(*stream);
  }
}

Awaitable<void> Compressor::walk() {
  const auto buckets = Disk::list(layout_.root());
  if (!buckets) {
    log_.error("logs cannot be listed", {{"error", base::describe(buckets.error())}});
    co_return;
  }
  for (const auto& bucket : *buckets) {
    if (stop_) co_return;
    if (is_bucket_name(bucket)) co_await walk_bucket(layout_.root() + "/" + bucket);
  }
}

Awaitable<void> Compressor::walk_bucket(std::string bucket) {
  const auto names = Disk::list(bucket);
  if (!names) co_return;
  for (const auto& name : *names) {
    if (stop_) co_return;
    const auto file = parse_file_name(name);
    if (file && file->kind == FileKind::partial) (void)disk_.unlink(layout_.file(file->stream, file->kind));
    if (file && file->kind == FileKind::done) co_await compress(file->stream);
  }
}

Awaitable<void> Compressor::compress(StreamId stream) {
  while (!stop_) {
    const auto done = co_await try_compress(stream);
    if (done) co_return;
    (void)disk_.unlink(layout_.file(stream, FileKind::partial));
    if (done.error().code == Errc::cancelled) co_return;
    const bool again =
        done.error().code == Errc::resource_exhausted || done.error().code == Errc::unavailable;
    log_.warning(again ? "a log cannot be compressed now, trying again"
                       : "a log cannot be compressed, it stays as it is until the next start",
                 {{"stream", stream}, {"error", base::describe(done.error())}});
    if (!again) co_return;
    co_await stopping_.wait_for(clock_, kCompressionRetry);
  }
}

Awaitable<Status> Compressor::try_compress(StreamId stream) {
  FOOTMAN_CO_TRY_STATUS(sync_index(stream));
  const auto source = disk_.open(layout_.file(stream, FileKind::done), O_RDONLY);
  if (!source && source.error().code == Errc::not_found)
    co_return Status();  // compressed or removed meanwhile
  if (!source) co_return std::unexpected(source.error());
  FOOTMAN_CO_TRY(const auto size, disk_.size(source->get()));
  if (size < kCompressFromBytes) co_return Status();
  FOOTMAN_CO_TRY_STATUS(write_archive(disk_, source->get(), layout_.file(stream, FileKind::partial), stop_));
  co_return co_await install_(stream, source->get());
}

// Nothing is added to it any more: time stamps are as safe as the log from here on.
Status Compressor::sync_index(StreamId stream) {
  const auto index = disk_.open(layout_.file(stream, FileKind::index), O_RDWR);
  if (!index && index.error().code == Errc::not_found) return {};
  if (!index) return std::unexpected(index.error());
  return disk_.sync_data(index->get());
}

}  // namespace footman::logs
