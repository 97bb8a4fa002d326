#include "apps/footman/server.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "api/api.hpp"
#include "apps/footman/agent_port.hpp"
#include "apps/footman/aws_access.hpp"
#include "apps/footman/clouds.hpp"
#include "apps/footman/data_directory.hpp"
#include "apps/footman/jenkinses.hpp"
#include "apps/footman/secrets.hpp"
#include "apps/footman/settings.hpp"
#include "base/digest.hpp"
#include "base/job_metrics.hpp"
#include "base/version.hpp"
#include "cli/config_file.hpp"
#include "controller/controller.hpp"
#include "fleet/fleet.hpp"
#include "logs/logs.hpp"
#include "net/certificate.hpp"
#include "net/http_server.hpp"
#include "protocol/codec.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/limited_calls.hpp"
#include "runtime/real/memory.hpp"
#include "runtime/real/thread.hpp"
#include "runtime/wait.hpp"
#include "simulate/pool_goals.hpp"
#include "store/directory.hpp"
#include "store/store.hpp"
#include "web/web.hpp"

namespace footman::app {
namespace {

namespace asio = boost::asio;
using base::Result;
using base::Status;
using runtime::Awaitable;

static_assert(cli::kLockFile == store::kLockFile);  // what clients look for is what the server locks

constexpr std::size_t kMaxCaBytes = 1 << 20;   // of tls.ca; a larger file is an error
constexpr std::size_t kUsualOpenFiles = 1024;  // where the system does not tell
constexpr std::size_t kChangesKept = 4096;     // for readers of the event stream that fall behind

base::Logger make_logger(const cli::UpOptions& options) {
  const auto least = options.debug_log ? base::LogLevel::debug : base::LogLevel::info;
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (options.json_log || !terminal) return base::Logger(base::make_json_log(STDERR_FILENO, least));
  return base::Logger(base::make_console_log(STDERR_FILENO, least, std::getenv("NO_COLOR") == nullptr));
}

// What the command line says wins over the file.
void apply_options(config::Config& config, const cli::UpOptions& options) {
  const auto set = [](std::string& target, const std::string& value) {
    if (!value.empty()) target = value;
  };
  set(config.listen, options.listen);
  set(config.agent_listen, options.agent_listen);
  set(config.data, options.data_directory);
  set(config.tls_certificate, options.tls_certificate);
  set(config.tls_key, options.tls_key);
  if (config.data.empty()) config.data = cli::default_data_directory();
}

std::string crash_point() {
  const char* name = std::getenv("FOOTMAN_CRASH_POINT");  // for the crash tests
  return name == nullptr ? "" : name;
}

// One key less that is worth something: what signs forms signs nothing else.
base::Secret csrf_key_of(const base::Secret& server_key) {
  return base::Secret(base::hmac_sha256(server_key.expose(), "footman csrf key"));
}

// Coroutines for run_on: a call on the executor where its parts live.
Awaitable<Result<std::unique_ptr<net::Listener>>> open_listener(runtime::Executor net, runtime::Clock* clock,
                                                                net::Endpoint at, base::Logger log) {
  co_return net::create_listener(std::move(net), *clock, at, std::move(log));
}
using LoadOutcome = std::expected<cli::LoadedConfig, std::vector<config::Diagnostic>>;
constexpr base::Duration kTidyPace = std::chrono::seconds(30);
constexpr std::size_t kFreeMemoryKept = 8 * 1024 * 1024;  // for the next burst
constexpr base::Duration kReloadLimit = std::chrono::seconds(10);
constexpr std::size_t kMaxReloadReads = 4;  // that do not come back

// A pipe was empty after the start, and an empty configuration is a valid one.
LoadOutcome load_again(const std::string& file) {
  std::error_code none;
  if (const auto status = std::filesystem::status(file, none);
      std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    return std::unexpected(
        std::vector{config::Diagnostic{file, {}, "is not a regular file, so it cannot be read again"}});
  return cli::load_config(file, find_region);
}

Awaitable<void> serve_agent(controller::AgentHub* hub, runtime::ByteStreamPtr stream,
                            std::function<void()> known) {
  co_await hub->serve(std::move(stream), std::move(known));
}
Awaitable<net::HttpResponse> upgrade_agent(controller::AgentHub* hub,
                                           std::shared_ptr<const net::HttpRequest>) {
  net::HttpResponse response;
  response.upgrade = [hub](runtime::ByteStreamPtr stream, std::function<void()> known) {
    return serve_agent(hub, std::move(stream), std::move(known));
  };
  co_return response;
}

// The soft limit, and what it was before it was raised to the hard one: few programs expect as many.
struct OpenFiles {
  std::size_t before = 0;
  std::size_t now = 0;
};

OpenFiles raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {kUsualOpenFiles, kUsualOpenFiles};
  const auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  return {before, limit.rlim_cur};
}

class Server {
 public:
  Server(cli::UpOptions options, cli::LoadedConfig loaded, OpenFiles open_files, base::Logger log)
      : options_(std::move(options)),
        loaded_(std::move(loaded)),
        open_files_(open_files),
        shares_(share_descriptors(open_files.now)),
        log_(std::move(log)) {}

