// A store with an executor that the test turns itself, and short ways to make rows.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "runtime/scope.hpp"
#include "store/store.hpp"

namespace footman::store::testing {

// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  std::string path(const std::string& name = {}) const { return name.empty() ? path_ : path_ + "/" + name; }

 private:
  std::string path_;
};

// No file of this process can grow beyond the size meanwhile: what a full disk looks like to SQLite.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    auto limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

inline constexpr Instant at(std::int64_t seconds) { return {1'000'000'000 + seconds * 1'000'000}; }

template <class R>
Awaitable<void> keep(Awaitable<R> work, std::shared_ptr<std::optional<R>> result) {
  *result = co_await std::move(work);
}

class Fixture {
 public:
  explicit Fixture(StoreConfig config = {}, Logger log = {})
      : config_(std::move(config)), log_(std::move(log)) {
    open();
  }

  void open();
  void reopen() {
    store.reset();
    open();
  }

  // Starts it; the answer is there once run() has turned the executor.
  template <class R>
  std::shared_ptr<std::optional<R>> begin(Awaitable<R> work) {
    auto result = std::make_shared<std::optional<R>>();
    scope->spawn("test", keep(std::move(work), result));
    return result;
  }
  void run() {
    io.restart();
    io.poll();
  }
  // One step of the executor; false: there is none.
  bool turn() {
    io.restart();
    return io.poll_one() > 0;
  }
  template <class R>
  R call(Awaitable<R> work) {
    auto result = begin(std::move(work));
    run();
    if (!*result) throw std::runtime_error("the store does not answer");
    return std::move(**result);
  }

  // Must succeed.
  template <class T>
  T get(Awaitable<Result<T>> work) {
    auto result = call(std::move(work));
    if (!result) throw std::runtime_error(describe(result.error()));
    return std::move(*result);
  }
  void get(Awaitable<Status> work) {
    if (auto result = call(std::move(work)); !result) throw std::runtime_error(describe(result.error()));
  }
  // Must fail.
  template <class R>
  Errc error(Awaitable<R> work) {
    auto result = call(std::move(work));
    REQUIRE(!result);
    return result.error().code;
  }

  SubmittedBuild submit(const std::string& job = {}, const std::string& key = {},
                        const std::string& hash = {});
  model::Job create_job(const std::string& path);
  // A build that was offered to the agent, accepted and started.
  model::Assignment start(const SubmittedBuild& build, const std::string& agent = "a");
  model::Build finish(const model::Assignment& one, model::BuildResult result = model::BuildResult::success);

  boost::asio::io_context io;
  std::unique_ptr<runtime::Scope> scope;
  std::unique_ptr<Store> store;

 private:
  StoreConfig config_;
  Logger log_;
};

NewBuild new_build(const std::string& job = {});
model::Agent new_agent(const std::string& id);
model::Node new_node(const std::string& agent, std::uint32_t attempt = 1);

}  // namespace footman::store::testing
