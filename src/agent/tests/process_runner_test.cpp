// Steps as real processes. This program becomes the subreaper of what it starts, as an agent is.
#include "agent/real/process_runner.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "runtime/real/clock.hpp"
#include "runtime/real/processes.hpp"
#include "runtime/scope.hpp"

using namespace footman;
using namespace footman::agent;
using namespace footman::agent::real;
namespace fs = std::filesystem;

namespace {

// Past the C library, which refuses its own signals; a parent may have had another library, or none.
void ignore_in_kernel(int number) {
  unsigned long action[8] = {1};  // SIG_IGN; the handler comes first
  ::syscall(SYS_rt_sigaction, number, action, nullptr, 8);
}

struct Outcome {
  std::string output;
  StepEnd end;
};

class Machine {
 public:
  explicit Machine(bool cgroups = true) {
    Children::block_signals();
    std::string pattern = fs::temp_directory_path() / "footman-runner-XXXXXX";
    work_dir = ::mkdtemp(pattern.data());
    children = std::make_unique<Children>(io.get_executor(), [](int) {});
    runner = std::make_unique<ProcessRunner>(
        io.get_executor(), *clock, base::Logger(), *children,
        ProcessRunnerConfig{
            work_dir, {"PATH=/usr/bin:/bin", "FOOTMAN_AGENT_TOKEN=x", "OWN=1"}, "test-cookie", cgroups});
    scope.spawn("children", children->run());
  }
  ~Machine() {
    scope.cancel();
    io.restart();
    io.poll();
    fs::remove_all(work_dir);
  }

  boost::asio::io_context io;
  std::unique_ptr<runtime::Clock> clock = runtime::real::make_clock();
  std::string work_dir;
  std::unique_ptr<Children> children;
  std::unique_ptr<ProcessRunner> runner;
  runtime::Scope scope{io.get_executor(), base::Logger()};

  template <class R>
  R run(runtime::Awaitable<R> work) {
    std::optional<R> result;
    scope.spawn("test", keep(std::move(work), result));
    io.restart();
    while (!result) io.run_one();
    return std::move(*result);
  }
  static StepOrder order(std::string script, std::vector<std::string> interpreter = {"/bin/sh", "-e"}) {
    StepOrder order;
    order.assignment = base::AssignmentId(7);
    order.workspace_key = "team/app";
    order.step.script = std::move(script);
    order.step.interpreter = std::move(interpreter);
    return order;
  }
  base::Result<Outcome> step(StepOrder order) { return run(run_step(std::move(order))); }
  Outcome shell(const std::string& script) {
    auto outcome = step(order(script));
    REQUIRE_MESSAGE(outcome.has_value(), (outcome ? "" : base::describe(outcome.error())));
    return std::move(*outcome);
  }
  // Runs until the step has printed this, then ends it.
  Outcome shell_until(const std::string& script, const std::string& word, base::Duration grace) {
    return run(run_until(order(script), word, grace));
  }
  std::size_t end_build() { return run(runner->end_build()); }
  // Runs the loop until the condition holds.
  template <class Condition>
  bool eventually(Condition holds) {
    const auto until = clock->steady() + 5s;
    while (!holds() && clock->steady() < until) io.run_one_for(std::chrono::milliseconds(5));
    return holds();
  }

 private:
  template <class R>
  static runtime::Awaitable<void> keep(runtime::Awaitable<R> work, std::optional<R>& result) {
    result = co_await std::move(work);
  }
  runtime::Awaitable<base::Result<Outcome>> run_step(StepOrder order) {
    FOOTMAN_CO_TRY(auto step, co_await runner->start(std::move(order)));
    Outcome outcome;
    while (true) {
      auto bytes = co_await step->read(1000);
      if (bytes.empty()) break;
      outcome.output += bytes;
    }
    outcome.end = co_await step->wait();
    co_return outcome;
  }
  runtime::Awaitable<Outcome> run_until(StepOrder order, std::string word, base::Duration grace) {
    auto step = co_await runner->start(std::move(order));
    REQUIRE(step);
    Outcome outcome;
    bool ended = false;
    while (true) {
      auto bytes = co_await (*step)->read(1000);
      if (bytes.empty()) break;
      outcome.output += bytes;
      if (ended || outcome.output.find(word) == std::string::npos) continue;
      ended = true;
      (*step)->end(grace);
    }
    outcome.end = co_await (*step)->wait();
    co_return outcome;
  }
};

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool nothing_is_left() {
  return runtime::real::find_descendants(::getpid()).empty() &&
         runtime::real::find_by_cookie("test-cookie").empty();
}

}  // namespace

