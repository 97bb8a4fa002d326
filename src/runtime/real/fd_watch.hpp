// Waits for file descriptors: pipes of processes, signalfd.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::runtime::real {

// Owns the descriptor, which must be one that epoll takes and is made non-blocking. All calls on the
// executor.
class FdWatch {
 public:
  FdWatch(const Executor& executor, UniqueFd fd);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  int fd() const;
  // Returns when read() would not block: there is something, the end, or an error. Never at once, so that a
  // loop over it lets others run. One waiter at a time. After cancel() it returns, too.
  Awaitable<void> readable();
  void cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace footman::runtime::real
