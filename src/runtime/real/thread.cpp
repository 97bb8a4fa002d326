#include "runtime/real/thread.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

namespace footman::runtime::real {

struct Thread::Impl {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
};

Thread::Thread(const std::string& name, Share share) : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([impl = impl_.get(), name, share] {
    constexpr int kLast = 19;
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    if (share == Share::left_over)
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kLast);  // of Linux: one thread's
    impl->io.run();
  });
}

Thread::~Thread() { join(); }

Executor Thread::executor() const { return impl_->io.get_executor(); }

void Thread::join() {
  impl_->work.reset();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace footman::runtime::real
