#include "cloud/local/local_cloud.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cloud/local/cgroup.hpp"
#include "cloud/tests/provider_contract.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/processes.hpp"
#include "runtime/unique_fd.hpp"

using namespace footman;
using namespace footman::cloud;
using namespace std::chrono_literals;
using contract::await_result;
using contract::make_spec;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

class LocalWorld final : public contract::World {
 public:
  explicit LocalWorld(std::string behaviour = "wait") : behaviour_(std::move(behaviour)) {
    std::string pattern = std::filesystem::temp_directory_path() / "footman-local-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    restart();
  }
  ~LocalWorld() override {
    for (const auto& entry : std::filesystem::directory_iterator(directory_ + "/tokens"))
      runtime::real::kill_by_cookie(entry.path().filename());
    cloud_.reset();
    std::filesystem::remove_all(directory_);
    for (const auto& former : former_directories) std::filesystem::remove_all(former);
  }
  // The cloud has another name, and so another directory, from the next start on.
  void rename() {
    former_directories.push_back(directory_);
    directory_ += "-renamed";
    restart();
  }
  ports::CloudProvider& cloud() override { return *cloud_; }
  base::TemplateName template_name() override { return base::TemplateName("small"); }
  runtime::Executor executor() override { return io_.get_executor(); }
  bool run_until(std::function<bool()> done) override {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > until) return false;
      io_.restart();
      io_.run_one_for(20ms);
    }
    return true;
  }
  void restart() override {
    cloud_.reset();
    local::LocalCloudConfig config;
    config.installation = base::InstallationId("contract");
    config.directory = directory_;
    config.former_directories = former_directories;
    config.agent_binary = FAKE_LOCAL_AGENT;
    config.max_agents = max_agents;
    config.terminate_grace = 50ms;
    config.templates[template_name()].env["FAKE_AGENT"] = behaviour_;
    config.templates[template_name()].max_open_files = max_open_files;
    config.open_files = open_files;
    if (memory_bytes > 0) config.templates[template_name()].memory_bytes = memory_bytes;
    auto made = local::create_local_cloud(config, io_.get_executor(), *clock_, {});
    REQUIRE(made.has_value());
    cloud_ = std::move(*made);
  }
  void end_resource(const std::string& handle) override {
    const auto id = runtime::real::find_process_id(handle);
    REQUIRE(id.has_value());
    ::kill(id->pid, SIGKILL);
  }
  std::string seen(const std::string& token) {
    const auto path = directory_ + "/" + token + "/seen";
    REQUIRE(run_until([&] { return std::filesystem::exists(path); }));
    return read_file(path);
  }
  pid_t child(const std::string& token) {
    const auto path = directory_ + "/" + token + "/child";
    REQUIRE(run_until([&] { return std::filesystem::exists(path); }));
    return static_cast<pid_t>(std::stoi(read_file(path)));
  }
  const std::string& directory() const { return directory_; }
  std::vector<std::string> former_directories;
  std::uint32_t max_agents = 0;
  std::uint32_t max_open_files = 77;
  std::uint64_t open_files = 0;
  std::uint64_t memory_bytes = 0;

 private:
  std::string behaviour_;
  std::string directory_;
  boost::asio::io_context io_;
  std::unique_ptr<runtime::Clock> clock_ = runtime::real::make_clock();
  std::unique_ptr<local::LocalCloud> cloud_;
};

// Not our child: it is a zombie at most until its new parent has looked.
bool is_alive(pid_t pid) {
  const auto status = runtime::real::read_small_file("/proc/" + std::to_string(pid) + "/status", 4096);
  if (!status) return false;
  const bool first_thread_ended = status->contains("\nState:\tZ") || status->contains("\nState:\tX");
  return !first_thread_ended || !status->contains("\nThreads:\t1\n");
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the local cloud keeps the contract of all clouds") {
  contract::check_provider_contract([] { return std::make_unique<LocalWorld>(); });
}

