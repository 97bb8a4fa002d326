// The program footman-agent, against a small server on real sockets.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "agent/real/step_group.hpp"
#include "agent/tests/agent_program.hpp"
#include "agent/tests/real_server.hpp"
#include "base/tests/machine.hpp"
#include "runtime/real/cgroup_mounts.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/processes.hpp"
#include "runtime/real/spawn.hpp"

using namespace footman;
using namespace footman::agent::testing;
using footman::base::tests::machine_has;

namespace {

std::string ws(const RealServer& server) {
  return "ws://127.0.0.1:" + std::to_string(server.http_port) + "/";
}

void run_build(RealServer& server, Program& program) {
  const bool ended = server.run_until([&] { return program.ended(); });
  INFO(program.log());
  REQUIRE(ended);
  CHECK(program.exit_code() == 0);
  REQUIRE(server.result);
  CHECK(server.result->outcome == protocol::BuildOutcome::success);
  CHECK(server.log == "hello\n");
  CHECK(server.goodbye);
}

// A step that leaves two daemons behind, in sessions of their own and without their parents.
constexpr const char* kDaemons =
    "daemon='trap \"\" TERM HUP; while :; do sleep 0.05; done'\n"
    "(setsid env -i /bin/sh -c \"$daemon\" >/dev/null 2>&1 &) &\n"
    "(setsid setsid /bin/sh -c \"$daemon\" &) &\n"
    "echo $$ > pid; sleep 0.1; pgrep -f 'trap \"\" TERM HUP' > daemons; echo ready; sleep 60";

std::vector<pid_t> daemons_of(const Program& program) {
  std::vector<pid_t> out;
  std::ifstream file(program.work_dir + "/workspaces/job/daemons");
  for (pid_t pid = 0; file >> pid;) out.push_back(pid);
  return out;
}

bool any_alive(const std::vector<pid_t>& pids) {
  return std::any_of(pids.begin(), pids.end(), [](pid_t pid) { return ::kill(pid, 0) == 0; });
}

bool is_sanitized() {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#else
  return false;
#endif
}

// Statically linked programs have no interpreter.
bool is_static(const std::string& binary) {
  return !holds(text_of(binary).substr(0, 4096), "/lib64/ld-linux");
}

}  // namespace

TEST_CASE("a build over plain WebSocket; files, environment and lock afterwards") {
  RealServer server;
  server.set_script("echo hello");
  Program program;
  program.start({"--url", ws(server)});
  run_build(server, program);
  CHECK(server.hellos.at(0).secret.expose() == kSecret);
  CHECK(server.hellos.at(0).os == "linux");
  CHECK(server.hellos.at(0).cpus >= 1);
  CHECK_FALSE(fs::exists(program.work_dir + "/secret"));
  CHECK_FALSE(fs::exists(program.work_dir + "/workspaces"));
  CHECK(text_of(program.exit_file) ==
        "{\"exit_status\": 0, \"signal\": 0, \"out_of_memory\": false, \"text\": \"Single use: its build is "
        "over.\"}\n");
  CHECK_FALSE(program.is_locked());
  CHECK(program.nothing_is_left());
}

// The one who opens a FIFO to write waits for its reader.
TEST_CASE("a step that puts a FIFO where the exit file is made does not keep the agent") {
  RealServer server;
  server.set_script("mkfifo ../../exit.json.part; echo hello");
  Program program;
  program.start({"--url", ws(server)});
  run_build(server, program);
  CHECK(holds(text_of(program.exit_file), "\"exit_status\": 0"));
}

