#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "cloud/local/cgroup.hpp"
#include "cloud/local/launch.hpp"
#include "cloud/local/options.hpp"
#include "cloud/local/token_file.hpp"
#include "ports/last_lines.hpp"
#include "runtime/real/cgroup_mounts.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/spawn.hpp"

using namespace footman;
using namespace footman::cloud::local;
using namespace footman::runtime::real;
using namespace std::chrono_literals;

TEST_CASE("a handle names a process and nothing else parses as one") {
  CHECK(to_handle({12, 345}) == "12:345");
  CHECK(find_process_id("12:345") == ProcessId{12, 345});
  for (const auto* bad : {"", "12", "12:", ":5", "1:5", "0:5", "-3:5", "12:345x", "a:b"})
    CHECK_FALSE(find_process_id(bad).has_value());
}

TEST_CASE("the start time is field 22, whatever the command is called") {
  const std::string stat = "42 (a) b) 1 (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 2000";
  CHECK(start_ticks_of_stat(stat.data(), stat.size()) == 98765);
  CHECK(start_ticks_of_stat("", 0) == 0);
  CHECK(start_ticks_of_stat("1 (x) S 1", 9) == 0);
  const auto own = read_small_file("/proc/self/stat", 4096);
  const ProcessId self{::getpid(), start_ticks_of_stat(own->data(), own->size())};
  CHECK(self.start_ticks > 0);
  CHECK(open_process(self).is_open());
  CHECK_FALSE(open_process({self.pid, self.start_ticks + 1}).is_open());
}

TEST_CASE("token files: what was written is read, unfinished lines are not") {
  TokenRecord record{InstallationId("inst"), AgentId("a"), 2, Instant{77}, {}, {}};
  auto text = format_header(record);
  auto parsed = parse_token_file(text);
  REQUIRE(parsed.has_value());
  CHECK(parsed->installation.str() == "inst");
  CHECK(parsed->attempt == 2);
  CHECK(parsed->created.us == 77);
  CHECK_FALSE(parsed->process.has_value());
  CHECK_FALSE(parse_token_file(text + "launched 12:34")->process.has_value());
  text += "launched 12:34\n";
  CHECK(parse_token_file(text)->process == ProcessId{12, 34});
  model::DeathCertificate death{std::nullopt, 9, true, "two\nlines"};
  text += format_ended(death);
  parsed = parse_token_file(text);
  CHECK(parsed->death->signal == 9);
  CHECK(parsed->death->out_of_memory);
  CHECK_FALSE(parsed->death->exit_status.has_value());
  CHECK(parsed->death->text == "two lines");
  CHECK_FALSE(parse_token_file("").has_value());
  CHECK_FALSE(parse_token_file("something else\n").has_value());
}

TEST_CASE("client tokens are fit for file names") {
  CHECK(is_client_token("local-k3v9-1"));
  for (const auto* bad : {"", ".", "..", ".x", "a/b", "a b", "a\n"}) CHECK_FALSE(is_client_token(bad));
  CHECK_FALSE(is_client_token(std::string(200, 'a')));
}

TEST_CASE("options survive being frozen; anything else is refused") {
  TemplateOptions options;
  options.memory_bytes = 1ULL << 40;
  options.max_processes = 9;
  options.max_open_files = 8;
  options.inherit_proxy_variables = true;
  options.env["A"] = "b\"c";
  const auto back = parse_options(freeze_options(options));
  REQUIRE(back.has_value());
  CHECK(freeze_options(*back) == freeze_options(options));
  for (const auto* bad :
       {"", "[]", "{", R"({"memory_bytes":-1})", R"({"env":{"A":1}})", R"({"max_processes":99999999999})"})
    CHECK_FALSE(parse_options(bad).has_value());
}

