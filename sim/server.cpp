#include "sim/server.hpp"

#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "runtime/scope.hpp"
#include "sim/agents.hpp"
#include "store/sql_error.hpp"

namespace footman::sim {

using base::Errc;
using runtime::Awaitable;

namespace {

constexpr std::size_t kChangesKept = 64;

Awaitable<base::Result<base::Secret>> resolve(const std::map<std::string, std::string>* secrets,
                                              std::string reference) {
  const auto it = secrets->find(reference);
  if (it == secrets->end()) co_return base::fail(Errc::not_found, "there is no secret " + reference);
  co_return base::Secret(it->second);
}

Awaitable<void> serve_agent(controller::AgentHub* hub, runtime::ByteStreamPtr stream) {
  co_await hub->serve(std::move(stream));
}

}  // namespace

Bends make_straight() {
  Bends bends;
  bends.make_store = [](store::Store& real, runtime::Clock& clock, Dice dice, const StoreTrouble& trouble) {
    return std::make_unique<BentStore>(real, clock, dice, trouble);
  };
  bends.make_logs = [](SimDisk& disk, runtime::Clock& clock) {
    return std::make_unique<SimLogStore>(disk, clock);
  };
  bends.make_provider = [](SimCloud& cloud, runtime::Executor control, base::InstallationId installation) {
    return std::make_unique<SimProvider>(cloud, std::move(control), std::move(installation));
  };
  bends.make_other_port = [](OtherController& other, OtherParts parts) {
    return other.make_port(std::move(parts));
  };
  return bends;
}

// One life of the process, in the order in which its parts are made.
class ServerLife {
 public:
  ServerLife(ServerNode& node, ServerParts& parts, Dice dice)
      : node_(node),
        parts_(parts),
        life_(parts.loop, std::string(kServerNode)),
        control_(life_.add_lane("control")),
        net_executor_(life_.add_lane("net")),
        clock_(parts.loop, node.wall_ahead()),
        rng_(runtime::make_seeded_rng(dice.next())),
        store_(parts.bends.make_store(parts.real_store, clock_, Dice(dice.next(), "store"),
                                      parts.store_trouble)),
        logs_(parts.bends.make_logs(parts.disk, clock_)),
        scope_(std::make_unique<runtime::Scope>(control_, parts.log)),
        net_scope_(std::make_unique<runtime::Scope>(net_executor_, parts.log)) {
    scope_->spawn("start", start(this));
  }
  ServerLife(const ServerLife&) = delete;
  ServerLife& operator=(const ServerLife&) = delete;
  ~ServerLife() { end(false); }

  void end(bool silent) {
    if (std::exchange(ended_, true)) return;
    life_.stop();
    parts_.net.stop_listening(std::string(kServerNode));
    parts_.net.end_life(life_, silent);
    net_scope_.reset();
    scope_.reset();
    fleet_.reset();
    port_.reset();
    remote_port_.reset();
    controller_.reset();
    providers_.clear();
    logs_.reset();
    store_.reset();
    life_.destroy();
  }

  void stop() {
    if (!up_) return life_.condemn();
    up_ = false;
    scope_->spawn("stop", stop(this));
  }

  Life& life() { return life_; }
  NodeClock& clock() { return clock_; }
  bool up() const { return up_ && life_.running(); }
  Duration up_since() const { return up_since_; }
  bool stopped() const { return stopped_; }
  controller::Controller& controller() { return *controller_; }
  fleet::Fleet& fleet() { return *fleet_; }
  store::Store& store() { return *store_; }
  void spawn(Awaitable<void> call) { scope_->spawn("call", std::move(call)); }

 private:
  static Awaitable<void> start(ServerLife* self) {
    auto opened = co_await self->store_->load_open_state();
    if (!opened) co_return self->life_.condemn();
    self->make_parts(opened->installation, !opened->doubt.empty());
    auto state = *opened;
    if (!co_await self->controller_->start(std::move(state))) co_return self->life_.condemn();
    if (self->remote_port_ && !co_await self->remote_port_->start()) co_return self->life_.condemn();
    if (!co_await self->fleet_->start(std::move(*opened))) co_return self->life_.condemn();
    self->listen();
    self->up_ = true;
    self->up_since_ = self->parts_.loop.now();
    self->parts_.loop.trace().note(self->parts_.loop.now(), kServerNode, "up");
  }

  static Awaitable<void> stop(ServerLife* self) {
    self->parts_.net.stop_listening(std::string(kServerNode));
    co_await self->fleet_->stop();
    if (self->remote_port_) co_await self->remote_port_->stop();
    co_await self->controller_->stop();
    (void)co_await self->store_->record_shutdown(true, self->clock_.now());
    self->stopped_ = true;
    self->life_.condemn();
  }