TEST_CASE("over HTTPS with an authority of one's own; an unknown one is not trusted") {
  RealServer server(true);
  server.set_script("echo hello");
  Program program;
  std::ofstream(program.work_dir + "/ca.pem") << server.ca_pem;
  const auto url = "wss://localhost:" + std::to_string(server.http_port) + "/";
  SUBCASE("known") {
    program.start({"--url", url, "--ca-file", program.work_dir + "/ca.pem"});
    run_build(server, program);
  }
  // The system's authorities are those of this file.
  const auto own = net::create_self_signed({"localhost"}, base::Instant{0}, 36500);
  REQUIRE(own);
  std::ofstream(program.work_dir + "/own.pem") << own->certificate_pem;
  const std::vector<std::string> own_ca = {"--url", url, "--ca-file", program.work_dir + "/own.pem"};
  SUBCASE("the system's, besides one's own") {
    program.environment.push_back("SSL_CERT_FILE=" + program.work_dir + "/ca.pem");
    auto arguments = own_ca;
    arguments.push_back("--system-ca");
    program.start(arguments);
    run_build(server, program);
  }
  SUBCASE("unknown") {
    auto arguments = own_ca;
    SUBCASE("to the system") { arguments = {"--url", url}; }
    SUBCASE("to one's own, and the system is not asked") {
      program.environment.push_back("SSL_CERT_FILE=" + program.work_dir + "/ca.pem");
    }
    arguments.insert(arguments.end(), {"--orphan-timeout", "1s"});
    program.start(arguments);
    REQUIRE(server.run_until([&] { return program.ended(); }));
    CHECK(program.exit_code() == 4);
    CHECK(server.hellos.empty());
    CHECK(holds(text_of(program.exit_file), "Nothing was heard of the server"));
    CHECK(holds(program.log(), "certificate"));
  }
}

TEST_CASE("over the agent port through a tunnel; only the pinned key is trusted") {
  RealServer server;
  server.set_script("echo hello");
  Program program;
  std::vector<std::string> arguments = {"--url", "tcp://agents.invalid:50000", "--tunnel",
                                        "127.0.0.1:" + std::to_string(server.agent_port),
                                        "--public-key-sha256"};
  SUBCASE("right") {
    arguments.push_back(server.public_key);
    program.start(arguments);
    run_build(server, program);
  }
  SUBCASE("wrong") {
    arguments.push_back(std::string(64, '0'));
    arguments.insert(arguments.end(), {"--orphan-timeout", "1s"});
    program.start(arguments);
    REQUIRE(server.run_until([&] { return program.ended(); }));
    CHECK(program.exit_code() == 4);
    CHECK(server.hellos.empty());
  }
}

TEST_CASE("options from the environment; a proxy variable is honoured") {
  RealServer server;
  server.set_script("echo hello");
  Program program;
  SUBCASE("environment") {
    program.environment.push_back("FOOTMAN_AGENT_URL=" + ws(server));
    program.start({}, false);
    run_build(server, program);
  }
  SUBCASE("proxy") {
    program.environment.push_back("http_proxy=http://127.0.0.1:1/");
    program.start({"--url", "ws://ci.invalid/", "--insecure", "--orphan-timeout", "1s"});
    REQUIRE(server.run_until([&] { return program.ended(); }));
    CHECK(holds(program.log(), "proxy"));
  }
}

namespace {

// Looks for the secret in the session and the guardian, and says what it found. It bears the secret
// backwards.
std::string make_spy() {
  std::string backwards = kSecret;
  std::reverse(backwards.begin(), backwards.end());
  return "exec /usr/bin/python3 - <<'END'\n"
         "import os\n"
         "wanted = b'" +
         backwards +
         "'[::-1]\n"
         "def parent(pid): return int(open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()[1])\n"
         "session = os.getppid(); guardian = parent(session)\n"
         "for name, pid in (('session', session), ('guardian', guardian)):\n"
         "  try:\n"
         "    environ = open(f'/proc/{pid}/environ', 'rb').read()\n"
         "    print(name, 'environ', wanted in environ, b'SECRET' in environ)\n"
         "  except PermissionError: print(name, 'environ denied')\n"
         "  try:\n"
         "    memory = open(f'/proc/{pid}/mem', 'rb', 0)\n"
         "    found = False; read = 0\n"
         "    for line in open(f'/proc/{pid}/maps'):\n"
         "      start, end = (int(x, 16) for x in line.split()[0].split('-'))\n"
         "      if 'r' not in line.split()[1]: continue\n"
         "      try: memory.seek(start); part = memory.read(end - start)\n"
         "      except (OSError, OverflowError, ValueError, MemoryError): continue\n"
         "      read += len(part); found = found or wanted in part\n"
         "    print(name, 'memory', found, read > 100000)\n"
         "  except PermissionError: print(name, 'memory denied')\n"
         "print('command', wanted in open(f'/proc/{session}/cmdline', 'rb').read())\n"
         "END\n";
}

}  // namespace

