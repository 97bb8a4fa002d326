// A thread that runs an executor of its own: for the modules that block (store, logs) and for the program's
// executors.
#pragma once

#include <memory>
#include <string>

#include "runtime/awaitable.hpp"

namespace footman::runtime::real {

enum class Share {
  fair,
  left_over,  // what other threads leave: for long calculations that nobody waits for
};

class Thread {
 public:
  // Starts at once. The name is what `ps -T` and debuggers show, at most 15 bytes.
  explicit Thread(const std::string& name, Share share = Share::fair);
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread();  // join()

  // Single-threaded. Valid as long as the Thread, also when joined (then nothing runs on it any more).
  Executor executor() const;
  // Runs what is posted and lets the coroutines on it end, then ends the thread and waits for it. Never ends
  // while a coroutine waits for something that does not come. Idempotent; not on the thread itself.
  void join();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace footman::runtime::real
