// At most so many calls at a time; the rest waits in order. Control executor.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "runtime/awaitable.hpp"
#include "runtime/wait.hpp"

namespace footman::fleet {

class Turnstile {
 public:
  explicit Turnstile(std::size_t limit) : free_(limit) {}
  runtime::Awaitable<void> enter();
  void leave();  // once for each enter(): hands its place over

 private:
  std::size_t free_;
  std::deque<std::unique_ptr<runtime::Event>> waiting_;
};

}  // namespace footman::fleet