TEST_CASE("a step, even of root, finds the one-time secret nowhere in its parents") {
  if (!machine_has(::access("/usr/bin/python3", X_OK) == 0, "python3")) return;
  bool in_file = true;
  SUBCASE("that came in a file") {}
  SUBCASE("that came in a variable") { in_file = false; }
  RealServer server;
  server.set_script(make_spy());
  Program program;
  program.start({"--url", ws(server)}, in_file);
  const bool ended = server.run_until([&] { return program.ended(); });
  INFO(program.log());
  INFO(server.log);
  REQUIRE(ended);
  const bool root = ::getuid() == 0;
  for (const std::string who : {"session", "guardian"}) {
    CHECK(holds(server.log, who + (root ? " environ False False\n" : " environ denied\n")));
    // The sanitizers keep what was freed for a while.
    if (!root || !is_sanitized())
      CHECK(holds(server.log, who + (root ? " memory False True\n" : " memory denied\n")));
  }
  CHECK(holds(server.log, "command False\n"));
}

TEST_CASE("a step of an ordinary user may not even look") {
  if (!machine_has(::getuid() == 0 && ::access("/usr/bin/python3", X_OK) == 0, "python3 and root")) return;
  RealServer server;
  server.set_script(make_spy());
  Program program;
  // Where the user can get at it.
  fs::permissions(program.work_dir, fs::perms::all);
  program.binary = program.work_dir + "/footman-agent";
  fs::copy_file(FOOTMAN_AGENT_BINARY, program.binary);
  program.wrapper = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  program.environment.push_back("TMPDIR=" + program.work_dir);
  program.start({"--url", ws(server)}, false);
  const bool ended = server.run_until([&] { return program.ended(); });
  INFO(program.log());
  INFO(server.log);
  REQUIRE(ended);
  CHECK(holds(server.log, "session environ denied\nsession memory denied\n"));
  CHECK(holds(server.log, "guardian environ denied\nguardian memory denied\n"));
}

TEST_CASE("the session is killed: the guardian ends the whole tree and writes down why") {
  for (const auto* cgroups : {"on", "off"}) {
    CAPTURE(cgroups);
    RealServer server;
    server.set_script(kDaemons);
    Program program;
    program.start({"--url", ws(server), "--cgroups", cgroups});
    REQUIRE(server.run_until([&] { return holds(server.log, "ready"); }));
    const auto daemons = daemons_of(program);
    REQUIRE(daemons.size() >= 2);
    CHECK(any_alive(daemons));
    CHECK(program.is_locked());
    const auto session = program.session();
    REQUIRE(session > 0);
    ::kill(session, SIGKILL);
    REQUIRE(server.run_until([&] { return program.ended(); }));
    CHECK(program.exit_code() == 128 + SIGKILL);
    CHECK_FALSE(any_alive(daemons));
    CHECK(program.nothing_is_left());
    CHECK_FALSE(program.is_locked());
    CHECK(text_of(program.exit_file) ==
          "{\"signal\": 9, \"out_of_memory\": false, \"text\": \"The agent's session was killed by signal 9 "
          "(Killed).\"}\n");
  }
}

TEST_CASE("the guardian is killed: the session ends the whole tree and itself") {
  RealServer server;
  server.set_script(kDaemons);
  Program program;
  program.start({"--url", ws(server)});
  REQUIRE(server.run_until([&] { return holds(server.log, "ready"); }));
  const auto daemons = daemons_of(program);
  REQUIRE(daemons.size() >= 2);
  const auto group = "/sys/fs/cgroup/unified/" + agent::real::group_name(program.session(), 1);
  ::kill(program.pid, SIGKILL);
  REQUIRE(server.run_until([&] { return program.ended(); }));
  CHECK(server.run_until([&] { return !any_alive(daemons) && !program.is_locked(); }));
  CHECK(program.nothing_is_left());
  CHECK_FALSE(fs::exists(group));
}

