#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/tests/fake_store.hpp"

namespace footman::controller::testing {
namespace {
Awaitable<void> next_turn() {
  auto executor = co_await runtime::asio::this_coro::executor;
  co_await runtime::asio::post(executor, runtime::asio::use_awaitable);
}
}  // namespace

Awaitable<Result<std::uint64_t>> FakeLogStore::append(StreamId id, std::uint64_t offset, std::string bytes,
                                                      std::vector<ports::TimeMark> marks) {
  ++appends;
  co_await next_turn();
  while (held) co_await released.wait();
  auto& stream = streams[id];
  if (full) co_return fail(Errc::resource_exhausted, "no space left");
  if (stream.finished) co_return fail(Errc::conflict, "the stream is finished");
  if (offset > stream.bytes.size()) co_return fail(Errc::conflict, "a gap");
  const auto skip = stream.bytes.size() - offset;
  if (skip < bytes.size()) stream.bytes += bytes.substr(skip);
  stream.marks.insert(stream.marks.end(), marks.begin(), marks.end());
  co_return stream.bytes.size();
}

Awaitable<Result<ports::LogExtent>> FakeLogStore::extent(StreamId id) {
  co_await next_turn();
  const auto it = streams.find(id);
  if (it == streams.end()) co_return ports::LogExtent{};
  co_return ports::LogExtent{it->second.bytes.size(), it->second.finished};
}

Awaitable<Result<std::string>> FakeLogStore::read(StreamId id, std::uint64_t offset, std::size_t max) {
  co_await next_turn();
  const auto& bytes = streams[id].bytes;
  co_return offset >= bytes.size() ? std::string() : bytes.substr(offset, max);
}

Awaitable<Result<std::vector<ports::TimeMark>>> FakeLogStore::marks(StreamId id, std::uint64_t /*from*/,
                                                                    std::uint64_t /*to*/) {
  co_return streams[id].marks;
}

Awaitable<Result<ports::LogExtent>> FakeLogStore::wait_beyond(StreamId id, std::uint64_t /*beyond*/,
                                                              Duration /*limit*/) {
  co_return co_await extent(id);
}

Awaitable<Status> FakeLogStore::finish(StreamId id) {
  co_await next_turn();
  streams[id].finished = true;
  co_return Status();
}

Awaitable<Status> FakeLogStore::remove(StreamId id) {
  streams.erase(id);
  co_return Status();
}

}  // namespace footman::controller::testing
