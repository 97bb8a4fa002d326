// Another agent's entry point: `footman-agent supervise` stands in front of Jenkins' Java agent, in any image
// or on this machine, and does for it what a cloud cannot: it keeps the secret out of arguments and
// environment, ends it at its maximum age and when its controller stays away, holds a notice back as long as
// there is time, and says how it ended.
//
// Runs in the session process of an agent (see guardian.hpp), whose guardian ends what is left of the tree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/real/children.hpp"
#include "agent/real/step_group.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "net/http_client.hpp"
#include "net/tcp.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/wait.hpp"

namespace footman::agent::real {

using namespace std::chrono_literals;

inline constexpr base::Duration kLookEvery = 30s;  // at the controller; sooner where it may stay away less
inline constexpr base::Duration kFetchPauseFirst = 1s;  // before agent.jar is asked for again, then doubled …
inline constexpr base::Duration kFetchPauseMost = 15s;  // … up to this
inline constexpr base::Duration kLookTime = 20s;        // for one whole answer; later is none
inline constexpr base::Duration kFetchTime = 5min;      // for the whole of agent.jar
inline constexpr base::Duration kAloneTime = 2s;  // Java without another process for so long has no build
inline constexpr base::Duration kLookForWork = 500ms;
inline constexpr std::size_t kMaxJarBytes = 32 << 20;

struct SupervisorConfig {
  net::Url url;  // of the controller, http or https
  std::string name;
  base::Secret secret;
  std::string work_dir;              // absolute, exists
  std::vector<std::string> command;  // empty: Java with the agent.jar of the controller
  std::string java;                  // empty: of JAVA_HOME, else of PATH
  std::vector<std::string> java_options;
  std::optional<net::Endpoint> tunnel;
  bool web_socket = false;
  std::string ca_pem;  // given to Java as well; empty: the system's authorities, and Java's own
  net::TlsClientContextPtr tls;
  net::ProxyEnvironment proxies;
  std::vector<std::string> environment;  // "NAME=value"
  std::string cookie;
  base::Duration max_age{0};         // 0: none
  base::Duration orphan_timeout{0};  // needed
  base::Duration grace{0};           // between SIGTERM and SIGKILL
};

// How the command came to its end.
struct SupervisedEnd {
  enum class Cause : std::uint8_t {
    itself,    // with exit_status or signal
    told,      // by a notice or its maximum age
    orphaned,  // the controller was away for the orphan time-out
    broken,    // it could not be started
  };
  Cause cause = Cause::itself;
  int status = 0;  // exit status, or 128 + signal; valid for `itself`
  bool out_of_memory = false;
  std::string text;  // one sentence for a person
};

// Where the secret stands as long as the command runs.
std::string secret_file_of(const std::string& work_dir);

class Supervisor {
 public:
  // Clock, rng and children outlive it.
  Supervisor(runtime::Executor executor, runtime::Clock& clock, base::Logger log, Children& children,
             SupervisorConfig config);

  // The command's whole life, once. The secret's file is gone when it returns; of the tree there may be a
  // rest.
  runtime::Awaitable<SupervisedEnd> run();

  // The machine goes away in `left`: the command is told `grace` before, and killed then; Java that runs
  // nothing is told at once. A second call only brings that forward.
  void notice(const std::string& reason, base::Duration left);

 private:
  struct Ending {
    SupervisedEnd::Cause cause = SupervisedEnd::Cause::told;
    std::string text;
    base::Duration tell_at{0};  // steady
    base::Duration kill_at{0};
  };

  void plan_end(Ending ending);
  bool is_to_go() const;
  void let_idle_java_go(base::Duration now);
  // The whole answer within `limit`. Given up before when the command's time is over.
  runtime::Awaitable<base::Result<net::HttpClientResponse>> ask(std::string path, base::Duration limit);
  runtime::Awaitable<base::Result<std::string>> fetch_jar();
  runtime::Awaitable<base::Result<std::string>> fetch_jar_once();
  base::Duration patience_left() const;  // with the controller
  runtime::Awaitable<void> watch_controller();
  runtime::Awaitable<void> look_at_controller();
  base::Result<std::vector<std::string>> make_command(const std::string& jar) const;
  std::vector<std::string> make_environment() const;
  base::Status start(const std::vector<std::string>& command);
  runtime::Awaitable<void> wait_for_end();
  void signal_tree(int number) const;
  SupervisedEnd describe() const;

  runtime::Executor executor_;
  runtime::Clock& clock_;
  base::Logger log_;
  Children& children_;
  SupervisorConfig config_;
  net::HttpClient http_;
  MemoryKills memory_kills_ = MemoryKills::find();
  std::uint64_t kills_before_ = 0;
  std::string secret_path_;
  base::Duration heard_at_{0};  // steady; of the controller
  std::string trouble_;         // why the last look at it failed
  std::optional<Ending> ending_;
  bool told_ = false;
  bool noticed_ = false;
  std::optional<base::Duration> alone_since_;  // steady; Java, since the notice
  std::optional<ChildExit> exit_;
  runtime::Event changed_;
};

}  // namespace footman::agent::real
