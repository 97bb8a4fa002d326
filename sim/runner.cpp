#include "sim/runner.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <optional>

#include "base/check.hpp"
#include "base/number.hpp"
#include "sim/crash_places.hpp"

namespace footman::sim {

namespace {

// A worker says "B seed" before and "E …" after each seed, a line each.
struct Worker {
  pid_t pid = 0;
  int pipe = -1;
  std::uint64_t next = 0;  // seed after the one under way
  std::optional<std::uint64_t> under_way;
  std::string unread;
};

bool runs_twice(std::uint64_t seed, double share) { return Dice(seed, "twice").uniform() < share; }

void say(int pipe, const std::string& line) {
  for (std::size_t done = 0; done < line.size();) {
    const auto count = ::write(pipe, line.data() + done, line.size() - done);
    if (count <= 0) ::_exit(3);
    done += static_cast<std::size_t>(count);
  }
}

std::string line_of(const Outcome& outcome, bool twice) {
  auto line = fmt::format("E {} {} {} {} {} {} {} {} {}", outcome.seed, outcome.steps, outcome.builds,
                          outcome.launches, outcome.crashes, outcome.kills, outcome.faults,
                          outcome.virtual_time.count(), twice ? 1 : 0);
  for (const auto count : outcome.happened) line += fmt::format(" {}", count);
  for (const auto count : outcome.crashed_at) line += fmt::format(" {}", count);
  if (outcome.violation) {
    auto text = outcome.violation->text;
    std::ranges::replace(text, '\n', '|');
    line += fmt::format(" {} {}", outcome.violation->invariant, text);
  }
  return line + "\n";
}

[[noreturn]] void work(int pipe, const RunOptions& options, std::uint64_t seed, std::uint64_t end) {
  for (; seed < end; seed += options.jobs) {
    say(pipe, fmt::format("B {}\n", seed));
    const bool twice = runs_twice(seed, options.run_twice);
    say(pipe, line_of(run_seed(seed, twice, options.plant), twice));
  }
  ::_exit(0);
}

std::string take_word(std::string& text) {
  const auto at = text.find(' ');
  auto word = text.substr(0, at);
  text.erase(0, at == std::string::npos ? text.size() : at + 1);
  return word;
}

std::uint64_t take_number(std::string& text) {
  const auto word = take_word(text);
  return base::find_number<std::uint64_t>(word).value_or(0);
}

class Run {
 public:
  explicit Run(const RunOptions& options) : options_(options), end_(options.first_seed + options.seeds) {
    summary_.total.crashed_at.resize(crash_places().size());
  }

  RunSummary run() {
    std::vector<Worker> workers(options_.jobs);
    for (unsigned i = 0; i < options_.jobs; ++i) {
      workers[i].next = options_.first_seed + i;
      start(workers[i]);
    }
    while (!stopped_ && std::ranges::any_of(workers, [](const Worker& one) { return one.pipe >= 0; }))
      read_from(workers);
    for (auto& worker : workers) {
      if (worker.pipe < 0) continue;
      ::kill(worker.pid, SIGKILL);
      ::waitpid(worker.pid, nullptr, 0);
      ::close(worker.pipe);
    }
    std::ranges::sort(summary_.failures, {}, &FailedSeed::seed);
    return std::move(summary_);
  }

 private:
  void start(Worker& worker) const {
    if (worker.next >= end_) return;
    int ends[2];
    FOOTMAN_CHECK(::pipe(ends) == 0, "a pipe can be had");
    std::fflush(nullptr);
    worker.pid = ::fork();
    FOOTMAN_CHECK(worker.pid >= 0, "a process can be had");
    if (worker.pid == 0) {
      ::close(ends[0]);
      work(ends[1], options_, worker.next, end_);
    }
    ::close(ends[1]);
    worker.pipe = ends[0];
    worker.under_way.reset();
    worker.unread.clear();
  }

  void read_from(std::vector<Worker>& workers) {
    std::vector<pollfd> polled;
    polled.reserve(workers.size());
    for (const auto& worker : workers) polled.push_back({worker.pipe, POLLIN, 0});
    if (::poll(polled.data(), polled.size(), -1) < 0) return;
    for (std::size_t i = 0; i < workers.size(); ++i)
      if (polled[i].fd >= 0 && polled[i].revents != 0) read_from(workers[i]);
  }

  void read_from(Worker& worker) {
    char buffer[4096];
    const auto count = ::read(worker.pipe, buffer, sizeof buffer);
    if (count <= 0) return bury(worker);
    worker.unread.append(buffer, static_cast<std::size_t>(count));
    for (auto at = worker.unread.find('\n'); at != std::string::npos; at = worker.unread.find('\n')) {
      take_line(worker, worker.unread.substr(0, at));
      worker.unread.erase(0, at + 1);
    }
  }

  void take_line(Worker& worker, std::string line) {
    const bool begins = take_word(line) == "B";
    const auto seed = take_number(line);
    if (begins) {
      worker.under_way = seed;
      worker.next = seed + options_.jobs;
      return;
    }
    worker.under_way.reset();
    ++summary_.done;
    auto& total = summary_.total;
    for (auto* sum :
         {&total.steps, &total.builds, &total.launches, &total.crashes, &total.kills, &total.faults})
      *sum += take_number(line);
    total.virtual_time += Duration(static_cast<std::int64_t>(take_number(line)));
    summary_.run_twice += take_number(line);
    for (auto& sum : total.happened) sum += take_number(line);
    for (auto& sum : total.crashed_at) sum += take_number(line);
    if (!line.empty()) {
      const auto invariant = take_word(line);
      std::ranges::replace(line, '|', '\n');
      fail({seed, invariant, line});
    }
    if (options_.on_progress) options_.on_progress(summary_);
  }

  void fail(FailedSeed failure) {
    summary_.failures.push_back(std::move(failure));
    if (options_.on_failure) options_.on_failure(summary_.failures.back());
    stopped_ = stopped_ || summary_.failures.back().invariant == options_.stop_at;
  }

  // It has ended: with its last seed, or in the middle of one; then another goes on behind that one.
  void bury(Worker& worker) {
    ::close(worker.pipe);
    worker.pipe = -1;
    int status = 0;
    ::waitpid(worker.pid, &status, 0);
    if (!worker.under_way) return;
    ++summary_.done;
    fail({*worker.under_way, "the_program_lives",
          WIFSIGNALED(status) ? fmt::format("the program died of signal {}", WTERMSIG(status))
                              : fmt::format("the program exited with status {}", WEXITSTATUS(status))});
    start(worker);
  }

  const RunOptions& options_;
  std::uint64_t end_;
  RunSummary summary_;
  bool stopped_ = false;
};

}  // namespace

Outcome run_seed(std::uint64_t seed, bool twice, void (*plant)(WorldOptions&)) {
  WorldOptions options;
  options.seed = seed;
  if (plant != nullptr) plant(options);
  auto outcome = run_world(options);
  if (!twice || outcome.violation) return outcome;
  const auto again = run_world(options);
  if (again.trace_hash != outcome.trace_hash)
    outcome.violation = Violation{
        "same_seed_same_trace",
        fmt::format("trace {:x} the first time, {:x} the second time", outcome.trace_hash, again.trace_hash),
        outcome.virtual_time};
  return outcome;
}

RunSummary run_seeds(const RunOptions& options) { return Run(options).run(); }

}  // namespace footman::sim
