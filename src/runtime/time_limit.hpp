// A time limit on a call to something outside that may never answer.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/wait.hpp"

namespace footman::runtime {

// The call's result; empty when it did not end in time and was cancelled. Waits until the cancelled call has
// ended, so its arguments must only live as long as this. The outcome of a cancelled call is unknown: what it
// asked for may still happen.
template <class T>
Awaitable<std::optional<T>> run_for(Clock& clock, base::Duration limit, Awaitable<T> call) {
  const auto executor = co_await asio::this_coro::executor;
  // Shared: whoever cancels may come after this frame is gone.
  auto signal = std::make_shared<asio::cancellation_signal>();
  auto late = std::make_shared<bool>(false);
  auto slot = (co_await asio::this_coro::cancellation_state).slot();
  if (slot.is_connected()) slot.assign([signal](asio::cancellation_type type) { signal->emit(type); });
  const auto timer = clock.call_after(executor, limit, [signal, late] {
    *late = true;
    signal->emit(asio::cancellation_type::all);
  });
  try {
    co_return co_await asio::co_spawn(executor, std::move(call),
                                      asio::bind_cancellation_slot(signal->slot(), asio::use_awaitable));
  } catch (const boost::system::system_error& error) {
    if (!*late || !is_cancellation(error)) throw;
  }
  co_return std::nullopt;
}

}  // namespace footman::runtime
