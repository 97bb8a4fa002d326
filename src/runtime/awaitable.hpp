// The coroutine type of everything that waits, and the two ways to move between executors.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace footman::runtime {

namespace asio = boost::asio;
using Executor = asio::any_io_executor;

template <class T>
using Awaitable = asio::awaitable<T>;

}  // namespace footman::runtime
