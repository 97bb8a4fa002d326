// Calls on another executor, for modules that do not know Asio.
#pragma once

#include <boost/asio/post.hpp>
#include <utility>

#include "runtime/awaitable.hpp"

namespace footman::runtime {

// Calls `call` on the executor at its next turn, from any thread; calls of one thread keep their order.
// Dropped, not called, when the executor ends before. `call` may hold what can only be moved.
template <class Call>
void post(const Executor& executor, Call call) {
  asio::post(executor, std::move(call));
}

}  // namespace footman::runtime
