// demo: the whole story once, on this machine, leaving nothing behind.
#include <fmt/format.h>
#include <signal.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/log.hpp"
#include "base/version.hpp"
#include "cli/context.hpp"
#include "cli/event_stream.hpp"
#include "cli/follow.hpp"
#include "cli/groups.hpp"
#include "cli/server_process.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/loop.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::cli {
namespace {

constexpr Duration kReady = 20s;     // from the start of the server until it answers
constexpr Duration kWhole = 90s;     // from the submission until the agent is gone
constexpr Duration kShutdown = 20s;  // from SIGTERM until the server has ended
constexpr Duration kLookAtServer = 250ms;
// A line is held back for so long, because one that is older may still come: the log and the timeline have
// ways of their own.
constexpr Duration kHold = 300ms;
constexpr std::size_t kLogTail = 40;  // lines of the server's log that a failure shows

// The agent of a server that was killed gives up soon, so that the demonstration leaves nothing behind
// whatever happens.
constexpr std::string_view kConfig = R"(# written by footman demo
session: {heartbeat: 5s, lease: 15s, orphan_timeout: 30s}
)";

json::object hello_world() {
  const auto step = [](const char* name, const char* script) {
    return json::object{{"name", name}, {"script", script}};
  };
  json::array steps = {
      step("greet", "echo \"Hello world\"\n"),
      step("work", "for i in 1 2 3 4; do\n  echo \"working: part $i of 4\"\n  sleep 0.2\ndone\n"),
      step("report", "echo \"ran as process $$ in $PWD\"\n"),
  };
  return {{"spec", json::object{{"steps", std::move(steps)}}}, {"cause", "a demonstration"}};
}

struct Times {
  Duration ready{0};
  Duration submitted{0};
  Duration first_line{0};
  Duration finished{0};
  Duration gone{0};
};

class Demo {
 public:
  Demo(Context& context, bool as_json, std::string directory, ServerProcess& server,
       runtime::Executor executor, runtime::Clock& clock, runtime::Rng& rng)
      : context_(context),
        json_(as_json),
        directory_(std::move(directory)),
        server_(server),
        executor_(std::move(executor)),
        clock_(clock),
        rng_(rng),
        workers_(executor_, {}, [this](const std::string&, const std::string& what) {
          failure_ = Error{Errc::internal, what, {}, {}};
          changed_.notify();
        }) {}

  // The whole of it but for the shutdown. May be cancelled; stop() must follow.
  Awaitable<Status> show() {
    start_ = clock_.steady();
    FOOTMAN_CO_TRY(auto access, co_await wait_for_server());
    times_.ready = clock_.steady() - start_;
    say(fmt::format("The server is ready after {} (process {}, {}).", format_duration(times_.ready),
                    server_.pid(), access.url.str()));
    net::HttpClientConfig config;
    config.user_agent = fmt::format("footman/{}", base::version());
    client_.emplace(executor_, clock_, std::move(access), std::move(config));
    session_.emplace(Session{context_, *client_, executor_, clock_, rng_, json_});
    co_return co_await show_build();
  }
  // Ends what follows the log and the events.
  Awaitable<void> stop() {
    workers_.cancel();
    co_await workers_.join();
    say_until(Duration::max());
  }

  const Times& times() const { return times_; }
  const json::value& build() const { return build_; }
  const json::value& explanation() const { return explanation_; }

  // When nobody reads any more the rest goes on in silence: the server must end well.
  void say(std::string_view text) {
    if (json_ || nobody_reads_) return;
    try {
      context_.out.line(text);
    } catch (const OutputClosed&) {
      nobody_reads_ = true;
    }
  }
  bool nobody_reads() const { return nobody_reads_; }