  // Until a signal, or until something cannot be had. The exit code.
  int run();

 private:
  // In the order of the server's life.
  Awaitable<void> live();
  Awaitable<Status> start();
  Status read_settings();
  Status read_tls_files();
  Awaitable<Status> open_stores();
  store::StoreConfig store_config();
  Awaitable<Status> listen();
  Awaitable<Result<std::unique_ptr<net::Listener>>> listen_on(net::Endpoint at);
  Status make_clouds();
  Status make_jenkinses();
  void make_controller();
  void make_fleet();
  Awaitable<Status> make_api();
  void make_http();
  Awaitable<void> serve_network();
  void welcome_people();
  Awaitable<void> obey_signals();
  Awaitable<void> tidy_memory();
  Awaitable<void> stop();
  Awaitable<void> stop_network();

  Awaitable<Result<std::vector<std::string>>> reload();
  Awaitable<Status> apply(cli::LoadedConfig next);
  ServerFacts facts() const;
  ports::JenkinsDesk* desk() const { return loaded_.config.jenkins.empty() ? nullptr : jenkinses_.get(); }
  api::ServerInfo server_info() const;
  std::string url() const;

  cli::UpOptions options_;
  cli::LoadedConfig loaded_;
  OpenFiles open_files_;
  PortShares shares_;
  base::Logger log_;
  base::Metrics metrics_;
  std::unique_ptr<runtime::Clock> clock_ = runtime::real::make_clock();
  std::unique_ptr<runtime::Rng> rng_ = runtime::make_os_rng();
  const base::Instant started_ = clock_->now();
  const runtime::CrashPoints crash_points_ = runtime::make_crash_points(crash_point());
  int exit_code_ = cli::exit_ok;
  bool stopping_ = false;
  runtime::Event stopped_tidying_;
  runtime::Gate reloads_;  // SIGHUP and the API may ask at once; each compares with what the one before made

  asio::io_context control_{1};  // of the main thread
  SecretReader secrets_{control_.get_executor(), *clock_};
  runtime::real::LimitedCalls<LoadOutcome> load_calls_{control_.get_executor(), *clock_, kReloadLimit,
                                                       kMaxReloadReads};
  runtime::real::Thread net_{"net"};
  runtime::real::Thread search_{"search", runtime::real::Share::left_over};
  runtime::Feed<model::Change> changes_{kChangesKept};

  std::optional<DataDirectory> data_;
  std::unique_ptr<store::Store> store_;
  store::OpenState open_state_;
  base::Secret server_key_;
  base::InstallationId installation_;
  std::unique_ptr<logs::DiskLogStore> logs_;
  net::TlsServerContextPtr http_tls_;
  net::TlsServerContextPtr agent_tls_;
  std::string http_key_hash_;  // empty: HTTP
  std::string agent_key_hash_;
  std::string ca_pem_;  // what agents trust: tls.ca, else the certificate itself
  std::unique_ptr<net::Listener> http_listener_;
  std::unique_ptr<net::Listener> agent_listener_;
  net::Endpoint http_at_;  // as it is set; once it listens, as bound
  net::Endpoint agent_at_;