TEST_CASE("SIGTERM: an idle agent leaves; a running step has until shortly before the announced end") {
  RealServer server;
  Program program;
  SUBCASE("idle") {
    program.start({"--url", ws(server)});
    REQUIRE(server.run_until([&] { return !server.resumes.empty(); }));
    ::kill(program.pid, SIGTERM);
    REQUIRE(server.run_until([&] { return program.ended(); }));
    CHECK(program.exit_code() == 0);
    CHECK(server.goodbye);
  }
  SUBCASE("busy") {
    server.set_script("trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.01; done");
    program.start({"--url", ws(server), "--notice", "3s", "--notice-grace", "2500ms"});
    REQUIRE(server.run_until([&] { return holds(server.log, "ready"); }));
    ::kill(program.pid, SIGTERM);
    REQUIRE(server.run_until([&] { return server.notice.has_value(); }));
    CHECK_FALSE(server.result);
    REQUIRE(server.run_until([&] { return program.ended(); }));
    REQUIRE(server.result);
    CHECK(server.result->outcome == protocol::BuildOutcome::lost_by_notice);
    CHECK(holds(server.log, "told\n"));
    CHECK(program.exit_code() == 0);
  }
  SUBCASE("a second one ends the step at once, a third one everything") {
    server.set_script("trap '' TERM; echo ready; sleep 60");
    program.start({"--url", ws(server), "--notice", "10m"});
    REQUIRE(server.run_until([&] { return holds(server.log, "ready"); }));
    // Two that come close together may be one: on until it is over.
    for (int i = 0; i < 100 && !program.ended(); ++i) {
      ::kill(program.pid, SIGTERM);
      server.run_until([&] { return program.ended(); }, 200ms);
    }
    REQUIRE(program.ended());
    CHECK(program.exit_code() == 5);
    CHECK(program.nothing_is_left());
  }
}

TEST_CASE("a step that runs out of memory is reported as such") {
  const auto mounts = runtime::real::read_small_file("/proc/self/mountinfo", 1 << 20);
  const auto self = runtime::real::read_small_file("/proc/self/cgroup", 1 << 20);
  const auto own = mounts && self ? runtime::real::find_own_group(runtime::real::parse_cgroup_mounts(*mounts),
                                                                  *self, "memory")
                                  : std::nullopt;
  RealServer server;
  server.set_script("head -c 500000000 /dev/zero | tail -c 400000000 | wc -c; echo survived");
  server.work.work.steps[0].interpreter = {"/bin/bash", "-eo", "pipefail"};
  Program program;
  const auto group = own ? *own + "/" + program.cookie : std::string();
  if (!own || ::mkdir(group.c_str(), 0755) != 0) {
    MESSAGE("needs a memory control group (v1) of its own");
    return;
  }
  std::ofstream(group + "/memory.limit_in_bytes") << (200 << 20);
  program.cgroups = {group};
  program.start({"--url", ws(server)});
  const bool ended = server.run_until([&] { return program.ended(); });
  INFO(program.log());
  INFO(server.log);
  REQUIRE(ended);
  REQUIRE(server.step);
  CHECK(server.step->out_of_memory);
  CHECK(server.result->reason == "Step 1 ran out of memory and was killed.");
  CHECK_FALSE(holds(server.log, "survived"));
  CHECK(program.exit_code() == 0);
  CHECK(::rmdir(group.c_str()) == 0);
}

TEST_CASE("the connection is cut and comes back: nothing is lost") {
  RealServer server;
  server.set_script("i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); sleep 0.005; done");
  Program program;
  program.start({"--url", ws(server)});
  REQUIRE(server.run_until([&] { return holds(server.log, "line 20\n"); }));
  server.send(protocol::Goodbye{protocol::GoodbyeCode::shutting_down, "restart", true});
  REQUIRE(server.run_until([&] { return program.ended(); }));
  CHECK(server.sessions >= 2);
  std::string all;
  for (int i = 0; i < 200; ++i) all += "line " + std::to_string(i) + "\n";
  CHECK(server.log == all);
  CHECK(server.hellos.back().secret.empty());
}

