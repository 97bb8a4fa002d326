#include "cloud/local/local_cloud.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>

#include "cloud/local/launch.hpp"
#include "cloud/local/options.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::local {
namespace {

namespace asio = boost::asio;
using ports::LaunchFailure;
using ports::LaunchHandle;
using ports::LaunchResult;
using ports::Resource;
using ports::ResourceState;
using runtime::Awaitable;
using runtime::real::open_process;
using runtime::real::to_handle;

constexpr Duration kTokenLifetime =
    24h;  // tokens of agents that were never terminated are kept for good anyway
constexpr Duration kReleasedKept = 2min;  // after `gone` was answered: for repeats, then forgotten
constexpr std::size_t kReleasedLimit = 4096;
constexpr int kGroupsRemoved = 1000;  // at one start: the janitor has other things to do

enum class EntryState { launching, running, ended };

// One launch. Changed on the control executor only.
struct Entry {
  std::string token;
  const Site* site = nullptr;  // where its files are
  TokenRecord record;
  EntryState state = EntryState::launching;
  bool starting = false;                 // found locked after a restart, process not written down yet
  std::optional<LaunchFailure> failure;  // for those who wait for a launch that failed
  std::optional<asio::posix::stream_descriptor> pidfd;
  bool stop_asked = false;
  std::unique_ptr<runtime::Timer> kill_timer;
  bool released = false;  // `gone` was answered, leftovers are being removed
  runtime::Event changed;
};
using EntryPtr = std::shared_ptr<Entry>;

class LocalCloudImpl final : public LocalCloud {
 public:
  LocalCloudImpl(LocalCloudConfig config, Site site, std::vector<Site> former_sites,
                 runtime::Executor control, runtime::Clock& clock, base::Logger log)
      : config_(std::move(config)),
        site_(std::move(site)),
        former_sites_(std::move(former_sites)),
        control_(std::move(control)),
        clock_(clock),
        log_(std::move(log)) {}
  ~LocalCloudImpl() override {
    alive_.reset();
    launcher_.join();
    janitor_.join();
  }

  // Servers that ended before their agents leave those's groups behind, and nobody knows them any more.
  void remove_old_groups() {
    run_there(
        janitor_, [this] { return remove_groups_without_members(site_.cgroups, kGroupsRemoved); },
        [](int) {});
  }

  Status find_earlier_launches() {
    FOOTMAN_TRY(auto own, find_launches(site_));
    adopt(std::move(own), site_);
    for (const auto& former : former_sites_) {
      FOOTMAN_TRY(auto found, find_launches(former));
      adopt(std::move(found), former);
    }
    return {};
  }

  void adopt(std::vector<Found> found, const Site& site) {
    for (auto& one : found) {
      auto entry = std::make_shared<Entry>();
      entry->token = one.token;
      entry->site = &site;
      entry->record = std::move(one.record);
      entries_[one.token] = entry;
      if (one.foreign)
        log_.warning("the data directory is a copy: an agent of the other one runs and is left alone",
                     {{"agent", entry->record.agent}, {"process", to_handle(*entry->record.process)}});
      if (one.starting) {
        entry->starting = true;
        entry->state = EntryState::running;
      } else if (one.pidfd.is_open()) {
        set_running(entry, std::move(one.pidfd));
      } else if (entry->record.death) {
        entry->state = EntryState::ended;
      } else {
        set_running(entry, UniqueFd());
      }
    }
  }

  CloudName name() const override { return config_.name; }
  ports::CloudLimits limits() const override { return {config_.max_agents, kTokenLifetime, Duration(0)}; }
  void set_templates(std::map<TemplateName, TemplateOptions> templates) override {
    config_.templates = std::move(templates);
  }
  void set_on_change(std::function<void()> look_again) override { look_again_ = std::move(look_again); }

  Result<std::vector<ports::Variant>> freeze(const TemplateName& template_name) const override {
    const auto it = config_.templates.find(template_name);
    if (it == config_.templates.end())
      return fail(Errc::not_found, "cloud " + config_.name.str() + " has no template " + template_name.str());
    return std::vector<ports::Variant>{{{}, freeze_options(it->second)}};
  }

  Awaitable<LaunchResult> launch(ports::LaunchSpec spec) override;
  Awaitable<Result<std::vector<Resource>>> observe() override;
  Awaitable<Result<Resource>> find_by_token(std::string client_token) override;
  Awaitable<Result<Resource>> terminate(std::string handle, std::string client_token) override;

 private:
  // Runs `work` on the thread and `then` with its result on the control executor, unless the cloud is gone by
  // then.
  template <class Work, class Then>
  void run_there(asio::thread_pool& thread, Work work, Then then) {
    asio::post(thread, [this, alive = std::weak_ptr<int>(alive_), work = std::move(work),
                        then = std::move(then)]() mutable {
      auto result = std::make_shared<decltype(work())>(work());
      asio::post(control_, [alive = std::move(alive), then = std::move(then), result]() mutable {
        if (!alive.expired()) then(std::move(*result));
      });
    });
  }

