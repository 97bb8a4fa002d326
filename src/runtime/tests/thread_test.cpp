#include "runtime/real/thread.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <thread>

#include "runtime/post.hpp"
#include "runtime/scope.hpp"

using namespace footman::runtime;

namespace {

Awaitable<std::thread::id> tell_thread() { co_return std::this_thread::get_id(); }

Awaitable<void> ask_there(Executor there, std::thread::id& answer) {
  answer = co_await run_on(there, tell_thread());
}

}  // namespace

TEST_CASE("a thread runs what it is given, and all of it before it ends") {
  real::Thread thread("test");
  int runs = 0;
  std::thread::id where;
  for (int i = 0; i < 1000; ++i)
    post(thread.executor(), [&] {
      ++runs;
      where = std::this_thread::get_id();
    });
  post(thread.executor(), [&] { post(thread.executor(), [&] { ++runs; }); });  // later work, too
  thread.join();
  CHECK(runs == 1001);
  CHECK(where != std::this_thread::get_id());
  thread.join();
}

TEST_CASE("coroutines cross to a thread and come back") {
  real::Thread thread("test");
  asio::io_context io;
  Scope scope(io.get_executor(), {});
  std::thread::id there;
  scope.spawn("ask", ask_there(thread.executor(), there));
  io.run();
  CHECK(there != std::thread::id());
  CHECK(there != std::this_thread::get_id());
  CHECK(scope.running() == 0);
}

TEST_CASE("a thread may take what others leave, and takes nothing from the one that made it") {
  const auto niceness = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
  const int before = niceness();
  int last = 0;
  int fair = 0;
  real::Thread one("last", real::Share::left_over);
  real::Thread other("fair");
  post(one.executor(), [&] { last = niceness(); });
  post(other.executor(), [&] { fair = niceness(); });
  one.join();
  other.join();
  CHECK(last == 19);
  CHECK(fair == before);
  CHECK(niceness() == before);
}