TEST_CASE("output of both streams in order, the exit status, the workspace, the environment") {
  Machine machine;
  ::setenv("LEAK", "yes", 1);
  auto order = Machine::order("echo one; echo two >&2; echo three\npwd; env\nexit 3\n");
  order.env.push_back({"GREETING", base::Secret("hello world"), false});
  order.env.push_back({"OWN", base::Secret("2"), false});
  const auto outcome = machine.step(std::move(order));
  REQUIRE(outcome);
  CHECK(outcome->end.exit_status == 3);
  CHECK(outcome->end.signal == 0);
  const auto folder = machine.work_dir + "/workspaces/team%2Fapp";
  CHECK(outcome->output.starts_with("one\ntwo\nthree\n" + folder + "\n"));
  for (const auto& line :
       {"GREETING=hello world", "OWN=2", "PATH=/usr/bin:/bin", "FOOTMAN_AGENT_COOKIE=test-cookie"})
    CHECK(outcome->output.find(std::string("\n") + line + "\n") != std::string::npos);
  CHECK(outcome->output.find("\nWORKSPACE=" + folder + "\n") != std::string::npos);
  CHECK(outcome->output.find("LEAK") == std::string::npos);
  CHECK(outcome->output.find("FOOTMAN_AGENT_TOKEN") == std::string::npos);
  machine.shell("echo kept > file");
  CHECK(machine.shell("cat file").output == "kept\n");
  machine.end_build();
  CHECK(fs::is_empty(machine.work_dir + "/scripts"));
  machine.run([](ProcessRunner* runner) -> runtime::Awaitable<bool> {
    co_await runner->clean_up();
    co_return true;
  }(machine.runner.get()));
  CHECK(fs::is_empty(machine.work_dir));
}

TEST_CASE("a step inherits nothing: session, signals, mask, descriptors, stdin") {
  Machine machine;
  // What an agent may have around.
  const int leak = ::open("/dev/null", O_RDONLY);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGUSR1, SIG_IGN);
  ignore_in_kernel(32);
  const auto status = machine.shell("cat /proc/self/status").output;
  INFO(status);
  for (const auto* field : {"SigBlk:\t0000000000000000\n", "SigIgn:\t0000000000000000\n"})
    CHECK(status.find(field) != std::string::npos);
  // ls has a descriptor of its own for the folder.
  CHECK(machine.shell("ls /proc/self/fd | tr '\\n' ' '").output == "0 1 2 3 ");
  CHECK(machine.shell("cat; echo end of stdin").output == "end of stdin\n");
  CHECK(machine.shell("read -r stat < /proc/$$/stat; set -- $stat; [ $1 = $5 ] && [ $1 = $6 ] && echo leads")
            .output == "leads\n");
  CHECK(machine.shell("umask").output == "0022\n");
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGUSR1, SIG_DFL);
  ::close(leak);
}

TEST_CASE("interpreters: the given one, the #! line, else sh -e") {
  Machine machine;
  const auto run = [&](std::string script, std::vector<std::string> interpreter) {
    auto outcome = machine.step(Machine::order(std::move(script), std::move(interpreter)));
    REQUIRE(outcome);
    return outcome->output;
  };
  CHECK(run("echo $0 | sed 's|.*/||'", {"sh"}) == "7-1\n");
  CHECK(run("#!/bin/sed s|^#!.*|first|\nsecond\n", {}) == "first\nsecond\n");
  CHECK(run("#!/usr/bin/env sh\necho \"$# $1\"", {}) == "0 \n");
  CHECK(run("echo hi", {}) == "hi\n");
  CHECK(machine.step(Machine::order("false\necho not reached", {}))->end.exit_status == 1);
  const auto code = [&](std::string script, std::vector<std::string> interpreter) {
    auto outcome = machine.step(Machine::order(std::move(script), std::move(interpreter)));
    REQUIRE_FALSE(outcome);
    return outcome.error().code;
  };
  CHECK(code("", {"/no/such/shell"}) == base::Errc::not_found);
  CHECK(code("", {"no-such-shell"}) == base::Errc::not_found);
  CHECK(code("", {"/etc/passwd"}) == base::Errc::permission_denied);
  CHECK(code("#!\n", {}) == base::Errc::not_found);
  CHECK(code("#!/bin/nothing here\n", {}) == base::Errc::not_found);
  CHECK(nothing_is_left());
}