TEST_CASE("own control groups are found in v1, v2 and mixed mounts") {
  const auto mixed = parse_cgroup_mounts(
      "30 20 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
      "31 30 0:26 /outer /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "32 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  REQUIRE(mixed.size() == 2);
  const std::string self = "4:memory:/outer/inner\n8:pids:/\n0::/box\n";
  CHECK(find_own_group(mixed, self, "memory") == "/sys/fs/cgroup/memory/inner");
  CHECK(find_own_group(mixed, self, "") == "/sys/fs/cgroup/unified/box");
  CHECK_FALSE(find_own_group(mixed, self, "pids").has_value());
  const auto pure = parse_cgroup_mounts("25 20 0:22 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n");
  CHECK(find_own_group(pure, "0::/", "") == "/sys/fs/cgroup");
}

TEST_CASE("a program that cannot be executed is reported and leaves no process") {
  SpawnRequest request;
  request.program = "/no/such/program";
  request.arguments = {"x"};
  request.directory = "/";
  const auto spawned = spawn_detached(request);
  REQUIRE_FALSE(spawned.has_value());
  CHECK(spawned.error().code == base::Errc::not_found);
  CHECK(spawned.error().message.find("No such file") != std::string::npos);
  request.program = "/bin/true";
  request.directory = "/no/such/directory";
  CHECK(spawn_detached(request).error().code == base::Errc::io);
}

TEST_CASE("a crash between token and process: the launch is made again; while it is locked it is not") {
  std::string pattern = std::filesystem::temp_directory_path() / "footman-token-XXXXXX";
  Site site;
  site.directory = ::mkdtemp(pattern.data());
  site.installation = InstallationId("inst");
  site.agent_binary = "/bin/true";
  std::filesystem::create_directory(site.directory + "/tokens");
  std::filesystem::create_directory(site.directory + "/launches");
  ports::LaunchSpec spec;
  spec.agent = AgentId("a");
  spec.client_token = "a-1";
  spec.options = freeze_options({});
  {
    auto token = open_token(site.token_path("a-1"), true);
    REQUIRE(token.has_value());
    const auto line = format_header({site.installation, spec.agent, 1, Instant{1}, {}, {}});
    REQUIRE(::write(token->fd.get(), line.data(), line.size()) > 0);
    const auto refused = launch_process(site, spec, Instant{2});  // somebody holds the lock: not known yet
    REQUIRE_FALSE(refused.has_value());
    CHECK_FALSE(refused.error().definite);
  }
  const auto launched = launch_process(site, spec, Instant{3});
  REQUIRE(launched.has_value());
  CHECK(launched->record.process.has_value());
  const auto again = launch_process(site, spec, Instant{4});
  REQUIRE(again.has_value());
  CHECK(again->record.process == launched->record.process);
  site.agent_binary = "/no/such/agent";
  spec.client_token = "b-1";
  const auto refused = launch_process(site, spec, Instant{5});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().definite);
  CHECK_FALSE(std::filesystem::exists(site.token_path("b-1")));
  std::filesystem::remove_all(site.directory);
}

TEST_CASE("old groups that nobody is in are removed, and no others") {
  std::string pattern = std::filesystem::temp_directory_path() / "footman-groups-XXXXXX";
  const std::string root = ::mkdtemp(pattern.data());
  std::filesystem::create_directories(root + "/ended-1/steps/1");
  std::filesystem::create_directories(root + "/ended-2");
  std::filesystem::create_directories(root + "/busy-1/steps/1");
  std::ofstream(root + "/busy-1/cgroup.procs") << "12\n";
  const auto now = std::chrono::system_clock::now();
  const CgroupRoots roots{.unified = root};
  CHECK(remove_groups_without_members(roots, 10, now + kOldGroup - 1min) == 0);
  CHECK(remove_groups_without_members(roots, 1, now + kOldGroup + 1min) == 1);
  CHECK(remove_groups_without_members(roots, 10, now + kOldGroup + 1min) == 1);
  CHECK_FALSE(std::filesystem::exists(root + "/ended-1"));
  CHECK_FALSE(std::filesystem::exists(root + "/ended-2"));
  CHECK(std::filesystem::exists(root + "/busy-1/steps/1"));
  CHECK(remove_groups_without_members({}, 10, now) == 0);
  std::filesystem::remove_all(root);
}

TEST_CASE("of a log the last lines are picked that say something") {
  using ports::pick_last_lines;
  CHECK(pick_last_lines("").empty());
  CHECK(pick_last_lines("\n \n\t\n").empty());
  CHECK(pick_last_lines("one") == "one");
  CHECK(pick_last_lines("1\n2\n3\n\n4\n5\n") == "2 | 3 | 4 | 5");
  const std::string routine = R"({"time":"2026-01-01T00:00:00.000Z","level":"info","message":"connected"})";
  const std::string fault =
      R"({"time":"2026-01-01T00:00:00.000Z","level":"error","message":"refused","code":"bad_secret"})";
  CHECK(pick_last_lines("bad\n" + routine + "\n") == "bad");
  CHECK(pick_last_lines(routine + "\n" + fault + "\n") == "refused (code: bad_secret)");
  CHECK(pick_last_lines(fault.substr(0, fault.size() - 4)) == fault.substr(0, fault.size() - 4));
  CHECK(pick_last_lines("a\rb\x01\x7f"
                        "c\n") == "a b  c");
  CHECK(pick_last_lines(std::string(1000, 'x')) == std::string(ports::kLastLineBytes, 'x') + "…");
  CHECK(pick_last_lines("wss://a:b@host/x@y http://me@proxy, mail me@x") ==
        "wss://…@host/x@y http://…@proxy, mail me@x");
  CHECK(pick_last_lines("://") == "://");
}
