// Real processes: killed at random, and on a disk that is full.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <map>
#include <random>

#include "logs/limits.hpp"
#include "logs/tests/contract.hpp"
#include "logs/tests/world.hpp"

using namespace footman;
using namespace footman::logs;
using namespace footman::logs::testing;

namespace {

constexpr std::int64_t kStreams = 6;
constexpr std::size_t kLogBytes = 400'000;

struct Ack {
  std::int64_t stream = 0;
  std::uint64_t size = 0;  // 0: finished
};

pid_t in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  return child;
}

int exit_status_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string whole_log(std::int64_t stream) { return make_log(kLogBytes, static_cast<std::uint32_t>(stream)); }

// One builder: appends from what is durable to the end, then finishes, and tells each step that was
// acknowledged.
Awaitable<void> write_log(ports::LogStore& logs, StreamId stream, std::uint32_t seed, int tell) {
  std::mt19937 random(seed);
  const auto whole = whole_log(stream.value());
  auto extent = co_await logs.extent(stream);
  while (extent && extent->bytes < whole.size()) {
    const auto offset = extent->bytes - std::min<std::uint64_t>(extent->bytes, random() % 3 == 0 ? 100 : 0);
    const std::size_t size = random() % 12 == 0 ? 1 + random() % 60'000 : 1 + random() % 500;
    const auto durable = co_await logs.append(stream, offset, whole.substr(offset, size), {{offset, {1}}});
    if (!durable) co_return;
    extent->bytes = *durable;
    const Ack ack{stream.value(), *durable};
    (void)!::write(tell, &ack, sizeof ack);
  }
  if (!co_await logs.finish(stream)) co_return;
  const Ack ack{stream.value(), 0};
  (void)!::write(tell, &ack, sizeof ack);
}

// Never returns: it is killed.
int run_builders(const std::string& directory, std::uint32_t seed, int tell) {
  const auto clock = runtime::real::make_clock();
  auto logs = create_log_store({directory, {}, {}}, *clock, Logger());
  if (!logs) return 1;
  Loop loop;
  for (std::int64_t id = 1; id <= kStreams; ++id)
    loop.spawn(write_log(**logs, StreamId(id), seed + static_cast<std::uint32_t>(id), tell));
  loop.run_until([] { return false; });
  return 0;
}

// Reads acknowledgements and kills the process after `limit` of them; then all that are left in the pipe.
void kill_after(pid_t child, int from, std::uint64_t limit, std::map<std::int64_t, std::uint64_t>& acked,
                std::map<std::int64_t, bool>& finished) {
  Ack ack;
  for (std::uint64_t count = 0; ::read(from, &ack, sizeof ack) == sizeof ack; ++count) {
    if (ack.size == 0) finished[ack.stream] = true;
    acked[ack.stream] = std::max(acked[ack.stream], ack.size);
    const bool all = finished.size() == kStreams;
    if (count == limit || all) ::kill(child, SIGKILL);
  }
}

}  // namespace

TEST_CASE("killed at random: everything acknowledged is there, and it goes on") {
  TempDir dir;
  const auto directory = (dir.path() / "logs").string();
  std::mt19937 random(17);
  std::map<std::int64_t, std::uint64_t> acked;
  std::map<std::int64_t, bool> finished;
  int lives = 0;
  for (; lives < 200 && finished.size() < kStreams; ++lives) {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    const auto seed = static_cast<std::uint32_t>(random());
    const pid_t child = in_child([&] { return run_builders(directory, seed, pipe[1]); });
    ::close(pipe[1]);
    kill_after(child, pipe[0], random() % 200, acked, finished);
    ::close(pipe[0]);
    CHECK(exit_status_of(child) == -SIGKILL);
    // Looked at by another process again, so that this one has no threads when it forks.
    const pid_t reader = in_child([&] {
      World world(directory);
      for (const auto& [stream, size] : acked) {
        if (world.extent(stream).bytes < size) return 2;
        if (!whole_log(stream).starts_with(world.read_all(stream))) return 3;
        if (finished.contains(stream) && !world.extent(stream).finished) return 4;
      }
      return 0;
    });
    CHECK(exit_status_of(reader) == 0);
  }
  CHECK(finished.size() == kStreams);
  CHECK(lives > 3);
  World world(directory);
  for (std::int64_t id = 1; id <= kStreams; ++id) {
    world.wait_compressed(id);
    CHECK(world.read_all(id) == whole_log(id));
    CHECK_FALSE(world.exists(id, ".zst.tmp"));
  }
}

TEST_CASE("a file that may not grow: nothing of the call is kept, and it goes on later") {
  World world;
  std::signal(SIGXFSZ, SIG_IGN);
  CHECK(world.append(1, 0, std::string(10'000, 'a')) == 10'000);
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  const rlimit tight{15'000, old.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const auto refused = world.append(1, 10'000, std::string(10'000, 'b'));
  const auto size = std::filesystem::file_size(world.file(1, ".log"));
  const auto other = world.append(2, 0, "a line\n");
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::resource_exhausted);
  CHECK(size == 10'000);
  CHECK(other == 7);
  CHECK(world.append(1, 10'000, std::string(10'000, 'b')) == 20'000);
  CHECK(world.read_all(1) == std::string(10'000, 'a') + std::string(10'000, 'b'));
}

TEST_CASE("a full disk: nothing is lost, and it goes on when there is space") {
  TempDir dir;
  constexpr int kNotPermitted = 77;
  const pid_t child = in_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=2m") != 0)
      return kNotPermitted;
    World world((dir.path() / "logs").string());
    std::uint64_t size = 0;
    const std::string bytes(64 * 1024, 'x');
    auto result = world.append(1, 0, bytes);
    for (; result; result = world.append(1, size, bytes)) size = *result;
    if (result.error().code != Errc::resource_exhausted) return 1;
    if (world.extent(1).bytes != size || std::filesystem::file_size(world.file(1, ".log")) != size) return 2;
    if (world.append(2, 0, bytes).error().code != Errc::resource_exhausted) return 3;
    if (world.extent(2).bytes != 0) return 4;
    if (world.read_all(1) != std::string(size, 'x')) return 5;
    if (!world.run(world.logs->remove(StreamId(1)))) return 6;
    if (world.append(2, 0, bytes) != bytes.size()) return 7;
    return 0;
  });
  const int status = exit_status_of(child);
  if (status == kNotPermitted)
    MESSAGE("mounting is not permitted here: not tested");
  else
    CHECK(status == 0);
}
