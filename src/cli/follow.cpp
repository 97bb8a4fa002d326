#include "cli/follow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "cli/interrupt.hpp"
#include "runtime/wait.hpp"

namespace footman::cli {
namespace {

constexpr Duration kLookAtBuild = 900ms;  // at a waiting build, on a terminal
constexpr Duration kLookForObstacle = 1s;

class PlainLog final : public LogWriter {
 public:
  explicit PlainLog(Output& out) : out_(out) {}
  void write(std::uint64_t, std::string_view bytes) override {
    out_.write(bytes);
    if (!bytes.empty()) open_line_ = bytes.back() != '\n';
  }
  // What is said next begins on a line of its own.
  void end() override {
    if (open_line_ && out_.is_terminal()) out_.write("\n");
    open_line_ = false;
  }

 private:
  Output& out_;
  bool open_line_ = false;
};

// How many bytes at the end are the beginning of a character that is not complete.
std::size_t unfinished_bytes(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

class JsonLog final : public LogWriter {
 public:
  JsonLog(Output& out, std::int64_t build) : out_(out), build_(build) {}
  void write(std::uint64_t offset, std::string_view bytes) override {
    if (held_.empty()) held_at_ = offset;
    held_ += bytes;
    const auto ready = held_.size() - unfinished_bytes(held_);
    if (ready == 0) return;
    print(std::string_view(held_).substr(0, ready));
    held_.erase(0, ready);
    held_at_ += ready;
  }
  void end() override {
    if (!held_.empty()) print(held_);
    held_.clear();
  }

 private:
  void print(std::string_view text) {
    out_.line(fmt::format(R"({{"event":"log","build":{},"offset":{},"text":{}}})", build_, held_at_,
                          json_quote(text)));
  }
  Output& out_;
  std::int64_t build_;
  std::string held_;
  std::uint64_t held_at_ = 0;
};

// One answer to `GET …/log?follow`, written as it comes.
struct LogRead {
  std::uint64_t offset = 0;  // where the next one begins
  std::string attempt;       // whose log it is; "" as long as there is none
};

// True when the log came to its end; false: read on from `at`.
Awaitable<Result<bool>> read_log_once(Session& session, std::int64_t build, LogRead& at, LogWriter& writer,
                                      Patience& patience, Progress* progress) {
  Query query = {{"follow", "true"}, {"offset", std::to_string(at.offset)}};
  FOOTMAN_CO_TRY(const auto body,
                 co_await session.client.open(fmt::format("/builds/{}/log", build), std::move(query), {}));
  const auto attempt = std::string(body->headers().value_or("Footman-Log-Attempt", ""));
  if (!attempt.empty() && attempt != at.attempt) {
    const bool is_other = !at.attempt.empty() && at.offset > 0;
    at.attempt = attempt;
    if (is_other) {  // another agent began the build anew: so does its log
      at.offset = 0;
      co_return false;
    }
  }
  while (true) {
    const auto bytes = co_await body->read(kLogPieceBytes);
    // A build may say nothing for hours: then it is asked for anew, in case the connection is dead.
    const bool is_quiet = !bytes && bytes.error().code == Errc::timeout;
    if (!bytes && !is_quiet) co_return std::unexpected(bytes.error());
    patience.reset();
    if (is_quiet) co_return false;
    if (bytes->empty()) co_return true;
    if (progress != nullptr) progress->hide();
    writer.write(at.offset, *bytes);
    at.offset += bytes->size();
  }
}

void say_reconnecting(Session& session, const Patience& patience, Progress* progress) {
  if (!patience.is_first()) return;
  if (progress != nullptr) progress->hide();
  session.err().line(styled(session.err(), Style::yellow, "footman: lost the server; trying again"));
}

// Says what a waiting build waits for.
Awaitable<void> tell_waiting(Session* session, std::int64_t build, Progress* progress) {
  const auto pause = session->err().is_terminal() ? kLookAtBuild : kNoteAfter;
  while (true) {
    co_await runtime::sleep_for(session->clock, pause);
    const auto now = co_await session->client.get(fmt::format("/builds/{}", build));
    if (!now) continue;
    const auto reason = text_of(part_of(part_of(*now, "queue"), "reason"), "text");
    if (!reason.empty() && text_of(*now, "state") == "queued") {
      progress->note(sentence_of_waiting(*now));
    } else {
      progress->say(fmt::format("build {} is {}", build, text_of(*now, "state")));
    }
  }
}

Awaitable<Result<json::value>> follow_to_end(Session& session, std::int64_t build, std::uint64_t offset,
                                             LogWriter& writer, Progress* progress) {
  Patience patience(session.clock, kReconnectFor);
  LogRead at{offset, {}};
  while (true) {
    const auto read = co_await read_log_once(session, build, at, writer, patience, progress);
    if (!read) {
      if (may_try_again(read.error())) say_reconnecting(session, patience, progress);
      FOOTMAN_CO_TRY_STATUS(co_await patience.wait_after(read.error()));
    }
    if (!read || !*read) continue;
    FOOTMAN_CO_TRY(auto now, co_await get_patiently(session, fmt::format("/builds/{}", build), patience));
    if (text_of(now, "state") == "finished") {
      writer.end();
      co_return now;
    }
    co_await runtime::sleep_for(session.clock, kFirstPause);  // the log ended before the build: look again
  }
}

// Cancels the build when it waits in vain; `why` says so then.
Awaitable<void> look_for_obstacle(Session* session, std::int64_t build, const WatchOptions* options,
                                  std::string* why) {
  while (true) {
    co_await runtime::sleep_for(session->clock, kLookForObstacle);
    const auto now = co_await session->client.get(fmt::format("/builds/{}", build));
    if (!now || text_of(*now, "state") != "queued") continue;
    auto found = co_await options->find_obstacle();
    if (found.empty()) continue;
    *why = std::move(found);
    co_await cancel_build(session, build, *why);
    co_return;
  }
}

// One build of a chain: its log, and how it ended.
Awaitable<Result<json::value>> watch(Session& session, json::value build, const WatchOptions& options,
                                     CancelOnInterrupt& interrupt, Progress* progress,
                                     std::string& obstacle) {
  const auto id = number_of(build, "id").value_or(0);
  interrupt.build_is(id);
  if (progress != nullptr) progress->say(fmt::format("build {} is {}", id, text_of(build, "state")));
  std::unique_ptr<LogWriter> writer;
  if (session.json) {
    session.out().line(one_line({{"event", "submitted"}, {"build", build}}));
    writer = make_json_log(session.out(), id);
  } else {
    writer = make_plain_log(session.out());
    if (!options.quiet) {
      session.err().line(styled(
          session.err(), Style::dim,
          fmt::format("build {} ({}) on {}", id, clean(text_of(build, "title")), session.client.url())));
    }
  }
  runtime::Scope scope(session.executor, {});
  if (options.find_obstacle) scope.spawn("obstacles", look_for_obstacle(&session, id, &options, &obstacle));
  auto finished = co_await follow_build(session, id, 0, *writer, progress);
  scope.cancel();
  co_await scope.join();
  if (progress != nullptr) progress->hide();
  if (!finished) co_return finished;
  if (session.json) {
    session.out().line(one_line({{"event", "finished"}, {"build", *finished}}));
  } else if (!options.quiet) {
    session.err().line(sentence_of_build(session.err(), *finished));
  }
  co_return finished;
}

}  // namespace

void Patience::reset() {
  pause_ = kFirstPause;
  since_.reset();
}

Awaitable<Status> Patience::wait_after(Error error) {
  if (!may_try_again(error)) co_return std::unexpected(std::move(error));
  if (!since_) since_ = clock_.steady();
  if (clock_.steady() - *since_ >= limit_) {
    error.message += fmt::format("; gave up after {}", format_duration(limit_));
    co_return std::unexpected(std::move(error));
  }
  const auto pause = pause_;
  pause_ = std::min(pause_ * 2, kLongestPause);
  co_await runtime::sleep_for(clock_, pause);
  co_return Status();
}

std::unique_ptr<LogWriter> make_plain_log(Output& out) { return std::make_unique<PlainLog>(out); }
std::unique_ptr<LogWriter> make_json_log(Output& out, std::int64_t build) {
  return std::make_unique<JsonLog>(out, build);
}

Awaitable<Result<json::value>> get_patiently(Session& session, std::string path, Patience& patience) {
  while (true) {
    auto answer = co_await session.client.get(path);
    if (answer) {
      patience.reset();
      co_return answer;
    }
    FOOTMAN_CO_TRY_STATUS(co_await patience.wait_after(answer.error()));
  }
}

Awaitable<Result<json::value>> follow_build(Session& session, std::int64_t build, std::uint64_t offset,
                                            LogWriter& writer, Progress* progress) {
  runtime::Scope scope(session.executor, {});
  if (progress != nullptr) scope.spawn("waiting", tell_waiting(&session, build, progress));
  auto finished = co_await follow_to_end(session, build, offset, writer, progress);
  scope.cancel();
  co_await scope.join();
  co_return finished;
}

int exit_code_of_build(const json::value& build, const json::value& steps) {
  const auto result = text_of(build, "result");
  if (result == "SUCCESS") return exit_ok;
  if (flag_of(build, "timed_out")) return exit_timed_out;
  if (result != "FAILURE" && result != "UNSTABLE") return exit_refused;
  auto status = number_of(build, "exit_status").value_or(0);
  if (const auto& all = list_of(steps, "steps"); status == 0 && !all.empty()) {
    if (const auto signal = number_of(all.back(), "signal")) status = 128 + *signal;
  }
  return status > 0 && status < 256 ? static_cast<int>(status) : exit_refused;
}

Awaitable<int> find_exit_code(Session& session, json::value build) {
  if (text_of(build, "result") == "FAILURE" && !number_of(build, "exit_status")) {
    const auto steps = co_await session.client.get(fmt::format("/builds/{}/steps", number_text(build, "id")));
    if (steps) co_return exit_code_of_build(build, *steps);
  }
  co_return exit_code_of_build(build, {});
}

std::string sentence_of_waiting(const json::value& build) {
  if (text_of(build, "state") != "queued") return {};
  const auto reason = text_of(part_of(part_of(build, "queue"), "reason"), "text");
  return fmt::format("build {} waits{}{}", number_text(build, "id"), reason.empty() ? "" : ": ", reason);
}

std::string sentence_of_build(const Output& out, const json::value& build) {
  const auto result = text_of(build, "result");
  auto text = fmt::format("build {} ({}): {}", number_text(build, "id"), clean(text_of(build, "title")),
                          styled(out, style_of(result), clean(result)));
  if (const auto took = millis_of(build, "duration_ms")) text += " after " + format_duration(*took);
  if (const auto reason = text_of(build, "reason"); !reason.empty()) text += ": " + clean(reason);
  if (const auto next = number_of(build, "retried_by"))
    text += fmt::format(" It is run again as build {}.", *next);
  return text;
}

Awaitable<Result<json::value>> submit_patiently(Session& session, json::value request) {
  const auto key = "cli-" + session.rng.name(32);
  Patience patience(session.clock, kReconnectFor);
  while (true) {
    auto build = co_await session.client.submit(request, key);
    if (build) co_return build;
    const bool was_never_there = patience.is_first() && build.error().code == Errc::unavailable;
    if (was_never_there) co_return build;
    FOOTMAN_CO_TRY_STATUS(co_await patience.wait_after(build.error()));
  }
}

Awaitable<Result<int>> submit_and_watch(Session& session, json::value request, WatchOptions options) {
  FOOTMAN_CO_TRY(const auto watched, co_await submit_and_see(session, std::move(request), options));
  co_return watched.exit_code;
}

Awaitable<Result<WatchedBuild>> submit_and_see(Session& session, json::value request, WatchOptions options) {
  CancelOnInterrupt interrupt(session, options.cancel_on_interrupt);
  std::optional<Progress> progress;
  if (!options.quiet)
    progress.emplace(session.err(), session.clock, session.executor, "submitting the build");
  auto build = co_await submit_patiently(session, std::move(request));
  if (!build) co_return std::unexpected(build.error());
  std::string obstacle;
  const auto see = [&](json::value one) {
    return watch(session, std::move(one), options, interrupt, progress ? &*progress : nullptr, obstacle);
  };
  auto finished = co_await see(*build);
  // A build that was lost with its agent goes on as another one.
  while (finished && number_of(*finished, "retried_by")) {
    auto next = co_await session.client.get(fmt::format("/builds/{}", number_text(*finished, "retried_by")));
    if (!next) co_return std::unexpected(next.error());
    finished = co_await see(*next);
  }
  co_await interrupt.join();
  if (!finished) co_return std::unexpected(finished.error());
  const bool is_cancelled = text_of(*finished, "result") == "ABORTED";
  if (interrupt.interrupted() && is_cancelled)
    co_return WatchedBuild{std::move(*finished), exit_interrupted, {}};
  if (!is_cancelled) obstacle.clear();  // an agent came after all, and was quicker
  const auto code = co_await find_exit_code(session, *finished);
  co_return WatchedBuild{std::move(*finished), code, std::move(obstacle)};
}

}  // namespace footman::cli
