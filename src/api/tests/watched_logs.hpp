// The log store in memory, with what a test wants to know and to break.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "logs/tests/memory_logs.hpp"

namespace footman::api::testing {

using namespace footman::base;
using runtime::Awaitable;

class WatchedLogs final : public ports::LogStore {
 public:
  explicit WatchedLogs(runtime::Clock& clock) : inner_(kept_, clock) {}

  bool broken = false;  // reads fail
  int reads = 0;

  Awaitable<Status> begin(StreamId id) override { return inner_.begin(id); }
  Awaitable<Result<std::uint64_t>> append(StreamId id, std::uint64_t offset, std::string bytes,
                                          std::vector<ports::TimeMark> marks) override {
    return inner_.append(id, offset, std::move(bytes), std::move(marks));
  }
  Awaitable<Result<ports::LogExtent>> extent(StreamId id) override { return inner_.extent(id); }
  Awaitable<Result<std::string>> read(StreamId id, std::uint64_t offset, std::size_t max) override {
    ++reads;
    return broken ? refuse() : inner_.read(id, offset, max);
  }
  Awaitable<Result<std::vector<ports::TimeMark>>> marks(StreamId id, std::uint64_t from,
                                                        std::uint64_t to) override {
    return inner_.marks(id, from, to);
  }
  Awaitable<Result<ports::LogExtent>> wait_beyond(StreamId id, std::uint64_t beyond,
                                                  Duration limit) override {
    return inner_.wait_beyond(id, beyond, limit);
  }
  Awaitable<Status> finish(StreamId id) override { return inner_.finish(id); }
  Awaitable<Status> remove(StreamId id) override { return inner_.remove(id); }

 private:
  static Awaitable<Result<std::string>> refuse() { co_return fail(Errc::io, "the disk is broken"); }
  logs::MemoryLogs kept_;
  logs::MemoryLogStore inner_;
};

}  // namespace footman::api::testing