  void make_parts(const base::InstallationId& installation, bool in_doubt) {
    const runtime::CrashPoints crash_points([node = &node_](std::string_view name) { node->hit(name); });
    const base::Secret key("the key of the simulated server");
    if (parts_.remote != nullptr)
      remote_port_ = parts_.bends.make_other_port(
          *parts_.remote,
          {control_, clock_, *store_, installation, in_doubt, key, metrics_, parts_.log, {}, {}});
    auto controller_config = parts_.controller_config;
    if (parts_.bends.bend_controller_config) parts_.bends.bend_controller_config(controller_config);
    controller_ = std::make_unique<controller::Controller>(
        controller::ControllerParts{*store_,
                                    *logs_,
                                    clock_,
                                    *rng_,
                                    control_,
                                    net_executor_,
                                    changes_,
                                    metrics_,
                                    parts_.log,
                                    crash_points,
                                    key,
                                    [secrets = &parts_.secrets](std::string reference) {
                                      return resolve(secrets, std::move(reference));
                                    },
                                    {},
                                    remote_port_ ? remote_port_->credentials() : nullptr},
        std::move(controller_config));
    if (parts_.bends.make_port) port_ = parts_.bends.make_port(*controller_);
    fleet::FleetParts fleet_parts{*store_,
                                  clock_,
                                  *rng_,
                                  control_,
                                  {port_ ? port_.get() : controller_.get()},
                                  {},
                                  changes_,
                                  metrics_,
                                  parts_.log,
                                  crash_points,
                                  [controller = controller_.get()] { return controller->storage_full(); }};
    if (remote_port_) fleet_parts.controllers.push_back(remote_port_.get());
    for (auto* cloud : parts_.clouds) {
      providers_.push_back(parts_.bends.make_provider(*cloud, control_, installation));
      fleet_parts.clouds.push_back(providers_.back().get());
    }
    auto config = parts_.fleet_config;
    if (parts_.bends.bend_fleet_config) parts_.bends.bend_fleet_config(config);
    fleet_ = std::make_unique<fleet::Fleet>(std::move(fleet_parts), std::move(config));
  }

  void listen() {
    parts_.net.listen(std::string(kServerNode), life_, [this](runtime::ByteStreamPtr stream) {
      net_scope_->spawn("agent", serve_agent(&controller_->agents(), std::move(stream)));
    });
  }

  ServerNode& node_;
  ServerParts& parts_;
  Life life_;
  runtime::Executor control_;
  runtime::Executor net_executor_;
  NodeClock clock_;
  std::unique_ptr<runtime::Rng> rng_;
  base::Metrics metrics_;
  runtime::Feed<model::Change> changes_{kChangesKept};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ports::LogStore> logs_;
  std::vector<std::unique_ptr<ports::CloudProvider>> providers_;
  std::unique_ptr<controller::Controller> controller_;
  std::unique_ptr<ports::ControllerPort> port_;
  std::unique_ptr<OtherPort> remote_port_;
  std::unique_ptr<fleet::Fleet> fleet_;
  std::unique_ptr<runtime::Scope> scope_;
  std::unique_ptr<runtime::Scope> net_scope_;
  bool up_ = false;
  bool stopped_ = false;
  bool ended_ = false;
  Duration up_since_{0};
};

ServerNode::ServerNode(ServerParts parts, std::uint64_t seed) : parts_(std::move(parts)), seed_(seed) {}
ServerNode::~ServerNode() = default;

void ServerNode::start() {
  if (life_) return;
  parts_.loop.trace().note(parts_.loop.now(), kServerNode, "starts");
  life_ = std::make_unique<ServerLife>(*this, parts_, Dice(seed_, fmt::format("server {}", ++starts_)));
}

void ServerNode::crash(bool silent) {
  if (!life_) return;
  parts_.loop.trace().note(parts_.loop.now(), kServerNode, silent ? "host vanishes" : "crashes");
  life_->end(silent);
  life_.reset();
  parts_.disk.crash();
}

void ServerNode::stop() {
  if (!life_) return;
  parts_.loop.trace().note(parts_.loop.now(), kServerNode, "is asked to stop");
  life_->stop();
}

void ServerNode::reap() {
  if (!life_ || !life_->life().condemned()) return;
  const bool in_order = life_->stopped();
  parts_.loop.trace().note(parts_.loop.now(), kServerNode, in_order ? "has stopped" : "crashes");
  life_->end(false);
  life_.reset();
  parts_.disk.crash();
}

void ServerNode::set_wall_clock(Duration by) {
  wall_ahead_ += by;
  if (life_) life_->clock().set_wall(by);
}

bool ServerNode::up() const { return life_ && life_->up(); }
Duration ServerNode::up_since() const { return life_->up_since(); }
controller::Controller& ServerNode::controller() { return life_->controller(); }
fleet::Fleet& ServerNode::fleet() { return life_->fleet(); }
store::Store& ServerNode::store() { return life_->store(); }
void ServerNode::spawn_call(Awaitable<void> call) { life_->spawn(std::move(call)); }

bool ServerNode::dies_at(std::string_view crash_point) {
  if (!life_ || armed_.empty() || crash_point != armed_) return false;
  armed_.clear();
  parts_.loop.trace().note(parts_.loop.now(), kServerNode, fmt::format("dies at {}", crash_point));
  parts_.witness.count_crash(crash_point);
  life_->life().condemn();
  return true;
}

// The process ends here: what runs unwinds as if it were cancelled, and nothing of this life runs afterwards.
void ServerNode::hit(std::string_view crash_point) {
  if (dies_at(crash_point))
    throw boost::system::system_error(boost::asio::error::operation_aborted, "crashed");
}

void ServerNode::hit_in_store(std::string_view crash_point) {
  if (dies_at(crash_point) && crash_point.starts_with("before-commit:"))
    throw store::SqlError({Errc::io, "the process has died", {}, {}});
}

}  // namespace footman::sim
