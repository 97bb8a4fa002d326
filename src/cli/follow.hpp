// Following a build to its end: its log without gaps or repeats over broken connections and restarts of the
// server, then its result.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/context.hpp"
#include "cli/progress.hpp"

namespace footman::cli {

inline constexpr Duration kReconnectFor = 10min;  // a server that is away for longer is given up
inline constexpr Duration kFirstPause = 100ms;    // between two attempts, doubled up to kLongestPause
inline constexpr Duration kLongestPause = 2s;
inline constexpr std::size_t kLogPieceBytes = 64 * 1024;  // read and written at once

// Pauses between attempts to reach a server, and when to give up.
class Patience {
 public:
  Patience(runtime::Clock& clock, Duration limit) : clock_(clock), limit_(limit) {}
  // It answered: start again.
  void reset();
  // Waits before the next attempt. `error` once the limit has passed, or at once when trying again cannot
  // help.
  Awaitable<Status> wait_after(Error error);
  bool is_first() const { return !since_; }

 private:
  runtime::Clock& clock_;
  Duration limit_;
  Duration pause_ = kFirstPause;
  std::optional<Duration> since_;
};

// Where a log goes.
class LogWriter {
 public:
  virtual ~LogWriter() = default;
  virtual void write(std::uint64_t offset, std::string_view bytes) = 0;
  virtual void end() {}
};
std::unique_ptr<LogWriter> make_plain_log(Output& out);
// One line of JSON a piece: {"event":"log","build":17,"offset":0,"text":"…"}. Pieces end between characters.
std::unique_ptr<LogWriter> make_json_log(Output& out, std::int64_t build);

// GET, again until the server answers or `patience` ends.
Awaitable<Result<json::value>> get_patiently(Session& session, std::string path, Patience& patience);

// Writes the log from `offset` until the build is finished; the finished build. `progress` may be null.
Awaitable<Result<json::value>> follow_build(Session& session, std::int64_t build, std::uint64_t offset,
                                            LogWriter& writer, Progress* progress);

// The exit code for a finished build. `steps` (the API's answer, or null) tells the signal that ended the
// last one.
int exit_code_of_build(const json::value& build, const json::value& steps);
// The same, with the steps fetched where they are needed.
Awaitable<int> find_exit_code(Session& session, json::value build);
// "build 17 waits: no template offers label 'gpu'"; empty when it does not wait.
std::string sentence_of_waiting(const json::value& build);
// "build 17 (team/app #3): FAILURE after 2.1 s: Step test ended with exit status 2"
std::string sentence_of_build(const Output& out, const json::value& build);

// Submits a build (docs/openapi.yaml, NewBuild). An answer that was lost is asked for again with the same
// key, so that there is one build. unavailable at once when the server is not there to begin with.
Awaitable<Result<json::value>> submit_patiently(Session& session, json::value request);

struct WatchOptions {
  bool quiet = false;  // nothing but the log
  bool cancel_on_interrupt =
      false;  // SIGINT and SIGTERM cancel the build; a second one ends this program at once
  // Asked again and again while the build waits: why it waits in vain; empty: it does not. If it does, it is
  // cancelled.
  std::function<Awaitable<std::string>()> find_obstacle = {};
};
// Submits a build, shows its log as it goes and says how it ended; the exit code. A build that was lost with
// its agent and is run again is followed by the one that runs in its place.
Awaitable<Result<int>> submit_and_watch(Session& session, json::value request, WatchOptions options);

struct WatchedBuild {
  json::value build;  // finished; the last one of a chain
  int exit_code = 0;
  std::string obstacle = {};  // not empty: it was cancelled because it waited in vain
};
// The same, for those who want to know more of it.
Awaitable<Result<WatchedBuild>> submit_and_see(Session& session, json::value request, WatchOptions options);

}  // namespace footman::cli