TEST_CASE("Jenkins' agent is supervised: told what it needs, the secret in a file") {
  LocalWorld world;
  auto spec = make_spec(world, "a");
  spec.endpoint = {"https://ci.example.com/jenkins/", "nlb:50000", "",   false,         "", false,
                   ports::AgentProgram::jenkins,      "footman-a", true, "-Xmx1g -Dx=y"};
  spec.controller_secret = base::Secret("what jenkins wants");
  const auto launched = await_result(world, world.cloud().launch(spec));
  REQUIRE(launched.has_value());
  const auto seen = world.seen("a-1");
  for (const auto* one : {"supervise", "https://ci.example.com/jenkins/", "footman-a", "--web-socket",
                          "--tunnel", "nlb:50000", "--java-options", "-Xmx1g -Dx=y", "--secret-file"})
    CHECK_MESSAGE(has_line(seen, "arg " + std::string(one)), one);
  // What is a session's alone would be refused.
  for (const auto* one : {"run", "--attempt", "--one-shot", "--public-key-sha256"})
    CHECK_MESSAGE(!has_line(seen, "arg " + std::string(one)), one);
  for (const auto* one : {"top-secret", "what jenkins wants"}) CHECK(seen.find(one) == std::string::npos);
  CHECK(read_file(world.directory() + "/launches/a-1/secret") == "what jenkins wants");
  contract::terminate_until_gone(world, launched->value, "a-1");
}

