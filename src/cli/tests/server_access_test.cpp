// Which server a client talks to, and with which token and trust.
#include "cli/server_access.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "cli/tests/script_server.hpp"

using namespace footman;
using namespace footman::cli;
using namespace footman::cli::test;

namespace {

Arguments no_arguments() {
  Arguments arguments;
  for (const auto& option : client_options()) arguments.declare(option.name);
  return arguments;
}

Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

std::string this_machine() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return host.data();
}

}  // namespace

TEST_CASE("the server is the option's, the variable's, or the one of the data directory") {
  const Place place("access");
  place.file("server.json", fmt::format(R"({{"url":"http://127.0.0.1:8111","pid":{}}})", ::getpid()));
  place.file("token", "footman_abc\n");
  const auto in_place = environment_of({{"FOOTMAN_DATA", place.path}});

  auto access = find_server(no_arguments(), in_place);
  REQUIRE(access.has_value());
  CHECK(access->url.str() == "http://127.0.0.1:8111");
  CHECK(access->pid == ::getpid());
  CHECK(access->token.expose() == "footman_abc");

  auto arguments = no_arguments();
  arguments.add("url", "https://ci.example.org/footman/");
  access =
      find_server(arguments, environment_of({{"FOOTMAN_DATA", place.path}, {"FOOTMAN_URL", "http://other"}}));
  CHECK(access->url.str() == "https://ci.example.org/footman");
  CHECK(access->token.expose() == "footman_abc");  // the directory was named

  access = find_server(no_arguments(),
                       environment_of({{"XDG_DATA_HOME", place.path}, {"FOOTMAN_URL", "http://x"}}));
  CHECK(access->token.empty());

  CHECK(default_data_directory(environment_of({{"HOME", "/home/me"}})) == "/home/me/.local/share/footman");
  CHECK(default_data_directory(environment_of({{"HOME", "/h"}, {"XDG_DATA_HOME", "/x"}})) == "/x/footman");
}

TEST_CASE("the token of this machine goes to no other") {
  const Place place("token");
  std::filesystem::create_directory(place.path + "/footman");
  place.file("footman/token", "footman_abc");
  const auto token_for = [&](const char* url) {
    auto access =
        find_server(no_arguments(), environment_of({{"XDG_DATA_HOME", place.path}, {"FOOTMAN_URL", url}}));
    REQUIRE(access.has_value());
    return std::string(access->token.expose());
  };
  CHECK(token_for("http://127.0.0.1:8080") == "footman_abc");
  CHECK(token_for("http://localhost:8080") == "footman_abc");
  CHECK(token_for("http://ci.example.org").empty());
}

TEST_CASE("tokens come from a file or the environment, and must look like tokens") {
  const Place place("tokens");
  auto arguments = no_arguments();
  arguments.add("url", "http://x");
  auto with_file = arguments;
  with_file.add("token-file", place.file("good", "  t1 \n"));
  CHECK(find_server(with_file, environment_of({{"FOOTMAN_TOKEN", "t2"}}))->token.expose() == "t1");
  CHECK(find_server(arguments, environment_of({{"FOOTMAN_TOKEN", "t2"}}))->token.expose() == "t2");

  const auto problem = [&](const std::string& file) {
    auto bad = arguments;
    bad.add("token-file", file);
    const auto access = find_server(bad, environment_of({}));
    REQUIRE_FALSE(access.has_value());
    CHECK(access.error().code == Errc::invalid_argument);
    return access.error().message;
  };
  CHECK(problem(place.file("empty", " \n")).ends_with("holds no token: it is empty"));
  CHECK(problem(place.file("words", "my secret words")).find("my secret") == std::string::npos);
  CHECK(problem(place.path + "/none").ends_with("none does not exist"));
  CHECK(problem(place.file("large", std::string(5000, 'x')))
            .ends_with("has more than 4.0 KiB, the most that it can have"));
}

TEST_CASE("the running server of this machine is known by its key, unless something else is asked for") {
  const Place place("key");
  const std::string key(64, 'a');
  const auto write = [&](int pid, const std::string& machine) {
    place.file("server.json",
               fmt::format(R"({{"url":"https://127.0.0.1:1","pid":{},"public_key_sha256":"{}"}})", pid, key));
    place.file("footman.lock", fmt::format("process {} on {}\n", ::getpid(), machine));
  };
  const auto found = [&](const Variables& more = {}, const char* option = nullptr) {
    auto arguments = no_arguments();
    if (option != nullptr) arguments.add(option, place.path + "/ca.pem");
    auto variables = more;
    variables.emplace("FOOTMAN_DATA", place.path);
    const auto access = find_server(arguments, environment_of(variables));
    REQUIRE(access.has_value());
    return access->public_key_sha256;
  };
  place.file("ca.pem", "an authority");
  write(::getpid(), this_machine());
  CHECK(found() == key);
  CHECK(found({{"FOOTMAN_URL", "https://127.0.0.1:1"}}).empty());
  CHECK(found({{"FOOTMAN_CA", place.path + "/ca.pem"}}).empty());
  CHECK(found({}, "ca-file").empty());
  write(::getppid(), this_machine());  // left behind by another server than the one that holds the directory
  CHECK(found().empty());
  write(::getpid(), "elsewhere");
  CHECK(found().empty());
  if (::geteuid() != 0) return;  // only root can give files away
  write(::getpid(), this_machine());
  for (const char* name : {"/server.json", ""}) {
    REQUIRE(::chown((place.path + name).c_str(), 12345, 0) == 0);
    REQUIRE(::chmod((place.path + name).c_str(), 0755) == 0);
  }
  CHECK(found() == key);
  REQUIRE(::seteuid(54321) == 0);
  const auto theirs = found();
  REQUIRE(::seteuid(0) == 0);
  CHECK(theirs.empty());
}

TEST_CASE("a server that starts is waited for, one that is gone is not") {
  const Place place("starts");
  const auto find = [&] {
    return find_server(no_arguments(), environment_of({{"FOOTMAN_DATA", place.path}}));
  };
  const auto held_by = [&](int pid, const std::string& machine) {
    place.file("footman.lock", fmt::format("process {} on {}\n", pid, machine));
  };
  held_by(::getpid(), this_machine());
  CHECK(find().error().code == Errc::timeout);
  held_by(::getpid(), "elsewhere");
  CHECK(find().error().code == Errc::unavailable);
  held_by(999999999, this_machine());
  CHECK(find().error().code == Errc::unavailable);
  place.file("footman.lock", "");
  CHECK(find().error().code == Errc::unavailable);

  held_by(::getpid(), this_machine());
  const std::jthread server([&] {
    std::this_thread::sleep_for(50ms);
    place.file("server.json.new", R"({"url":"http://127.0.0.1:1","pid":1})");
    std::filesystem::rename(place.path + "/server.json.new", place.path + "/server.json");
  });
  CHECK(run_footman({"queue", "--data", place.path}).err.contains("no server answers at http://127.0.0.1:1"));
}