 private:
  Awaitable<Result<ServerAccess>> wait_for_server() {
    Arguments arguments;
    for (const auto& option : client_options()) arguments.declare(option.name);
    arguments.add("data", directory_);
    const auto nothing = [](const std::string&) { return std::optional<std::string>(); };
    while (true) {
      auto access = find_server(arguments, nothing);
      if (access && !access->token.empty()) co_return access;
      if (!server_.end().empty()) {
        co_return fail(Errc::unavailable,
                       fmt::format("the server ended with {} at its start", server_.end()));
      }
      if (clock_.steady() - start_ > kReady) {
        co_return fail(Errc::timeout,
                       fmt::format("the server is not ready after {}", format_duration(kReady)));
      }
      co_await runtime::sleep_for(clock_, 2ms);
    }
  }

  Awaitable<Status> show_build() {
    // It answers, and the connection is there: what is measured from here on is the build's way.
    FOOTMAN_CO_TRY(const auto about, co_await client_->get("/server"));
    if (!flag_of(about, "ok")) {
      co_return fail(Errc::unavailable, "the server takes no work: " + words_of(about, "problems"));
    }
    say("Submitting a build of three steps. No agent exists yet.\n");
    submitted_ = clock_.steady();
    submitted_at_ = clock_.now();
    auto build = co_await submit_patiently(*session_, hello_world());
    if (!build) co_return std::unexpected(build.error());
    times_.submitted = clock_.steady() - submitted_;
    id_ = number_of(*build, "id").value_or(0);
    workers_.spawn("log", follow_log());
    workers_.spawn("events", listen());
    co_return co_await follow_timeline();
  }

  Awaitable<void> follow_log() {
    struct Lines final : LogWriter {
      explicit Lines(Demo& owner) : demo(owner) {}
      void write(std::uint64_t, std::string_view bytes) override {
        if (demo.times_.first_line.count() == 0) demo.times_.first_line = demo.since_submission();
        for (const char c : bytes) {
          if (c == '\n') {
            end();
          } else {
            line += c;
          }
        }
      }
      void end() override {
        if (!line.empty())
          demo.note(demo.since_submission(), "| " + styled(demo.context_.out, Style::bold, clean(line)));
        line.clear();
      }
      Demo& demo;
      std::string line;
    };
    Lines lines(*this);
    auto finished = co_await follow_build(*session_, id_, 0, lines, nullptr);
    if (!finished) {
      failure_ = finished.error();
    } else {
      times_.finished = since_submission();
      build_ = std::move(*finished);
    }
    changed_.notify();
  }

  // Events only say that there is something new.
  Awaitable<void> listen() {
    const auto on_event = [this](const ServerEvent&) {
      changed_.notify();
      return true;
    };
    const auto ended =
        co_await follow_events(*session_, {{"kinds", "build,queue_item,agent,step"}}, on_event);
    if (!ended) failure_ = ended.error();
    changed_.notify();
  }

  // Until the build is finished, its log is complete and its agent is gone.
  Awaitable<Status> follow_timeline() {
    while (true) {
      if (failure_) co_return std::unexpected(*failure_);
      if (!server_.end().empty()) {
        co_return fail(Errc::unavailable, fmt::format("the server ended with {}", server_.end()));
      }
      if (since_submission() > kWhole) {
        co_return fail(Errc::timeout, fmt::format("it is not over after {}", format_duration(kWhole)));
      }
      const auto asked = since_submission();
      FOOTMAN_CO_TRY(explanation_, co_await client_->get(fmt::format("/builds/{}/explain", id_)));
      for (const auto& entry : list_of(explanation_, "timeline")) note_entry(entry);
      say_until(asked - kHold);
      const auto state = text_of(part_of(explanation_, "agent"), "state");
      const bool is_gone = state == "terminated" || state == "failed" || state == "lost";
      if (is_gone && !build_.is_null()) break;
      co_await changed_.wait_for(clock_, kLookAtServer);
    }
    times_.gone = since_submission();
    if (text_of(build_, "result") == "SUCCESS") co_return Status();
    co_return fail(Errc::internal, fmt::format("the build ended with {}: {}", text_of(build_, "result"),
                                               text_of(build_, "reason")));
  }

  // When a step began is told a little better once its duration is known.
  void note_entry(const json::value& entry) {
    const auto at = time_of(entry, "at");
    if (!seen_.emplace(text_of(entry, "kind"), text_of(entry, "text")).second) return;
    note(std::max(at - submitted_at_, Duration(0)), clean(text_of(entry, "text")));
  }

