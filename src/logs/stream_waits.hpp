// Who waits for more of which stream, on one executor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "ports/log_store.hpp"
#include "runtime/clock.hpp"
#include "runtime/wait.hpp"

namespace footman::logs {

class StreamWaits {
 public:
  using Extent = std::function<base::Result<ports::LogExtent>(base::StreamId)>;

  StreamWaits(runtime::Clock& clock, Extent extent);

  // LogStore::wait_beyond(). Coroutines in it must have ended before this goes, or go with it.
  runtime::Awaitable<base::Result<ports::LogExtent>> wait_beyond(base::StreamId stream, std::uint64_t beyond,
                                                                 base::Duration limit);
  void wake(base::StreamId stream);
  // Waits end now, and later ones at once.
  void stop();

 private:
  struct Waiting {
    runtime::Event changed;
    int count = 0;
  };
  using Table = std::unordered_map<base::StreamId, Waiting>;
  class Pass;

  runtime::Clock& clock_;
  Extent extent_;
  bool stopping_ = false;
  std::shared_ptr<Table> waiting_ = std::make_shared<Table>();
};

}  // namespace footman::logs
