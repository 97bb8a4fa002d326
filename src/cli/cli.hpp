// The command line of `footman`. Every command but `up`, `config check`, `doctor`, `cloud discover`, `image`,
// `import`, `iam-policy`, `completion`, `version`, `demo` and `simulate` is a client of the server's API.
//
// Exit codes (the table of `footman --help` and docs/CLI.md comes from kExitCodes):
//   0   done; `run`, `logs --follow` and `start --follow`: the build succeeded
//   1   the server said no, or the build ended without an exit status of its own (aborted, lost, not built);
//       `simulate`: builds never ran; `doctor`: something has failed
//   2   wrong usage, wrong input or a wrong configuration file
//   3   the server cannot be reached or is not ready
//   4   not signed in: no token, or a refused one
//   5   not found
//   6   the port, the data directory or the database cannot be used (`up`); the report cannot be written
//       (`simulate`)
//   130 interrupted
// `run`, `logs --follow` and `start --follow` end with the exit status of the build's failed step (1…255; 128
// + signal as in a shell). When nobody reads the output any more: 141, as a shell says of SIGPIPE.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "ecs/survey.hpp"
#include "model/finding.hpp"

namespace footman::cli {

using namespace footman::base;

enum ExitCode : int {
  exit_ok = 0,
  exit_refused = 1,
  exit_usage = 2,
  exit_unavailable = 3,
  exit_unauthenticated = 4,
  exit_not_found = 5,
  exit_environment = 6,
  exit_timed_out = 124,
  exit_interrupted = 130,
  exit_no_reader = 141,
};

struct ExitCodeMeaning {
  ExitCode code;
  std::string_view meaning;
};
inline constexpr std::array<ExitCodeMeaning, 10> kExitCodes = {{
    {exit_ok, "done; run and --follow: the build succeeded"},
    {exit_refused, "the server said no; no exit status; simulate: not all ran; doctor: failed"},
    {exit_usage, "wrong usage, wrong input or a wrong configuration file"},
    {exit_unavailable, "the server cannot be reached or is not ready"},
    {exit_unauthenticated, "not signed in: no token, or a refused one"},
    {exit_not_found, "not found"},
    {exit_environment, "up, simulate: the port, data directory, database or report cannot be used"},
    {exit_timed_out, "run and --follow: the build was ended by its time limit"},
    {exit_interrupted, "interrupted"},
    {exit_no_reader, "nobody reads the output any more"},
}};

// What a client looks for in the data directory.
// {"url","pid"} of the server that runs, and with HTTPS the hash of its public key as "public_key_sha256".
inline constexpr std::string_view kServerFile = "server.json";
inline constexpr std::string_view kTokenFile = "token";
// Locked by the server from before it serves until it has ended; holds "process PID on HOST".
inline constexpr std::string_view kLockFile = "footman.lock";

// `footman up`. Unset: from the configuration file, else its default.
struct UpOptions {
  std::string config_file;     // empty: ./footman.yaml or /etc/footman/footman.yaml if there, else none
  std::string data_directory;  // empty: the file's, else default_data_directory()
  std::string listen;
  std::string agent_listen;
  std::string tls_certificate;
  std::string tls_key;
  bool json_log = false;  // else for people when stderr is a terminal, JSON when it is not
  bool debug_log = false;
};

inline constexpr Duration kMaxModelTime = std::chrono::hours(24 * 7);  // of boots, ends, builds: see below

// `footman simulate`. What stands here as text is checked by the program.
struct SimulateOptions {
  std::string config_file;  // as in UpOptions
  std::string other_file;   // empty: nothing is compared
  std::string trace_file;   // this or `generate`
  std::string generate;     // steady, bursty, working-week
  std::uint64_t seed = 1;
  std::uint64_t builds_per_hour = 60;
  Duration mean_duration = 5min;
  std::optional<Duration> span;
  std::vector<std::string> labels;
  std::vector<std::string> boots;   // "TIME", "TEMPLATE=TIME"
  std::vector<std::string> prices;  // "DOLLARS", "TEMPLATE=DOLLARS"
  Duration boot_p90{0};
  Duration stop{0};
  std::optional<Duration> minimum_billing;
  std::string launch_failures;   // per cent
  std::string connect_failures;  // per cent
  std::uint64_t capacity = 0;    // 0: no limit
  std::string goal;              // "p90 wait <= 5s"; empty: none
  std::string budget;            // dollars a day; empty: none
  std::string html_file;
  bool json = false;
};

// `footman image`: which agents go into the image that carries them.
struct ImageOptions {
  std::vector<std::string> agents;         // files; empty: those beside this program
  std::vector<std::string> architectures;  // "amd64", "arm64"; empty: all that there are
  bool json = false;
};

// `footman image push`. Who one is: see its help.
struct PushOptions {
  ImageOptions image;
  std::string repository;
  std::string user;
  std::string password_file;
  std::string ca_file;
  bool plain_http = false;
};

// `footman doctor`.
struct DoctorOptions {
  config::Config config;
  std::string config_file;     // empty: there is none
  std::string cloud;           // only this one …
  std::string jenkins;         // … or only this one; both empty: all of them, and the server
  std::string data_directory;  // as in UpOptions
  std::size_t warnings = 0;    // of the configuration
};

class Output;  // cli/output.hpp

using config::FindRegion;

// What main() brings, so that this module does not see the server.
struct Programs {
  std::function<int(UpOptions)> up;
  std::function<Result<int>(const SimulateOptions& options, Output& out, Output& err)> simulate = {};
  std::function<Result<int>(const PushOptions& options, Output& out, Output& err)> push_image = {};
  std::function<Result<int>(const ImageOptions& options, const std::string& file, Output& out, Output& err)>
      save_image = {};
  std::function<Result<std::vector<model::Finding>>(const DoctorOptions& options)> doctor = {};
  // What there is in the account and region; asks AWS.
  std::function<Result<ecs::Landscape>(const ecs::CloudOptions& cloud)> discover = {};
  FindRegion find_region = {};
};

// The whole program but for what main() does first; `arguments` as main() has them, with the program's name.
// Never throws; answers with the exit code.
int run(const std::vector<std::string>& arguments, const Programs& programs);

// FOOTMAN_DATA, else $XDG_DATA_HOME/footman, else ~/.local/share/footman.
std::string default_data_directory();

}  // namespace footman::cli