TEST_CASE("usage: CPU time and peak memory of the step and of what it started") {
  for (const bool cgroups : {true, false}) {
    CAPTURE(cgroups);
    Machine machine(cgroups);
    const auto outcome = machine.shell(
        "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'\n"
        "head -c 50000000 /dev/zero | tail -c 40000000 | wc -c");
    CHECK(outcome.output == "40000000\n");
    CHECK(outcome.end.cpu_time > 50ms);
    CHECK(outcome.end.cpu_time < 60s);
    CHECK(outcome.end.peak_memory_bytes > 40'000'000);
    CHECK(outcome.end.peak_memory_bytes < 400'000'000);
    CHECK_FALSE(outcome.end.out_of_memory);
    // The next step's are its own.
    CHECK(machine.shell("true").end.cpu_time < 50ms);
    machine.end_build();
  }
}

TEST_CASE("a signal that ends the step is reported") {
  Machine machine;
  CHECK(machine.shell("kill -KILL $$").end.signal == SIGKILL);
  CHECK(machine.shell("kill -SEGV $$").end.signal == SIGSEGV);
  CHECK_FALSE(machine.shell("kill -KILL $$").end.out_of_memory);
}

TEST_CASE("a polite end: SIGTERM reaches the whole tree, last words are read") {
  Machine machine;
  const auto outcome = machine.shell_until(
      "trap 'echo parent says bye; exit 9' TERM\n"
      "(trap 'echo child says bye; exit' TERM; while :; do sleep 0.01; done) &\n"
      "sleep 0.05; echo ready\nwhile :; do sleep 0.01; done",
      "ready", 5s);
  CHECK(outcome.output.find("parent says bye") != std::string::npos);
  CHECK(outcome.output.find("child says bye") != std::string::npos);
  CHECK(outcome.end.exit_status == 9);
  CHECK(nothing_is_left());
}

TEST_CASE("a hard end: also double-forked children in sessions of their own that ignore SIGTERM") {
  for (const bool cgroups : {true, false}) {
    CAPTURE(cgroups);
    Machine machine(cgroups);
    // Each daemon loses its parent, its session, its environment and its standard streams.
    const auto outcome = machine.shell_until(
        "trap '' TERM\n"
        "daemon='trap \"\" TERM; while :; do sleep 0.05; done'\n"
        "(setsid env -i /bin/sh -c \"$daemon\" </dev/null >/dev/null 2>&1 &) &\n"
        "(setsid setsid /bin/sh -c \"$daemon\" &) &\n"
        "sleep 0.1\necho ready\nwhile :; do sleep 0.05; done",
        "ready", 200ms);
    CHECK(outcome.end.signal == SIGKILL);
    CHECK(nothing_is_left());
    CHECK(machine.end_build() == 0);
  }
}

TEST_CASE("a stopped tree is ended, too; a zero grace kills at once") {
  Machine machine;
  CHECK(machine.shell_until("echo ready; kill -STOP $$", "ready", 5s).end.signal == SIGTERM);
  const auto before = machine.clock->steady();
  CHECK(machine.shell_until("trap '' TERM; echo ready; sleep 60", "ready", 0s).end.signal == SIGKILL);
  CHECK(machine.clock->steady() - before < 5s);
  CHECK(nothing_is_left());
}

TEST_CASE("what a step leaves behind lives until the end of the build, and its output is the next step's") {
  for (const bool cgroups : {true, false}) {
    CAPTURE(cgroups);
    Machine machine(cgroups);
    CHECK(machine
              .shell("(while [ ! -e go ]; do sleep 0.01; done; echo served; touch served; exec sleep 60) &\n"
                     "echo started")
              .output == "started\n");
    const auto second = machine.shell("touch go; while [ ! -e served ]; do sleep 0.01; done; echo used");
    CHECK(second.output == "served\nused\n");
    CHECK(second.end.exit_status == 0);
    CHECK(machine.end_build() == 1);
    CHECK(nothing_is_left());
  }
}