  LaunchResult answer_of(const EntryPtr& entry) const;
  void start_launch(const EntryPtr& entry, ports::LaunchSpec spec);
  void on_launched(const EntryPtr& entry, LaunchOutcome outcome);
  void set_running(const EntryPtr& entry, UniqueFd pidfd);
  void wait_for_end(const EntryPtr& entry);
  void on_process_end(const EntryPtr& entry);
  void on_end_recorded(const EntryPtr& entry, RecordedEnd end);
  void ask_to_stop(const EntryPtr& entry);
  void kill_now(const EntryPtr& entry);
  void release(const EntryPtr& entry);
  void forget_released();
  Awaitable<void> recheck(EntryPtr entry);
  EntryPtr find_entry(const std::string& handle, const std::string& token) const;
  Resource resource_of(const Entry& entry) const;
  std::size_t count_live() const;
  void notify() const {
    if (look_again_) look_again_();
  }

  LocalCloudConfig config_;
  const Site site_;
  const std::vector<Site> former_sites_;
  runtime::Executor control_;
  runtime::Clock& clock_;
  base::Logger log_;
  std::function<void()> look_again_;
  std::map<std::string, EntryPtr> entries_;  // by token
  struct Released {
    std::string token;
    const Site* site;
    Duration at;
  };
  std::deque<Released> released_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  asio::thread_pool launcher_{1};  // only launches, so that cleaning up never delays one
  asio::thread_pool janitor_{1};
};

LaunchResult LocalCloudImpl::answer_of(const EntryPtr& entry) const {
  if (entry->failure) return std::unexpected(*entry->failure);
  if (!entry->record.process)
    return std::unexpected(
        LaunchFailure{ports::FailureClass::transient, false, {}, "an earlier launch is still starting"});
  return LaunchHandle{to_handle(*entry->record.process)};
}

Awaitable<LaunchResult> LocalCloudImpl::launch(ports::LaunchSpec spec) {
  using ports::FailureClass;
  if (!is_client_token(spec.client_token))
    co_return std::unexpected(
        LaunchFailure{FailureClass::configuration, true, {}, "the client token is not fit for a file name"});
  EntryPtr entry;
  if (const auto it = entries_.find(spec.client_token); it != entries_.end()) {
    entry = it->second;
    if (entry->starting) co_await recheck(entry);
  } else {
    if (config_.max_agents > 0 && count_live() >= config_.max_agents)
      co_return std::unexpected(LaunchFailure{
          FailureClass::capacity,
          true,
          {},
          "this machine's limit of " + std::to_string(config_.max_agents) + " agents is reached"});
    entry = std::make_shared<Entry>();
    entry->token = spec.client_token;
    entry->site = &site_;
    entry->record = {spec.installation, spec.agent, spec.attempt, clock_.now(), {}, {}};
    entries_[entry->token] = entry;
    start_launch(entry, std::move(spec));
  }
  while (entry->state == EntryState::launching && !entry->failure) co_await entry->changed.wait();
  co_return answer_of(entry);
}

void LocalCloudImpl::start_launch(const EntryPtr& entry, ports::LaunchSpec spec) {
  run_there(
      launcher_,
      [this, spec = std::move(spec), now = clock_.now()] { return launch_process(site_, spec, now); },
      [this, entry](LaunchOutcome outcome) { on_launched(entry, std::move(outcome)); });
}

void LocalCloudImpl::on_launched(const EntryPtr& entry, LaunchOutcome outcome) {
  if (!outcome) {
    entry->failure = outcome.error();
    entries_.erase(entry->token);  // the next call with this token starts from the file
  } else {
    entry->record = outcome->record;
    if (entry->record.death)
      entry->state = EntryState::ended;
    else
      set_running(entry, std::move(outcome->pidfd));
    if (entry->stop_asked) entry->stop_asked = false, ask_to_stop(entry);
  }
  entry->changed.notify();
  notify();
}

void LocalCloudImpl::set_running(const EntryPtr& entry, UniqueFd pidfd) {
  entry->state = EntryState::running;
  entry->starting = false;
  if (!pidfd.is_open()) return on_process_end(entry);
  entry->pidfd.emplace(control_, pidfd.release());
  wait_for_end(entry);
}

// Asio may wake a wait for what happened to a descriptor that was closed before: it uses its records again,
// and a process that is just being spawned holds copies of our descriptors, which keep them in epoll. So the
// process itself is asked.
void LocalCloudImpl::wait_for_end(const EntryPtr& entry) {
  entry->pidfd->async_wait(asio::posix::stream_descriptor::wait_read,
                           [this, alive = std::weak_ptr<int>(alive_),
                            weak = std::weak_ptr<Entry>(entry)](boost::system::error_code error) {
                             const auto self = weak.lock();
                             if (error || alive.expired() || !self || !self->pidfd) return;
                             if (runtime::real::has_ended(self->pidfd->native_handle()))
                               on_process_end(self);
                             else
                               wait_for_end(self);
                           });
}

void LocalCloudImpl::on_process_end(const EntryPtr& entry) {
  const int pidfd =
      entry->pidfd ? entry->pidfd->native_handle() : -1;  // stays open until the end is recorded
  run_there(
      janitor_, [site = entry->site, token = entry->token, pidfd] { return record_end(*site, token, pidfd); },
      [this, entry](RecordedEnd end) { on_end_recorded(entry, std::move(end)); });
}

void LocalCloudImpl::on_end_recorded(const EntryPtr& entry, RecordedEnd end) {
  entry->state = EntryState::ended;
  entry->record.death = std::move(end.death);
  entry->record.last_lines = std::move(end.last_lines);
  entry->pidfd.reset();
  entry->kill_timer.reset();
  log_.info("agent process ended", {{"agent", entry->record.agent}, {"reason", entry->record.death->text}});
  notify();
}

Awaitable<Result<std::vector<Resource>>> LocalCloudImpl::observe() {
  std::vector<EntryPtr> starting;
  for (const auto& [token, entry] : entries_)
    if (entry->starting) starting.push_back(entry);
  for (const auto& entry : starting) co_await recheck(entry);
  forget_released();
  std::vector<Resource> out;
  out.reserve(entries_.size());
  for (const auto& [token, entry] : entries_) out.push_back(resource_of(*entry));
  co_return out;
}

Awaitable<Result<Resource>> LocalCloudImpl::find_by_token(std::string client_token) {
  const auto entry = find_entry({}, client_token);
  if (!entry) co_return fail(Errc::not_found, "no process was launched with token " + client_token);
  if (entry->starting) co_await recheck(entry);
  co_return resource_of(*entry);
}

Awaitable<Result<Resource>> LocalCloudImpl::terminate(std::string handle, std::string client_token) {
  const auto entry = find_entry(handle, client_token);
  if (!entry) {
    Resource gone{site_.installation, {}, client_token, handle, ResourceState::gone, {}, {}};
    co_return gone;
  }
  if (entry->starting) co_await recheck(entry);
  if (entry->state == EntryState::ended)
    release(entry);
  else
    ask_to_stop(entry);
  co_return resource_of(*entry);
}

void LocalCloudImpl::ask_to_stop(const EntryPtr& entry) {
  if (entry->stop_asked) return;
  entry->stop_asked = true;
  if (!entry->pidfd) return;  // still launching: on_launched comes back here
  ::syscall(SYS_pidfd_send_signal, entry->pidfd->native_handle(), SIGTERM, nullptr, 0);
  entry->kill_timer =
      clock_.call_after(control_, config_.terminate_grace, [this, weak = std::weak_ptr<Entry>(entry)] {
        if (const auto self = weak.lock()) kill_now(self);
      });
}

void LocalCloudImpl::kill_now(const EntryPtr& entry) {
  if (entry->state != EntryState::running || !entry->pidfd) return;
  log_.warning("agent did not leave in time and is killed", {{"agent", entry->record.agent}});
  ::syscall(SYS_pidfd_send_signal, entry->pidfd->native_handle(), SIGKILL, nullptr, 0);
  run_there(
      janitor_,
      [site = entry->site, token = entry->token] {
        kill_tree(*site, token);
        return 0;
      },
      [](int) {});
}

void LocalCloudImpl::release(const EntryPtr& entry) {
  if (entry->released) return;
  entry->released = true;
  released_.push_back({entry->token, entry->site, clock_.steady()});
  run_there(
      janitor_,
      [site = entry->site, token = entry->token] {
        remove_leftovers(*site, token);
        return 0;
      },
      [](int) {});
  forget_released();
}

void LocalCloudImpl::forget_released() {
  const auto now = clock_.steady();
  while (!released_.empty() &&
         (released_.size() > kReleasedLimit || now - released_.front().at > kReleasedKept)) {
    const auto path = released_.front().site->token_path(released_.front().token);
    entries_.erase(released_.front().token);
    released_.pop_front();
    run_there(janitor_, [path] { return ::unlink(path.c_str()); }, [](int) {});
  }
}

// After a restart of the server: the token was locked, but its process had not written itself down.
Awaitable<void> LocalCloudImpl::recheck(EntryPtr entry) {
  auto done = std::make_shared<runtime::Event>();
  run_there(
      janitor_,
      [path = entry->site->token_path(entry->token)] {
        auto file = open_token(path, false);
        auto record =
            file ? parse_token_file(file->content) : Result<TokenRecord>(std::unexpected(file.error()));
        const bool held = file && file->lock == LockOutcome::held_elsewhere;
        auto pidfd = record && record->process ? open_process(*record->process) : UniqueFd();
        return std::make_tuple(std::move(record), held, std::make_shared<UniqueFd>(std::move(pidfd)));
      },
      [this, entry, done](auto result) {
        auto& [record, held, pidfd] = result;
        if (entry->starting && record && record->process) {
          entry->record = *record;
          set_running(entry, std::move(*pidfd));
          if (entry->stop_asked) entry->stop_asked = false, ask_to_stop(entry);
        } else if (entry->starting && !held) {  // it died before it became anything
          entry->starting = false;
          entry->state = EntryState::ended;
          entry->record.death =
              model::DeathCertificate{{}, 0, false, "the agent's process died before it was started"};
        }
        done->notify();
      });
  co_await done->wait();
}

EntryPtr LocalCloudImpl::find_entry(const std::string& handle, const std::string& token) const {
  if (const auto it = entries_.find(token); it != entries_.end()) return it->second;
  if (handle.empty()) return nullptr;
  for (const auto& [unused, entry] : entries_)
    if (entry->record.process && to_handle(*entry->record.process) == handle) return entry;
  return nullptr;
}

Resource LocalCloudImpl::resource_of(const Entry& entry) const {
  Resource resource;
  resource.installation = entry.record.installation;
  resource.agent = entry.record.agent;
  resource.client_token = entry.token;
  if (entry.record.process) resource.handle = to_handle(*entry.record.process);
  resource.created = entry.record.created;
  if (entry.state == EntryState::ended)
    resource.state = ResourceState::gone;
  else if (entry.stop_asked)
    resource.state = ResourceState::stopping;
  else if (entry.state == EntryState::launching || entry.starting)
    resource.state = ResourceState::starting;
  else
    resource.state = ResourceState::running;
  if (entry.record.death) resource.death = *entry.record.death;
  resource.last_lines = entry.record.last_lines;
  return resource;
}

std::size_t LocalCloudImpl::count_live() const {
  return static_cast<std::size_t>(std::ranges::count_if(entries_, [this](const auto& one) {
    return one.second->site == &site_ && one.second->state != EntryState::ended;
  }));
}

std::string variable_or(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return std::string(name) + "=" + (value != nullptr && *value != '\0' ? value : otherwise);
}

Status check_agent_binary(const LocalCloudConfig& config) {
  const auto& path = config.agent_binary;
  if (path.empty() || path.front() != '/')
    return fail(Errc::invalid_argument, "the agent binary needs an absolute path", path);
  if (::access(path.c_str(), X_OK) != 0)
    return fail(Errc::not_found,
                fmt::format("the agent's program of cloud '{}' cannot be run: {}: {}", config.name.str(),
                            path, std::strerror(errno)),
                {}, "Put footman-agent beside footman, or name it with 'agent_binary' of that cloud");
  return {};
}

Status make_directories(const std::string& directory) {
  for (const auto* sub : {"", "/tokens", "/launches"}) {
    const auto path = directory + sub;
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("make " + path, errno);
    if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) return fail_errno("use " + path, errno);
  }
  return {};
}

}  // namespace

