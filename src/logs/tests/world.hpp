// A log store in a directory of its own, and calls that are run to their end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include "logs/disk.hpp"
#include "logs/logs.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/scope.hpp"

namespace footman::logs::testing {

using namespace footman::base;
using ports::LogExtent;
using ports::TimeMark;
using runtime::Awaitable;

class TempDir {
 public:
  TempDir() {
    std::string text = (std::filesystem::temp_directory_path() / "footman-logs-XXXXXX").string();
    if (::mkdtemp(text.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = text;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// An executor that is run by the test, and calls on it.
class Loop {
 public:
  template <class T>
  T run(Awaitable<T> work) {
    auto result = begin(std::move(work));
    run_until([&] { return result->has_value(); });
    return std::move(**result);
  }
  void run(Awaitable<void> work) { run(as_bool(std::move(work))); }
  // Starts it; the test looks later.
  template <class T>
  std::shared_ptr<std::optional<T>> begin(Awaitable<T> work) {
    auto result = std::make_shared<std::optional<T>>();
    scope_.spawn("test", keep(std::move(work), result));
    return result;
  }
  void spawn(Awaitable<void> work) { scope_.spawn("test", std::move(work)); }
  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
  }
  runtime::Executor executor() { return io_.get_executor(); }

 private:
  template <class T>
  static Awaitable<void> keep(Awaitable<T> work, std::shared_ptr<std::optional<T>> result) {
    *result = co_await std::move(work);
  }
  static Awaitable<bool> as_bool(Awaitable<void> work) {
    co_await std::move(work);
    co_return true;
  }
  runtime::asio::io_context io_;
  runtime::Scope scope_{io_.get_executor(), {}};
};

class World : public Loop {
 public:
  World() : World(std::string()) {}
  // In a directory that the caller keeps.
  explicit World(std::string directory)
      : directory_(directory.empty() ? (dir.path() / "logs").string() : std::move(directory)) {
    start();
  }
  ~World() { stop(); }

  void start(std::shared_ptr<Disk> disk = {}) {
    auto created = create_log_store({directory_, std::move(disk), newest, open}, *clock, Logger());
    if (!created) throw std::runtime_error(describe(created.error()));
    logs = std::move(*created);
  }
  void stop() {
    if (logs) run(logs->close());
    logs.reset();
  }
  void restart() {
    stop();
    start();
  }

  Result<std::uint64_t> append(std::int64_t stream, std::uint64_t offset, std::string bytes,
                               std::vector<TimeMark> marks = {}) {
    return run(logs->append(StreamId(stream), offset, std::move(bytes), std::move(marks)));
  }
  std::string read_all(std::int64_t stream, std::size_t step = 64 * 1024) {
    std::string all;
    while (true) {
      auto bytes = run(logs->read(StreamId(stream), all.size(), step));
      if (!bytes) throw std::runtime_error(describe(bytes.error()));
      if (bytes->empty()) return all;
      all += *bytes;
    }
  }
  LogExtent extent(std::int64_t stream) {
    auto extent = run(logs->extent(StreamId(stream)));
    if (!extent) throw std::runtime_error(describe(extent.error()));
    return *extent;
  }
  std::filesystem::path file(std::int64_t stream, const char* suffix) const {
    return std::filesystem::path(directory_) / std::to_string(stream / 1000) /
           (std::to_string(stream) + suffix);
  }
  bool exists(std::int64_t stream, const char* suffix) const {
    return std::filesystem::exists(file(stream, suffix));
  }
  void wait_compressed(std::int64_t stream) {
    run_until([&] { return exists(stream, ".zst") && !exists(stream, ".done"); });
  }

  TempDir dir;
  std::unique_ptr<runtime::Clock> clock = runtime::real::make_clock();
  std::unique_ptr<DiskLogStore> logs;
  std::optional<StreamId> newest;
  std::vector<StreamId> open;

 private:
  std::string directory_;
};

// Lines of a build: they compress about as well as real ones.
inline std::string make_log(std::size_t bytes, std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::string text;
  text.reserve(bytes + 100);
  while (text.size() < bytes)
    text += "[" + std::to_string(random() % 1000) + "/1000] Building CXX object src/" +
            std::to_string(random()) + ".o\n";
  text.resize(bytes);
  return text;
}

}  // namespace footman::logs::testing
