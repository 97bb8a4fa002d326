#include "runtime/real/fd_watch.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace footman::runtime::real {

struct FdWatch::Impl {
  Impl(const Executor& executor, UniqueFd fd) : descriptor(executor, fd.release()) {
    descriptor.non_blocking(true);
  }
  asio::posix::stream_descriptor descriptor;
};

FdWatch::FdWatch(const Executor& executor, UniqueFd fd)
    : impl_(std::make_unique<Impl>(executor, std::move(fd))) {}
FdWatch::~FdWatch() = default;

int FdWatch::fd() const { return impl_->descriptor.native_handle(); }

Awaitable<void> FdWatch::readable() {
  co_await impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                        asio::as_tuple(asio::use_awaitable));
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none)
    throw boost::system::system_error(asio::error::operation_aborted, "cancelled");
}

void FdWatch::cancel() {
  boost::system::error_code ignored;
  impl_->descriptor.cancel(ignored);
}

}  // namespace footman::runtime::real