TEST_CASE("wrong use: one clear sentence and exit code 2") {
  Program program;
  SUBCASE("option") { program.start({"--nonsense"}); }
  SUBCASE("no url") { program.start({}); }
  SUBCASE("a secret that is none") {
    program.environment.push_back("FOOTMAN_AGENT_SECRET=" + std::string(1000, 'x'));
    program.start_bare({"--url", "ws://127.0.0.1:1/"});
  }
  SUBCASE("a secret file with noise") {
    program.environment.push_back("FOOTMAN_AGENT_SECRET_FILE=" + program.work_dir + "/noise");
    std::ofstream(program.work_dir + "/noise") << std::string("a\0b", 3);
    program.start_bare({"--url", "ws://127.0.0.1:1/"});
  }
  SUBCASE("an authority that is not there") {
    program.start({"--url", "wss://localhost:1/", "--ca-file", "/no/such/file"});
  }
  int status = 0;
  REQUIRE(::waitpid(program.pid, &status, 0) == program.pid);
  program.status = status;
  CHECK(program.exit_code() == 2);
  const auto log = program.log();
  CHECK(log.starts_with("footman-agent: "));
  CHECK(std::count(log.begin(), log.end(), '\n') == 1);
}

TEST_CASE("an image with nothing in it but a static shell; as its PID 1") {
  if (!is_static(FOOTMAN_AGENT_BINARY)) {
    MESSAGE("is for the release build: not run");
    return;
  }
  if (!machine_has(::getuid() == 0 && ::access("/usr/bin/bwrap", X_OK) == 0, "bwrap and root")) return;
  RealServer server;
  server.set_script("echo hello");
  Program program;
  const auto root = program.work_dir + "/root";
  fs::create_directories(root + "/bin");
  fs::copy_file("/bin/busybox", root + "/bin/sh");
  fs::copy_file(FOOTMAN_AGENT_BINARY, root + "/footman-agent");
  program.binary = "/footman-agent";
  program.wrapper = {"/usr/bin/bwrap", "--bind", root, "/", "--chdir", "/"};
  std::string host = "127.0.0.1";
  SUBCASE("nothing else at all") { program.environment = {"TMPDIR=/"}; }
  SUBCASE("PID 1, with /proc") {
    fs::create_directories(root + "/proc");
    fs::create_directories(root + "/dev");
    program.wrapper.insert(program.wrapper.end(),
                           {"--unshare-pid", "--as-pid-1", "--proc", "/proc", "--dev", "/dev"});
    program.environment = {"TMPDIR=/"};
    // A zombie whose parent is gone is taken by PID 1. The script waits until every other shell is gone, for
    // a second or so: what is still there then is a zombie that nobody takes.
    server.set_script(
        "(sh -c 'sh -c \"exit 0\" & exec sh -c \"exit 0\"' &) \n"
        "n=0; others=yes\n"
        "while [ -n \"$others\" ] && [ $n -lt 20000 ]; do\n"
        "  n=$((n+1)); others=\n"
        "  for dir in /proc/[0-9]*; do\n"
        "    [ $dir = /proc/$$ ] && continue\n"
        "    { read -r stat < $dir/stat; } 2>/dev/null || continue\n"
        "    case \"$stat\" in *'(footman-agent) '*) ;; *) others=\"$others $stat\";; esac\n"
        "  done\n"
        "done\n"
        "[ -z \"$others\" ] || echo left: $others\n"
        "echo hello");
  }
  SUBCASE("names are resolved") {
    host = "localhost";
    fs::create_directories(root + "/etc");
    std::ofstream(root + "/etc/hosts") << "127.0.0.1 localhost\n";
    // Would make glibc load modules of the image.
    std::ofstream(root + "/etc/nsswitch.conf") << "hosts: mdns4_minimal resolve myhostname dns\n";
    std::ofstream(root + "/etc/openssl.cnf") << "openssl_conf = nonsense\n";
    program.environment = {"TMPDIR=/"};
  }
  program.start({"--url", "tcp://" + host + ":" + std::to_string(server.agent_port), "--public-key-sha256",
                 server.public_key},
                false);
  run_build(server, program);
}