  // What is noted is said in the order of its times.
  void note(Duration at, std::string text) { noted_.emplace(at, std::move(text)); }
  void say_until(Duration limit) {
    for (; !noted_.empty() && noted_.begin()->first <= limit; noted_.erase(noted_.begin())) {
      const auto& [at, text] = *noted_.begin();
      say(fmt::format("{:>8} ms  {}", (at.count() + 500) / 1000, text));
    }
  }

  Duration since_submission() const { return clock_.steady() - submitted_; }

  Context& context_;
  bool json_;
  bool nobody_reads_ = false;
  std::string directory_;
  ServerProcess& server_;
  runtime::Executor executor_;
  runtime::Clock& clock_;
  runtime::Rng& rng_;
  std::optional<Client> client_;
  std::optional<Session> session_;
  Duration start_{0};
  Duration submitted_{0};
  Instant submitted_at_;
  std::int64_t id_ = 0;
  Times times_;
  json::value build_;        // once it is finished
  json::value explanation_;  // the last one
  std::optional<Error> failure_;
  runtime::Event changed_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::multimap<Duration, std::string> noted_;  // and not said yet
  runtime::Scope workers_;                      // last: it goes first
};

struct Outcome {
  std::optional<Status> shown;
  std::string broken;
  bool interrupted = false;
  runtime::Event over;
};

Awaitable<void> show_demo(Demo* demo, Outcome* outcome) {
  outcome->shown = co_await demo->show();
  outcome->over.notify();
}

// Runs the demonstration until it is over or a signal comes.
Awaitable<Status> show_or_stop(Demo& demo, runtime::Executor executor) {
  Outcome outcome;
  const runtime::real::Signals signals(executor, {SIGINT, SIGTERM}, [&outcome](int) {
    outcome.interrupted = true;
    outcome.over.notify();
  });
  runtime::Scope scope(executor, {}, [&outcome](const std::string&, const std::string& what) {
    outcome.broken = what;
    outcome.over.notify();
  });
  scope.spawn("demo", show_demo(&demo, &outcome));
  co_await outcome.over.wait();
  scope.cancel();
  co_await scope.join();
  co_await demo.stop();
  if (outcome.shown) co_return *outcome.shown;
  if (outcome.interrupted) co_return fail(Errc::cancelled, "interrupted");
  co_return fail(Errc::internal, outcome.broken);
}

Awaitable<Status> stop_server(ServerProcess& server, runtime::Clock& clock) {
  server.signal(SIGTERM);
  if (!co_await server.wait(clock, kShutdown)) {
    co_return fail(Errc::timeout,
                   fmt::format("the server still runs {} after SIGTERM", format_duration(kShutdown)));
  }
  if (!server.ended_well()) co_return fail(Errc::internal, "the server ended with " + server.end());
  co_return Status();
}

// Ends what is left over, and says so.
Status check_nothing_left(const std::string& directory) {
  const auto left = find_processes_of(directory);
  for (const auto pid : left) ::kill(pid, SIGKILL);
  if (left.empty()) return {};
  return fail(Errc::internal,
              fmt::format("{} processes were left behind, first {}", left.size(), left.front()));
}

json::object to_json(const Demo& demo) {
  const auto millis = [](Duration duration) { return static_cast<double>(duration.count()) / 1000.0; };
  const auto& times = demo.times();
  return {{"ok", true},
          {"build", demo.build()},
          {"timeline", part_of(demo.explanation(), "timeline")},
          {"server_ready_ms", millis(times.ready)},
          {"submitted_ms", millis(times.submitted)},
          {"first_log_line_ms", millis(times.first_line)},
          {"finished_ms", millis(times.finished)},
          {"agent_gone_ms", millis(times.gone)}};
}