  std::optional<Clouds> clouds_;
  std::unique_ptr<Jenkinses> jenkinses_;
  std::unique_ptr<controller::Controller> controller_;
  std::unique_ptr<fleet::Fleet> fleet_;
  std::unique_ptr<simulate::PoolGoals> pool_goals_;
  std::unique_ptr<api::Auth> auth_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<web::Web> web_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<AgentPort> agent_port_;
};

int Server::run() {
  runtime::Scope scope(control_.get_executor(), log_);
  scope.spawn("server", live());
  scope.spawn("tidy memory", tidy_memory());
  control_.run();
  // What still holds sockets of the net thread goes before it; the thread ends when nothing of it waits.
  agent_port_.reset();
  http_.reset();
  net_.join();
  return exit_code_;
}

Awaitable<void> Server::live() {
  auto started = co_await start();
  if (started) {
    welcome_people();
    co_await obey_signals();
  } else {
    exit_code_ =
        started.error().code == base::Errc::invalid_argument ? cli::exit_usage : cli::exit_environment;
    std::fprintf(stderr, "footman: %s\n", base::describe(started.error()).c_str());
  }
  co_await stop();
  control_.stop();
}

Awaitable<Status> Server::start() {
  FOOTMAN_CO_TRY_STATUS(read_settings());
  FOOTMAN_CO_TRY_STATUS(co_await open_stores());
  FOOTMAN_CO_TRY_STATUS(co_await listen());
  FOOTMAN_CO_TRY_STATUS(make_clouds());
  clouds_->start();
  FOOTMAN_CO_TRY_STATUS(make_jenkinses());
  make_controller();
  make_fleet();
  FOOTMAN_CO_TRY_STATUS(co_await make_api());
  make_http();
  auto state = open_state_;
  FOOTMAN_CO_TRY_STATUS(co_await controller_->start(std::move(state)));
  FOOTMAN_CO_TRY_STATUS(co_await jenkinses_->start());
  FOOTMAN_CO_TRY_STATUS(co_await fleet_->start(std::exchange(open_state_, {})));
  pool_goals_->start();
  co_await runtime::run_on(net_.executor(), serve_network());
  co_return data_->announce(url(), http_key_hash_);
}

// Before anything is touched. What is wrong here was given by somebody: the command is used wrongly, whatever
// the error says of itself.
Status Server::read_settings() {
  FOOTMAN_TRY(http_at_, net::parse_endpoint(loaded_.config.listen));
  FOOTMAN_TRY(agent_at_, net::parse_endpoint(loaded_.config.agent_listen));
  auto read = read_tls_files();
  if (!read) read.error().code = base::Errc::invalid_argument;
  return read;
}

Status Server::read_tls_files() {
  const auto& config = loaded_.config;
  if (!config.tls_certificate.empty()) {
    FOOTMAN_TRY(const auto files, net::load_tls_server_config(config.tls_certificate, config.tls_key));
    FOOTMAN_TRY(http_tls_, net::create_tls_server_context(files));
    FOOTMAN_TRY(http_key_hash_, net::public_key_sha256(files.certificate_pem));
    FOOTMAN_TRY(ca_pem_, net::first_certificate(files.certificate_pem));
  }
  if (!config.tls_ca.empty()) {
    FOOTMAN_TRY(ca_pem_, runtime::real::read_file(config.tls_ca, kMaxCaBytes));
    if (auto usable = net::create_tls_client_context({false, ca_pem_, {}}); !usable) {
      usable.error().field = config.tls_ca;
      return std::unexpected(std::move(usable).error());
    }
  }
  return {};
}

Awaitable<Status> Server::open_stores() {
  FOOTMAN_CO_TRY(data_, DataDirectory::open(loaded_.config.data, log_));
  FOOTMAN_CO_TRY(store_, store::open_store(store_config(), log_));  // locks the directory
  FOOTMAN_CO_TRY(server_key_, data_->server_key(*rng_));
  FOOTMAN_CO_TRY(open_state_, co_await store_->load_open_state());
  installation_ = open_state_.installation;
  logs::LogStoreConfig logs{data_->file("logs"), {}, open_state_.newest_stream};
  for (const auto& stream : open_state_.streams) logs.open.push_back(stream.id);
  FOOTMAN_CO_TRY(logs_, logs::create_log_store(std::move(logs), *clock_, log_));
  co_return Status();
}

Awaitable<Result<std::unique_ptr<net::Listener>>> Server::listen_on(net::Endpoint at) {
  co_return co_await runtime::run_on(net_.executor(),
                                     open_listener(net_.executor(), clock_.get(), std::move(at), log_));
}

Awaitable<Status> Server::listen() {
  FOOTMAN_CO_TRY(auto certificate, data_->agent_port_certificate(clock_->now()));
  FOOTMAN_CO_TRY(agent_key_hash_, net::public_key_sha256(certificate.certificate_pem));
  FOOTMAN_CO_TRY(agent_tls_, net::create_tls_server_context(certificate));
  FOOTMAN_CO_TRY(http_listener_, co_await listen_on(http_at_));
  FOOTMAN_CO_TRY(agent_listener_, co_await listen_on(agent_at_));
  http_at_ = http_listener_->endpoint();
  agent_at_ = agent_listener_->endpoint();
  co_return Status();
}

store::StoreConfig Server::store_config() {
  store::StoreConfig config;
  config.directory = data_->path();
  config.crash_points = crash_points_;
  config.on_cost = [this](const store::CostLine& line) {
    // Jobs of a Jenkins have its name in front in the ledger.
    const auto& controller = line.controller.str();
    std::string_view job = line.job.str();
    if (job.starts_with(controller + ":")) job.remove_prefix(controller.size() + 1);
    base::count_job_time(
        metrics_, controller, std::string(job),
        {line.cost.useful_time, line.cost.useful_time + line.cost.idle_time, line.cost.total().micros});
  };
  return config;
}

Status Server::make_clouds() {
  FOOTMAN_TRY(auto folder, data_->make_folder("local"));
  FOOTMAN_TRY(clouds_,
              Clouds::create(loaded_.config.clouds,
                             {installation_, std::move(folder), control_.get_executor(), net_.executor(),
                              *clock_, *rng_, log_, crash_points_, open_files_.before}));
  return {};
}

Status Server::make_jenkinses() {
  FOOTMAN_TRY(
      jenkinses_,
      Jenkinses::create(
          loaded_.config,
          {installation_, page_url(loaded_.config, facts()) + "/ui/agents/", !open_state_.doubt.empty(),
           *store_, control_.get_executor(), net_.executor(), *clock_, metrics_, log_,
           [this](const ports::AgentRegistration& registration) {
             return clouds_->work_folder(registration.cloud, registration.client_token);
           },
           server_key_, [this](std::string reference) { return secrets_.read(std::move(reference)); }}));
  return {};
}

void Server::make_controller() {
  controller_ = std::make_unique<controller::Controller>(
      controller::ControllerParts{
          *store_, *logs_, *clock_, *rng_, control_.get_executor(), net_.executor(), changes_, metrics_, log_,
          crash_points_, server_key_,
          [this](std::string reference) { return secrets_.read(std::move(reference)); },
          [this](ports::IdentityClaim claim) { return fleet_->check_proof(std::move(claim)); },
          jenkinses_.get()},
      make_controller_config(loaded_.config));
}

void Server::make_fleet() {
  fleet::FleetParts parts{*store_,
                          *clock_,
                          *rng_,
                          control_.get_executor(),
                          {controller_.get()},
                          {},
                          changes_,
                          metrics_,
                          log_,
                          crash_points_,
                          [this] { return controller_->storage_full(); }};
  for (auto* jenkins : jenkinses_->controllers()) parts.controllers.push_back(jenkins);
  parts.clouds = clouds_->providers();
  auto config = make_fleet_config(loaded_.config, facts());
  fleet_ = std::make_unique<fleet::Fleet>(std::move(parts), config);
  pool_goals_ = std::make_unique<simulate::PoolGoals>(
      simulate::PoolGoalParts{*store_, *fleet_, *clock_, control_.get_executor(), search_.executor(),
                              metrics_, log_},
      std::move(config));
}

Awaitable<Status> Server::make_api() {
  FOOTMAN_CO_TRY(auto token, data_->first_token(*rng_));
  auth_ = std::make_unique<api::Auth>(
      api::AuthParts{*store_, *clock_, *rng_, metrics_, log_},
      api::AuthConfig{token, csrf_key_of(server_key_), installation_, loaded_.config.hosts});
  FOOTMAN_CO_TRY_STATUS(co_await auth_->start());
  api_ = std::make_unique<api::Api>(api::ApiParts{
      *controller_,
      *fleet_,
      *store_,
      *logs_,
      net_.executor(),
      changes_,
      *auth_,
      *clock_,
      *rng_,
      metrics_,
      log_,
      server_info(),
      {[this](std::string path) { return store_->back_up(std::move(path)); }, [this] { return reload(); },
       [this] {
         return stopping_ ? std::vector<std::string>{"the server is stopping"} : std::vector<std::string>();
       }},
      desk()});
  co_return Status();
}

// Pages, API and the WebSocket of agents, all behind one port.
void Server::make_http() {
  web_ = std::make_unique<web::Web>(
      web::WebParts{*controller_, *fleet_, *store_, *logs_, net_.executor(), *auth_, *clock_, log_, desk()});
  std::vector<api::Mount> mounts;
  mounts.push_back({"/ui", web_->handler(), false, web_->gate()});
  mounts.push_back({"/", web_->handler(), false, web_->gate()});
  mounts.push_back(
      {std::string(protocol::kWebSocketPath),
       [hub = &controller_->agents()](auto request) { return upgrade_agent(hub, std::move(request)); },
       true});
  http_ = std::make_unique<net::HttpServer>(
      net_.executor(), control_.get_executor(), api_->handler(std::move(mounts)),
      make_http_limits(loaded_.config, shares_.http), *clock_, log_, api_->gate(), &metrics_);
}

// Net executor.
Awaitable<void> Server::serve_network() {
  http_->serve(std::move(http_listener_), http_tls_);
  agent_port_ = std::make_unique<AgentPort>(
      net_.executor(), std::move(agent_listener_), agent_tls_,
      [hub = &controller_->agents()](runtime::ByteStreamPtr stream, std::function<void()> known) {
        return serve_agent(hub, std::move(stream), std::move(known));
      },
      AgentPortLimits{shares_.agents, limit_strangers(shares_.agents)}, *clock_, metrics_, log_);
  agent_port_->start();
  co_return;
}

void Server::welcome_people() {
  log_.info("footman is up", {{"url", url()},
                              {"agent_port", agent_at_.str()},
                              {"data", data_->path()},
                              {"config", loaded_.file.empty() ? "default" : loaded_.file},
                              {"version", base::version()}});
  const auto needed = needed_descriptors(loaded_.config);
  const base::LogFields shares{{"open_files", open_files_.now},
                               {"needed", needed},
                               {"listen", shares_.http},
                               {"agent_listen", shares_.agents}};
  if (open_files_.now < needed)
    log_.warning("the limit of open files is too low for all the agents that may come; raise its hard limit",
                 shares);
  else
    log_.info("limits of connections", shares);
  for (const auto& warning : exposure_warnings(loaded_.config, facts()))
    log_.warning(warning, {{"listen", http_at_.str()}});
  for (const auto& warning : cli::describe_warnings(loaded_)) log_.warning(warning);
  const auto link = auth_->make_sign_in_link(std::string(api::kAdminTokenName));
  std::printf("Footman %s\n  pages    %s%s   (signs in once, until %s)\n  agents   %s\n  data     %s\n",
              std::string(base::version()).c_str(), url().c_str(), link.path.c_str(),
              base::format_rfc3339(link.expires).c_str(), agent_at_.str().c_str(), data_->path().c_str());
  std::fflush(stdout);
}

Awaitable<void> Server::obey_signals() {
  asio::signal_set signals(control_, SIGTERM, SIGINT, SIGHUP);
  while (true) {
    const int signal = co_await signals.async_wait(asio::use_awaitable);
    if (signal != SIGHUP) {
      log_.info("stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
      co_return;  // a second one ends the process at once
    }
    if (const auto changes = co_await reload(); !changes)
      log_.error("the configuration was not reloaded", {{"error", base::describe(changes.error())}});
  }
}

Awaitable<void> Server::tidy_memory() {
  while (!co_await stopped_tidying_.wait_for(*clock_, kTidyPace))
    runtime::real::return_freed_memory(kFreeMemoryKept);
}

// Agents and their builds go on. What was not made is not there.
Awaitable<void> Server::stop() {
  stopping_ = true;
  stopped_tidying_.notify();
  if (data_) data_->withdraw();
  if (pool_goals_) co_await pool_goals_->stop();
  if (fleet_) co_await fleet_->stop();
  if (controller_) co_await controller_->stop();
  if (jenkinses_) co_await jenkinses_->stop();
  if (http_) co_await runtime::run_on(net_.executor(), stop_network());
  if (agent_port_) co_await runtime::run_on(net_.executor(), agent_port_->join());
  if (http_) co_await runtime::run_on(net_.executor(), http_->join());
  if (clouds_) co_await clouds_->stop();
  if (controller_) (void)co_await store_->record_shutdown(true, clock_->now());
  if (logs_) co_await logs_->close();
  if (store_) store_->close();
}

// Net executor. The controller has said good-bye to the agents.
Awaitable<void> Server::stop_network() {
  http_->stop();
  if (agent_port_) agent_port_->stop();
  co_return;
}

// --- configuration

Awaitable<Result<std::vector<std::string>>> Server::reload() {
  const auto pass = co_await reloads_.enter();
  auto read = co_await load_calls_.call([file = options_.config_file] { return load_again(file); });
  if (!read)
    co_return base::fail(read.error().code, "the configuration " + read.error().message, {},
                         "Nothing was changed");
  auto& next = *read;
  if (!next) {
    std::string all;
    for (const auto& one : next.error()) all += (all.empty() ? "" : "\n") + config::describe(one);
    co_return base::fail(base::Errc::invalid_argument, all, {}, "Nothing was changed");
  }
  apply_options(next->config, options_);
  const auto changes = compare_configs(loaded_.config, next->config);
  FOOTMAN_CO_TRY_STATUS(co_await apply(std::move(*next)));
  std::vector<std::string> texts;
  for (const auto& change : changes) {
    texts.push_back(change.text + (change.restart ? " (after a restart of the server)" : ""));
    log_.info("configuration changed", {{"change", texts.back()}});
  }
  if (changes.empty()) log_.info("the configuration is unchanged");
  for (const auto& warning : cli::describe_warnings(loaded_)) log_.warning(warning);
  changes_.publish({0, clock_->now(), "config", "", "reloaded", ""});
  co_return texts;
}

// The clouds get their templates first, because the fleet compares what they freeze. When it refuses them the
// clouds get the old ones back, and nothing has changed.
Awaitable<Status> Server::apply(cli::LoadedConfig next) {
  FOOTMAN_CO_TRY_STATUS(clouds_->check(next.config.clouds));
  FOOTMAN_CO_TRY_STATUS(jenkinses_->check(next.config));
  clouds_->set_templates(next.config.clouds);
  auto config = make_fleet_config(next.config, facts());
  auto applied = co_await fleet_->apply_config(config);
  if (!applied) {
    clouds_->set_templates(loaded_.config.clouds);
    co_return applied;
  }
  jenkinses_->apply(next.config);
  pool_goals_->set_config(std::move(config));
  loaded_ = std::move(next);
  co_return Status();
}

ServerFacts Server::facts() const {
  return {http_at_,       agent_at_, http_tls_ != nullptr, ca_pem_, !loaded_.config.tls_ca.empty(),
          agent_key_hash_};
}

std::string Server::url() const {
  const net::Endpoint at{reachable_host(http_at_.host), http_at_.port};
  return fmt::format("{}://{}", http_tls_ ? "https" : "http", at.str());
}

api::ServerInfo Server::server_info() const {
  return {installation_,
          started_,
          {http_at_.str()},
          {agent_at_.str()},
          loaded_.config.address.agent_url.value_or(""),
          data_->path()};
}

}  // namespace

int run_server(const cli::UpOptions& options) {
  auto loaded = cli::load_config(options.config_file, find_region);
  if (!loaded) {
    for (const auto& one : loaded.error()) std::fprintf(stderr, "%s\n", config::describe(one).c_str());
    return cli::exit_usage;
  }
  // Other clouds would work, but a server that lacks what it is told to use says so at once and where.
  for (const auto& one : loaded->missing) std::fprintf(stderr, "%s\n", config::describe(one).c_str());
  if (!loaded->missing.empty()) return cli::exit_usage;
  apply_options(loaded->config, options);
  return Server(options, std::move(*loaded), raise_open_files(), make_logger(options)).run();
}

}  // namespace footman::app