TEST_CASE("an agent has its own session, a clean environment and no descriptor but its lock") {
  ::setenv("FOOTMAN_TEST_LEAK", "1", 1);
  ::setenv("http_proxy", "http://proxy:1", 1);
  const std::string own_path = std::getenv("PATH");
  ::setenv("PATH", (own_path + ":/of/the/server").c_str(), 1);
  LocalWorld world;
  ::setenv("PATH", own_path.c_str(), 1);
  auto spec = make_spec(world, "a");
  spec.endpoint.ca_pem = "certificate";
  SUBCASE("that authority and the system's") {}
  SUBCASE("that authority only") { spec.endpoint.only_ca = true; }
  spec.endpoint.tunnel = "lb:50000";
  const auto launched = await_result(world, world.cloud().launch(spec));
  REQUIRE(launched.has_value());
  const auto seen = world.seen("a-1");
  CHECK(has_line(seen, "sid 1"));
  CHECK(has_line(seen, "term_blocked 0"));
  CHECK(has_line(seen, "nofile 77"));
  CHECK(has_line(seen, "fd 0"));
  CHECK(has_line(seen, "fd 3"));
  for (int fd = 4; fd < 77; ++fd) CHECK_FALSE(has_line(seen, "fd " + std::to_string(fd)));
  CHECK(has_line(seen, "env FOOTMAN_AGENT_COOKIE=a-1"));
  CHECK(has_line(seen, "env HOME=" + world.directory() + "/a-1/home"));
  CHECK(has_line(seen, "env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
  CHECK(seen.find("FOOTMAN_TEST_LEAK") == std::string::npos);
  CHECK(seen.find("http_proxy") == std::string::npos);
  CHECK(seen.find("top-secret") == std::string::npos);
  CHECK(has_line(seen, "arg --one-shot"));
  CHECK(has_line(seen, "arg lb:50000"));
  CHECK(has_line(seen, "arg --ca-file"));
  CHECK(has_line(seen, "arg --system-ca") == !spec.endpoint.only_ca);
  CHECK(read_file(world.directory() + "/launches/a-1/secret") == "top-secret");
  CHECK(read_file(world.directory() + "/launches/a-1/ca.pem") == "certificate");
  struct stat status{};
  REQUIRE(::stat((world.directory() + "/launches/a-1/secret").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(::stat((world.directory() + "/a-1").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  const auto gone = contract::terminate_until_gone(world, launched->value, "a-1");
  CHECK(gone.death.text == "left in order");
  CHECK(world.run_until([&] { return !std::filesystem::exists(world.directory() + "/a-1"); }));
  CHECK(world.run_until([&] { return !std::filesystem::exists(world.directory() + "/launches/a-1"); }));
  CHECK(std::filesystem::exists(world.directory() + "/tokens/a-1"));
}

TEST_CASE("an agent that ignores the polite request is killed with its whole tree") {
  LocalWorld world("stubborn");
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  const auto child = world.child("a-1");
  const auto gone = contract::terminate_until_gone(world, launched->value, "a-1");
  CHECK(gone.death.signal == SIGKILL);
  CHECK_FALSE(is_alive(child));
}

TEST_CASE("the exit status of an agent is told, also when nobody was there to see it end") {
  LocalWorld world("exit:7");
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  CHECK(world.run_until(
      [&] { return contract::find_listed(world, "a-1")->state == ports::ResourceState::gone; }));
  const auto listed = contract::find_listed(world, "a-1");
  CHECK(listed->death.exit_status == 7);
  CHECK(listed->death.text == "the agent's process exited with status 7");
  world.restart();
  CHECK(contract::find_listed(world, "a-1")->death == listed->death);
}

TEST_CASE("what an agent said last is told, also after a restart, and without what must not be shown") {
  LocalWorld world("say:1");
  const auto told = [&](const std::string& token) {
    std::string lines;
    REQUIRE(world.run_until([&] {
      const auto found = await_result(world, world.cloud().find_by_token(token));
      lines = found->last_lines;
      return found->state == ports::ResourceState::gone;
    }));
    return lines;
  };
  constexpr auto kSaid =
      "one | two | the proxy http://…@proxy:3128 does not answer | no  [31mway\xef\xbf\xbd";
  const auto spec = make_spec(world, "last");
  REQUIRE(await_result(world, world.cloud().launch(spec)).has_value());
  CHECK(told("last-1") == kSaid);
  world.restart();
  CHECK(told("last-1") == kSaid);
  const auto log = world.directory() + "/launches/last-1/agent.log";
  SUBCASE("a step has put a link in its place") {
    std::filesystem::remove(log);
    std::filesystem::create_symlink("/etc/passwd", log);
  }
  SUBCASE("a step has put a FIFO in its place") {
    std::filesystem::remove(log);
    REQUIRE(::mkfifo(log.c_str(), 0600) == 0);
  }
  SUBCASE("it is gone") { std::filesystem::remove(log); }
  world.restart();
  CHECK(told("last-1").find("root:") == std::string::npos);
  CHECK((told("last-1").empty() || std::filesystem::is_regular_file(std::filesystem::symlink_status(log))));
}

TEST_CASE("an exit file that does not agree with the end that was seen saves nobody and is not believed") {
  LocalWorld world("forge");
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  const auto child = world.child("a-1");
  REQUIRE(world.run_until(
      [&] { return contract::find_listed(world, "a-1")->state == ports::ResourceState::gone; }));
  const auto death = contract::find_listed(world, "a-1")->death;
  CHECK(death.signal == SIGKILL);
  CHECK_FALSE(death.exit_status.has_value());
  CHECK(death.text.contains("killed by signal 9"));
  CHECK(world.run_until([&] { return !is_alive(child); }));
}

TEST_CASE("whatever an agent's tree has done, it ends with its agent where v2 control groups can be made") {
  const auto roots = local::detect_cgroups();
  if (roots.unified.empty()) {
    MESSAGE("not tested: no v2 control group can be made here");
    return;
  }
  LocalWorld world("hide");
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  const auto child = world.child("a-1");
  const auto group = roots.unified + "/a-1";
  const auto below = group + "/of-a-step";  // as agents make them
  const bool nested = std::filesystem::create_directory(below);
  CHECK(nested);
  REQUIRE(world.run_until(
      [&] { return contract::find_listed(world, "a-1")->state == ports::ResourceState::gone; }));
  CHECK(world.run_until([&] { return !is_alive(child); }));
  contract::terminate_until_gone(world, launched->value, "a-1");
  CHECK(world.run_until([&] { return !std::filesystem::exists(group); }));
}

TEST_CASE("a process of an agent's tree whose first thread has ended ends with its agent") {
  LocalWorld world("headless");
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  const auto child = world.child("a-1");
  REQUIRE(world.run_until(
      [&] { return contract::find_listed(world, "a-1")->state == ports::ResourceState::gone; }));
  CHECK(world.run_until([&] { return !is_alive(child); }));
}

// An agent's limit is the agent's: a server that holds more is not in its way.
TEST_CASE("an agent may have fewer files open than the server has") {
  std::vector<runtime::UniqueFd> ours;
  ours.reserve(100);
  for (int i = 0; i < 100; ++i) ours.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  LocalWorld world("wait");
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE_MESSAGE(launched.has_value(), (launched ? std::string() : launched.error().message));
  CHECK(has_line(world.seen("a-1"), "nofile 77"));
  contract::terminate_until_gone(world, launched->value, "a-1");
}

TEST_CASE("a server that has raised its own limit of open files leaves agents the old one") {
  LocalWorld world("wait");
  world.max_open_files = 0;
  world.open_files = 55;
  world.restart();
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  CHECK(has_line(world.seen("a-1"), "nofile 55"));
  contract::terminate_until_gone(world, launched->value, "a-1");
}

// While many end, the wake-ups of those before them arrive: nobody is taken for dead because of another one.
TEST_CASE("many agents that come and go at once: how each ended is told") {
  constexpr std::size_t kAgents = 300;
  LocalWorld world("exit:7");
  std::vector<std::optional<ports::LaunchResult>> launched(kAgents);
  runtime::Scope scope(world.executor(), {});
  for (std::size_t i = 0; i < kAgents; ++i)
    scope.spawn("launch", contract::store_result<ports::LaunchResult>(
                              world.cloud().launch(make_spec(world, "a" + std::to_string(i))), &launched[i]));
  REQUIRE(world.run_until([&] { return scope.running() == 0; }));
  for (const auto& one : launched)
    CHECK_MESSAGE(one->has_value(), (*one ? std::string() : one->error().message));
  const auto all_gone = [&] {
    return std::ranges::all_of(contract::list(world),
                               [](const auto& one) { return one.state == ports::ResourceState::gone; });
  };
  REQUIRE(world.run_until(all_gone));
  const auto ended = contract::list(world);
  CHECK(ended.size() == kAgents);
  CHECK(std::ranges::count_if(ended, [](const auto& one) { return one.death.exit_status == 7; }) == kAgents);
}

// A step can put it there. Whoever waits for the FIFO's other end never ends an agent again.
TEST_CASE("a FIFO in the exit file's place stops nothing") {
  LocalWorld world("fifo");
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  REQUIRE(world.run_until(
      [&] { return contract::find_listed(world, "a-1")->state == ports::ResourceState::gone; }));
  CHECK(contract::find_listed(world, "a-1")->death.exit_status == 5);
}

TEST_CASE("an agent of the directory that ours is a copy of is left alone") {
  LocalWorld original;
  const auto launched = await_result(original, original.cloud().launch(make_spec(original, "a")));
  REQUIRE(launched.has_value());
  original.seen("a-1");
  LocalWorld copy;
  std::filesystem::copy(
      original.directory(), copy.directory(),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  for (int start = 1; start <= 2; ++start) {
    copy.restart();
    const auto listed = contract::find_listed(copy, "a-1");
    REQUIRE(listed.has_value());
    CHECK(listed->state == ports::ResourceState::gone);
    CHECK(listed->death.text.contains("a copy of"));
  }
  contract::terminate_until_gone(copy, launched->value, "a-1");
  CHECK(copy.run_until([&] { return !std::filesystem::exists(copy.directory() + "/a-1"); }));
  CHECK(contract::find_listed(original, "a-1")->state == ports::ResourceState::running);
  const auto gone = contract::terminate_until_gone(original, launched->value, "a-1");
  CHECK(gone.death.text == "left in order");
}

TEST_CASE("what a cloud launched that has another name now is listed, ended and let go") {
  LocalWorld world("stubborn");
  world.max_agents = 1;
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  const auto child = world.child("a-1");
  const auto former = world.directory();
  world.rename();
  const auto listed = contract::find_listed(world, "a-1");
  REQUIRE(listed.has_value());
  CHECK(listed->handle == launched->value);
  CHECK(listed->state == ports::ResourceState::running);
  CHECK(await_result(world, world.cloud().launch(make_spec(world, "b"))).has_value());  // it takes no place
  contract::terminate_until_gone(world, launched->value, "a-1");
  CHECK_FALSE(is_alive(child));
  CHECK(world.run_until([&] { return !std::filesystem::exists(former + "/a-1"); }));
}

TEST_CASE("a launch that cannot be is refused for good and leaves nothing") {
  LocalWorld world;
  auto spec = make_spec(world, "a");
  spec.client_token = "../../x";
  auto refused = await_result(world, world.cloud().launch(spec));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().definite);
  spec = make_spec(world, "a");
  spec.options = "[]";
  refused = await_result(world, world.cloud().launch(spec));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().definite);
  CHECK(refused.error().failure == ports::FailureClass::configuration);
  CHECK(contract::list(world).empty());
}

TEST_CASE("the machine's own limit is a definite lack of capacity") {
  LocalWorld world;
  world.max_agents = 1;
  world.restart();
  const auto first = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(first.has_value());
  const auto second = await_result(world, world.cloud().launch(make_spec(world, "b")));
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().failure == ports::FailureClass::capacity);
  CHECK(second.error().definite);
  contract::terminate_until_gone(world, first->value, "a-1");
}

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// Without control groups the limit is one of address space, of which a sanitizer takes terabytes.
constexpr std::uint64_t kAgentMemory = std::uint64_t{128} << 40;
#else
constexpr std::uint64_t kAgentMemory = 256 << 20;
#endif

TEST_CASE("a limited agent starts with or without usable control groups") {
  LocalWorld world;
  world.memory_bytes = kAgentMemory;
  world.restart();
  const auto launched = await_result(world, world.cloud().launch(make_spec(world, "a")));
  REQUIRE(launched.has_value());
  world.seen("a-1");
  contract::terminate_until_gone(world, launched->value, "a-1");
}