TEST_CASE("the end of a build ends a process whose first thread has ended") {
  for (const bool cgroups : {true, false}) {
    CAPTURE(cgroups);
    Machine machine(cgroups);
    machine.shell("setsid " LEADERLESS " pid & while [ ! -e pid ]; do sleep 0.01; done");
    const auto before = machine.clock->steady();
    CHECK(machine.end_build() == 1);
    CHECK(machine.clock->steady() - before < kKillLimit / 2);
    CHECK(nothing_is_left());
  }
}

TEST_CASE("much output, slowly read: the step blocks and nothing is lost") {
  Machine machine;
  const auto outcome = machine.shell("i=0; while [ $i -lt 40000 ]; do echo line $i; i=$((i+1)); done");
  std::size_t lines = 0;
  for (const char c : outcome.output) lines += c == '\n' ? 1 : 0;
  CHECK(lines == 40'000);
  CHECK(outcome.output.ends_with("line 39999\n"));
}

TEST_CASE("a step that is dropped is killed with its tree") {
  Machine machine;
  {
    auto step = machine.run(machine.runner->start(Machine::order("sleep 60 & setsid sleep 60 & sleep 60")));
    REQUIRE(step);
    REQUIRE(machine.eventually([] { return runtime::real::find_descendants(::getpid()).size() >= 3; }));
  }
  CHECK(machine.eventually([&] { return machine.children->reap(); }));
  CHECK(nothing_is_left());
}

TEST_CASE("control groups of agents that are no more are removed by the next one") {
  const auto root = find_group_root();
  if (root.empty()) return;
  const pid_t nobody = 2'000'000'000;  // no pid is that large
  const auto stale = root + "/" + group_name(nobody, 1);
  const auto alive = root + "/" + group_name(::getpid(), 1'000'000);
  fs::create_directory(stale);
  fs::create_directory(alive);
  CHECK(find_group_root() == root);
  CHECK_FALSE(fs::exists(stale));
  CHECK(fs::exists(alive));
  end_groups_of(::getpid());
  CHECK_FALSE(fs::exists(alive));
}

TEST_CASE("folders: safe names, different for different keys") {
  CHECK(folder_name("team/app") == "team%2Fapp");
  CHECK(folder_name("..") == "%2E.");
  CHECK(folder_name("") == "%");
  CHECK(folder_name("a b\n") == "a%20b%0A");
  const auto a = folder_name(std::string(256, 'x') + "a");
  CHECK(a.size() <= 255);
  CHECK(a != folder_name(std::string(256, 'x') + "b"));
}

TEST_CASE("a temporary work directory is made where there is not even a /tmp") {
  Machine machine;
  const auto tmp = machine.work_dir + "/tmp";
  const auto first = make_temporary_work_dir(tmp);
  REQUIRE(first.has_value());
  CHECK(first->starts_with(tmp + "/footman-agent-"));
  CHECK(fs::status(tmp).permissions() == (fs::perms::all | fs::perms::sticky_bit));
  CHECK(fs::status(*first).permissions() == fs::perms::owner_all);
  CHECK(make_temporary_work_dir(tmp).value() != *first);
  const auto nowhere = make_temporary_work_dir("/proc/footman");
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().hint.find("--work-dir") != std::string::npos);
}

TEST_CASE("workspaces are kept by key, the one used longest ago goes first") {
  Machine machine;
  Workspaces workspaces(machine.work_dir);
  const auto first = workspaces.open("0").value();
  std::ofstream(first + "/file") << "x";
  fs::create_directory(first + "/locked");
  std::ofstream(first + "/locked/file") << "x";
  fs::permissions(first + "/locked", fs::perms::owner_read | fs::perms::owner_exec);
  for (std::size_t i = 1; i < kMaxWorkspaces; ++i) REQUIRE(workspaces.open(std::to_string(i)));
  CHECK(workspaces.open("0").value() == first);
  CHECK(text_of(first + "/file") == "x");
  REQUIRE(workspaces.open("one more"));
  CHECK(fs::exists(first));
  CHECK_FALSE(fs::exists(machine.work_dir + "/workspaces/1"));
  workspaces.remove_all();
  CHECK_FALSE(fs::exists(machine.work_dir + "/workspaces"));
  // Something else in its place is not taken for a folder.
  std::ofstream(machine.work_dir + "/workspaces") << "x";
  CHECK_FALSE(workspaces.open("0"));
}