std::string work_directory_of(const std::string& directory, const std::string& client_token) {
  return directory + "/" + client_token;
}

Result<std::unique_ptr<LocalCloud>> create_local_cloud(LocalCloudConfig config, runtime::Executor control,
                                                       runtime::Clock& clock, base::Logger log) {
  FOOTMAN_TRY_STATUS(check_agent_binary(config));
  FOOTMAN_TRY_STATUS(make_directories(config.directory));
  Site site;
  site.installation = config.installation;
  site.directory = config.directory;
  site.agent_binary = config.agent_binary;
  site.crash_points = config.crash_points;
  site.open_files = config.open_files;
  site.cgroups = detect_cgroups();
  site.environment = {fmt::format("PATH={}", kAgentPath), variable_or("LANG", "C.UTF-8")};
  for (const auto* name : {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0')
      site.proxies.push_back(std::string(name) + "=" + value);
  std::vector<Site> former_sites;
  for (const auto& directory : config.former_directories) {
    FOOTMAN_TRY_STATUS(make_directories(directory));
    former_sites.push_back(site);
    former_sites.back().directory = directory;
  }
  auto cloud = std::make_unique<LocalCloudImpl>(std::move(config), std::move(site), std::move(former_sites),
                                                std::move(control), clock, std::move(log));
  FOOTMAN_TRY_STATUS(cloud->find_earlier_launches());
  cloud->remove_old_groups();
  return cloud;
}

}  // namespace footman::cloud::local