void print_summary(Demo& demo, const Output& out) {
  const auto& times = demo.times();
  const auto result = text_of(demo.build(), "result");
  demo.say("");
  demo.say(fmt::format("Result: {}", styled(out, style_of(result), result)));
  demo.say(fmt::format("  submit -> durable in the queue   {:>10}", format_duration(times.submitted)));
  demo.say(fmt::format("  submit -> first log line         {:>10}   with an agent launched from nothing",
                       format_duration(times.first_line)));
  demo.say(fmt::format("  submit -> result                 {:>10}   the build itself sleeps for 800 ms",
                       format_duration(times.finished)));
  demo.say(fmt::format("  submit -> agent gone             {:>10}", format_duration(times.gone)));
}

constexpr std::string_view kNext = R"(
The server has ended, no process is left and its data directory is removed. What to try next:

  build/release/bin/footman up                                  a server of your own; prints a link to its pages
  build/release/bin/footman run -- 'echo hello; uname -a'       in another terminal: a build, streamed
  build/release/bin/footman explain 1                           what happened to build 1, step by step
  build/release/bin/footman --help                              everything else
)";

std::string next_steps(const std::string& program) {
  std::string text(kNext);
  constexpr std::string_view placeholder = "build/release/bin/footman";
  for (auto at = text.find(placeholder); at != std::string::npos;
       at = text.find(placeholder, at + program.size())) {
    text.replace(at, placeholder.size(), program);
  }
  return text;
}

// How people would call this program from where they are.
std::string shown_program(const std::string& executable) {
  std::error_code error;
  const auto relative = std::filesystem::relative(executable, error).string();
  return error || relative.empty() || relative.starts_with("..") ? executable : relative;
}

Status write_config(const std::string& path) {
  std::ofstream out(path);
  out << kConfig;
  out.close();
  if (!out) return fail(Errc::io, "write " + path);
  return {};
}

Result<int> demo_command_run(Context& context, const Arguments& arguments) {
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return fail(Errc::io, "/proc/self/exe: " + error.message());
  const auto parent = std::filesystem::temp_directory_path(error).string();
  if (error) return fail(Errc::io, "no directory for temporary files: " + error.message());
  FOOTMAN_TRY(auto directory, TemporaryDirectory::create(parent, "footman-demo-"));
  const auto& path = directory.path();
  const auto config = path + "/footman.yaml";
  const auto log = path + "/server.log";
  FOOTMAN_TRY_STATUS(write_config(config));
  FOOTMAN_TRY(auto server, ServerProcess::start(executable,
                                                {"up", "--config", config, "--data", path, "--listen",
                                                 "127.0.0.1:0", "--agent-listen", "127.0.0.1:0"},
                                                path, log));
  const auto clock = runtime::real::make_clock();
  const auto rng = runtime::make_os_rng();
  runtime::real::Loop loop;
  Demo demo(context, arguments.has("json"), path, server, loop.executor(), *clock, *rng);
  demo.say(fmt::format("Footman {}: one build on an agent that is launched for it.", base::version()));
  auto done = loop.run(show_or_stop(demo, loop.executor()));
  if (done) print_summary(demo, context.out);
  auto stopped = loop.run(stop_server(server, *clock));
  if (done) done = stopped;
  auto nothing_left = check_nothing_left(path);
  if (done) done = nothing_left;
  if (!done) {
    context.err.line(fmt::format("The last lines of the server's log:\n{}\n", last_lines(log, kLogTail)));
    if (done.error().code == Errc::cancelled) return exit_interrupted;
    return std::unexpected(done.error());
  }
  FOOTMAN_TRY_STATUS(directory.remove());
  if (arguments.has("json")) context.out.write(pretty(to_json(demo)));
  demo.say(next_steps(shown_program(executable)));
  return demo.nobody_reads() ? exit_no_reader : exit_ok;
}

}  // namespace

Command demo_command() {
  return {"demo",
          "see it work: a server, an agent launched for one build, a clean shutdown",
          "Starts a server with an empty data directory on free ports of this machine, submits a \"Hello "
          "world\" build,\n"
          "shows the timeline and the log as they happen, ends the server and removes everything. Needs no "
          "terminal.",
          {{"footman demo", ""}, {"footman demo --json | jq .first_log_line_ms", "only one figure"}},
          {},
          {},
          {},
          demo_command_run};
}

}  // namespace footman::cli
