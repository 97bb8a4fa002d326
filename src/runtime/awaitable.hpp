// The coroutine type of everything that waits. Executors are crossed with run_on (scope.hpp) and post
// (post.hpp).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace footman::runtime {

namespace asio = boost::asio;
using Executor = asio::any_io_executor;

template <class T>
using Awaitable = asio::awaitable<T>;

}  // namespace footman::runtime
