#include "sim/jenkins.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/footman/jenkins_book.hpp"
#include "jenkins/placeholders.hpp"
#include "model/label.hpp"
#include "protocol/handshake.hpp"
#include "runtime/wait.hpp"

namespace footman::sim {

using base::AgentId;
using fake_jenkins::BlockRun;
using fake_jenkins::FakeJenkins;
using Wanted = fake_jenkins::Task;
using ports::AgentActivity;
using runtime::Awaitable;

namespace {

constexpr std::string_view kPrefix = "footman-";
constexpr std::int64_t kFirstNumber = 2'000'000;  // no key of the built-in controller's is like one of these
constexpr Duration kRetry = 10s;                  // of an agent that is not let in
constexpr Duration kHeldWithin = 2s;              // a node is held again within that, while nothing is broken
// Looks are seconds apart here: what is over before the next one is not counted, and does not end an idle
// time.
constexpr Duration kShortestWork = 3s;
constexpr Duration kLabelsToldWithin = 15s;  // of a start of the server
constexpr Duration kTellMargin = 10s;        // a second build is reported within that
constexpr Duration kJenkinsPatience = 2s;
constexpr double kArrives = 0.3;  // of the calls that get no answer
constexpr Duration kSeenWithin = 100ms;

}  // namespace

SimJenkins::SimJenkins(SimLoop& loop, Witness& witness, std::uint64_t seed, JenkinsHabits habits)
    : loop_(loop),
      witness_(witness),
      dice_(seed, "a jenkins"),
      habits_(std::move(habits)),
      clock_(loop, Duration(0)),
      clock_offset_(dice_.chance(0.5) ? Duration(0) : dice_.between(Duration(-60s), Duration(60s))) {
  fake_jenkins::Settings settings;
  settings.clock_offset = clock_offset_;
  settings.dice = [this](Duration low, Duration high) { return dice_.between(low, high); };
  jenkins_ = std::make_unique<FakeJenkins>(std::move(settings), now());
  make_jobs();
  make_nodes_of_others();
  settle();
}

// --- jobs

void SimJenkins::make_jobs() {
  const auto label = [&] { return dice_.chance(0.2) ? std::string() : dice_.pick(habits_.labels); };
  const auto work = [&] {
    return fake_jenkins::Work{std::max(dice_.jitter(habits_.work), kShortestWork), {}, {}};
  };
  for (const auto* name : {"one", "two", "three"}) {
    fake_jenkins::Job job;
    job.name = name;
    job.label = label();
    job.work = work();
    job.concurrent = true;
    // Else triggers of one that waits already are the same item.
    job.parameters = {{"N", "0"}};
    jenkins_->add_job(std::move(job));
    freestyles_.emplace_back(name);
  }
  for (const auto* name : {"pipe", "wide"}) {
    fake_jenkins::Job job;
    job.name = name;
    job.kind = fake_jenkins::Job::Kind::pipeline;
    for (auto stages = dice_.between(std::uint64_t{1}, 2); stages > 0; --stages) {
      auto& stage = job.stages.emplace_back();
      const auto one = label();  // often several want the same
      for (auto blocks = dice_.between(std::uint64_t{1}, 3); blocks > 0; --blocks)
        stage.push_back({dice_.chance(0.7) ? one : label(), work(), dice_.chance(0.3) ? 1 : 0,
                         fmt::format("b{}", blocks)});
    }
    jenkins_->add_job(std::move(job));
    pipelines_.emplace_back(name);
  }
}

void SimJenkins::trigger() {
  if (calm_ || triggered_ == habits_.builds) return;
  const auto pause = dice_.chance(0.3) ? Duration(0) : dice_.jitter(habits_.between_builds);
  const auto& job = dice_.chance(0.6) ? dice_.pick(freestyles_) : dice_.pick(pipelines_);
  const auto quiet = dice_.chance(0.3) ? dice_.between(Duration(0), Duration(5s)) : Duration(0);
  if (jenkins_->is_up()) {
    ++triggered_;
    note("job " + job + " is to be built");
    (void)jenkins_->trigger(job, now(), quiet, "admin", {{"N", std::to_string(triggered_)}});
    settle();
  }
  loop_.after(std::max(pause, Duration(1ms)), [this] { trigger(); });
}

// --- nodes of others: one with the prefix of Footman's, too

void SimJenkins::make_nodes_of_others() {
  const jenkins::Requests admin("admin", base::Secret("admin-token"));
  for (const auto* name : {"rack-1", "footman-by-hand"}) {
    const auto made = ask_as_admin(admin.create_node({name, "Of people", {"rack"}, "/srv", false, false}));
    FOOTMAN_CHECK(made.status == 302, "an administrator makes a node");
  }
}

std::string SimJenkins::look_at_nodes_of_others() const {
  for (const auto* name : {"rack-1", "footman-by-hand"}) {
    const auto node = jenkins_->computers().find(name);
    if (node == jenkins_->computers().end() || node->second.deleted)
      return fmt::format("node {} is gone", name);
    if (node->second.held) return fmt::format("node {} was taken offline", name);
  }
  return {};
}

fake_jenkins::Answer SimJenkins::ask_as_admin(const jenkins::Request& request) {
  auto answer = jenkins_->handle({request.method, request.path, request.headers.all(), request.body}, now());
  return answer;
}

// --- what is true

const AgentId* SimJenkins::find_agent(const std::string& node) const {
  if (!node.starts_with(kPrefix)) return nullptr;
  const auto it = agents_.find(AgentId(node.substr(kPrefix.size())));
  return it == agents_.end() ? nullptr : &it->first;
}

// As JenkinsController makes it of what is exported.
std::string SimJenkins::key_of(const fake_jenkins::QueueItem& item) const {
  const auto& task = item.task;
  const auto path = task.kind == Wanted::Kind::block ? fmt::format("job/{}/{}/", task.job, task.number)
                                                     : "job/" + task.job + "/";
  return fmt::format("{}-{}-{}", item.id, (item.since + clock_offset_).us / 1000, path);
}

void SimJenkins::settle() {
  jenkins_->advance(now());
  step_machines();
  note_items();
  note_runs();
  note_nodes();
  note_starts();
  look_at_violations();
  look_at_overruns();
  arm();
}

void SimJenkins::arm() {
  auto next = jenkins_->next_event_at();
  for (const auto& [name, machine] : machines_)
    if (machine.connection == 0 && (!next.is_set() || machine.next_try < next)) next = machine.next_try;
  if (!next.is_set()) return;
  const auto at = loop_.now() + std::max(next - now(), Duration(1us));
  if (at >= armed_for_) return;
  armed_for_ = at;
  loop_.after(at - loop_.now(), [this, at] {
    if (armed_for_ != at) return;  // something came before
    armed_for_ = Duration::max();
    settle();
  });
}

void SimJenkins::step_machines() {
  for (const auto& event : jenkins_->take_agent_events()) {
    if (event.kind != fake_jenkins::AgentEvent::Kind::closed) continue;
    for (auto& [name, machine] : machines_) {
      if (machine.connection != event.connection) continue;
      machine.connection = 0;
      machine.next_try = now() + kRetry;
    }
  }
  for (auto& [name, machine] : machines_) {
    if (machine.connection != 0 || now() < machine.next_try) continue;
    const auto connected = jenkins_->connect_agent({machine.node, machine.secret, true}, now());
    if (connected) {
      note("agent " + machine.agent.str() + " connects");
      machine.connection = *connected;
    } else {
      machine.next_try = now() + kRetry;
    }
  }
}

void SimJenkins::note_items() {
  std::set<std::string> there;
  for (const auto* item : jenkins_->waiting_items()) note_item(*item, there);
  for (auto& [key, item] : items_) {
    if (!item.queued || there.contains(key)) continue;
    item.queued = false;
    item.changed = loop_.now();
  }
}

void SimJenkins::note_item(const fake_jenkins::QueueItem& item, std::set<std::string>& there) {
  if (item.task.kind != Wanted::Kind::freestyle && item.task.kind != Wanted::Kind::block) return;
  const auto label = item.label ? item.label->name() : std::string();
  auto key = key_of(item);
  const auto [it, is_new] = items_.try_emplace(key);
  auto& known = it->second;
  if (is_new) {
    known.number = kFirstNumber + static_cast<std::int64_t>(keys_.size());
    keys_.push_back(key);
    key_of_[item.id] = key;
    const auto parsed = model::parse_label_expression(label);
    known.label = parsed ? parsed->text() : label;
    note("item " + key + " is there");
  }
  // A step that goes on after a restart waits for its own node alone.
  const bool resumes = label.contains(kPrefix);
  const bool queued = item.state == fake_jenkins::QueueItem::State::buildable && !resumes;
  if (queued != known.queued) known.changed = loop_.now();
  known.queued = queued;
  there.insert(std::move(key));
}

void SimJenkins::note_runs() {
  for (const auto& job : pipelines_) {
    auto& seen = runs_of_[job];
    while (jenkins_->find_run(job, seen + 1) != nullptr) open_runs_.emplace(job, ++seen);
  }
  std::erase_if(open_runs_,
                [&](const auto& one) { return !jenkins_->find_run(one.first, one.second)->building; });
}

// A build runs there, or a step that was interrupted and may go on.
bool SimJenkins::needs_agent(const std::string& node) const {
  for (const auto& [job, number] : open_runs_)
    for (const auto& block : jenkins_->find_run(job, number)->blocks) {
      using enum BlockRun::State;
      if (block.node == node && (block.state == running || block.state == lost || block.state == resuming))
        return true;
    }
  const auto computer = jenkins_->computers().find(node);
  return computer != jenkins_->computers().end() &&
         std::ranges::any_of(computer->second.slots,
                             [](const auto& slot) { return slot && slot->number > 0; });
}

void SimJenkins::note_nodes() {
  for (const auto& [name, computer] : jenkins_->computers()) {
    const auto* agent = find_agent(name);
    if (agent == nullptr) continue;
    for (const auto& slot : computer.slots) {
      if (!slot) continue;
      const auto key = key_of_.find(slot->item);
      if (key == key_of_.end() || !given_.emplace(agent->str(), key->second).second) continue;
      note(fmt::format("item {} is given to {}", key->second, agent->str()));
      work_.push_back({*agent, {this->name(), key->second}, true});
    }
  }
  for (auto& [id, agent] : agents_) {
    const auto was_busy = std::exchange(agent.is_busy, needs_agent(agent.node));
    if (was_busy || agent.is_busy) agent.worked = loop_.now();
  }
}

void SimJenkins::note_starts() {
  const auto& starts = jenkins_->starts();
  for (; starts_seen_ < starts.size(); ++starts_seen_) {
    const auto& start = starts[starts_seen_];
    const auto* id = find_agent(start.node);
    if (id == nullptr) {
      report(fmt::format("build {} #{} began on node {}, which is no agent's", start.job, start.number,
                         start.node));
      continue;
    }
    auto& agent = agents_.at(*id);
    agent.starts.push_back(loop_.now());
    agent.worked = loop_.now();
    if (agent.max_builds != 1 || agent.starts.size() <= agent.max_builds) continue;
    const auto last = agent.starts[agent.max_builds - 1];
    const bool was_calm = is_reached() && std::max(reached_since_, calm_since()) <= last && !is_excused(*id);
    if (was_calm && loop_.now() - last > kHeldWithin)
      report(fmt::format(
          "node {} takes {} builds, and build {} #{} is one more, {} after its last one had begun",
          start.node, agent.max_builds, start.job, start.number, base::format_duration(loop_.now() - last)));
    else if (was_calm)
      overruns_.push_back({start.node, loop_.now()});
  }
}

// What broke meanwhile, or a server that was started anew, may have kept it from seeing both builds.
void SimJenkins::look_at_overruns() {
  if (overruns_.empty()) return;
  if (port_ == nullptr || !is_reached()) return overruns_.clear();
  for (const auto& text : port_->overview().violations())
    for (const auto& one : overruns_)
      if (text.contains(one.node)) told_.insert(one.node);
  std::erase_if(overruns_, [&](const Overrun& one) {
    if (told_.contains(one.node) || std::max(reached_since_, calm_since()) > one.at) return true;
    if (loop_.now() - one.at <= kTellMargin) return false;
    report(fmt::format("node {} had a build too many, and nothing was said of it", one.node));
    return true;
  });
}

bool SimJenkins::is_excused(const AgentId& agent) const {
  return witness_.disturbed_agents.contains(agent.str()) || witness_.ended_by_people.contains(agent.str());
}

// It names a node whose end was not Footman's doing.
bool SimJenkins::is_excused(const std::string& text) const {
  // Of templates that take builds without a label.
  if (text.contains("is not EXCLUSIVE")) return true;
  return std::ranges::any_of(agents_, [&](const auto& one) {
    const auto& node = one.second.node;
    return is_excused(one.first) &&
           (text.starts_with(node + " ") || text.starts_with("the name " + node + " "));
  });
}

void SimJenkins::look_at_violations() {
  const auto& violations = jenkins_->violations();
  for (; violations_seen_ < violations.size(); ++violations_seen_)
    if (!is_excused(violations[violations_seen_]))
      report("no correct client does that: " + violations[violations_seen_]);
}

// --- for the invariants

std::vector<OtherController::Waiting> SimJenkins::list_waiting() const {
  std::vector<Waiting> waiting;
  if (port_ == nullptr) return waiting;
  for (auto& one : port_->demand()) {
    const auto item = items_.find(one.key);
    if (item == items_.end()) continue;
    waiting.push_back({item->second.number, one.key, one.label, one.since, item->second.reason});
  }
  return waiting;
}

std::optional<std::string> SimJenkins::find_key(std::int64_t number) const {
  const auto index = static_cast<std::size_t>(number - kFirstNumber);
  return number < kFirstNumber || index >= keys_.size() ? std::nullopt : std::optional(keys_[index]);
}

std::optional<OtherController::Demanded> SimJenkins::find_demanded(const std::string& key,
                                                                   Duration within) const {
  const auto item = items_.find(key);
  if (item == items_.end() || !item->second.queued) return std::nullopt;
  const auto others = std::ranges::count_if(items_, [&](const auto& one) {
    return one.first != key && (one.second.queued || loop_.now() - one.second.changed < within);
  });
  return Demanded{item->second.label, static_cast<std::size_t>(others)};
}

// Also what the server was told last: it sees a Jenkins a moment later, or as it was when it could be
// reached.
std::vector<QueuedItem> SimJenkins::list_queued() const {
  std::set<std::string> told;
  if (port_ != nullptr)
    for (auto& one : port_->demand()) told.insert(std::move(one.key));
  std::vector<QueuedItem> all;
  all.reserve(items_.size());
  for (const auto& [key, item] : items_) {
    const bool is_seen_so = told.contains(key) || loop_.now() - item.changed <= kSeenWithin;
    // Of a step or an item without a label nobody can tell the label before the placeholders have stood for a
    // while.
    const bool is_untold = !told.contains(key) && loop_.now() - port_since_ < kLabelsToldWithin;
    all.push_back({{name(), key}, item.queued || is_seen_so, !item.queued || is_untold});
  }
  return all;
}

std::optional<Duration> SimJenkins::last_work(const AgentId& agent) const {
  const auto it = agents_.find(agent);
  if (it == agents_.end() || !it->second.worked) return std::nullopt;
  return it->second.is_busy ? loop_.now() : *it->second.worked;
}

// For runs that go on after a restart, of which a later life of the server may hear first.
Duration SimJenkins::may_wait_until() const {
  if (restarted_ == Duration(0)) return Duration(0);
  return std::max(restarted_, port_since_) + jenkins::kRestartGrace + jenkins::kResumePatience;
}

AgentActivity SimJenkins::activity_of(const AgentId& agent) const {
  const auto it = agents_.find(agent);
  if (it == agents_.end()) return AgentActivity::unknown;
  const auto computer = jenkins_->computers().find(it->second.node);
  if (computer == jenkins_->computers().end() || computer->second.deleted) return AgentActivity::done;
  if (it->second.is_busy || !computer->second.is_idle()) return AgentActivity::busy;
  if (computer->second.connection != 0) return AgentActivity::idle;
  const bool has_come =
      std::ranges::any_of(machines_, [&](const auto& one) { return one.second.agent == agent; });
  return has_come ? AgentActivity::disconnected : AgentActivity::expected;
}

bool SimJenkins::done() const {
  if (!calm_ || woes_ > 0 || !machines_.empty() || !open_runs_.empty() || port_ == nullptr) return false;
  const bool has_nodes = std::ranges::any_of(jenkins_->computers(), [](const auto& one) {
    return one.first.starts_with(kPrefix) && one.first != "footman-by-hand" &&
           !jenkins::is_placeholder_name(kPrefix, one.first);
  });
  return !has_nodes && jenkins_->waiting_items().empty() && port_->overview().nodes().empty();
}

std::string SimJenkins::what_is_left() const {
  std::string text;
  for (const auto* item : jenkins_->waiting_items())
    text += fmt::format("\n  item {} waits in Jenkins for '{}'", key_of(*item),
                        item->label ? item->label->name() : "");
  for (const auto& [job, number] : open_runs_) text += fmt::format("\n  run {} #{} is not over", job, number);
  for (const auto& [name, computer] : jenkins_->computers())
    if (!jenkins::is_placeholder_name(kPrefix, name))
      text += fmt::format("\n  node {} is there{}{}{}{}", name, computer.held ? ", held" : "",
                          computer.online ? ", online" : "", computer.is_idle() ? "" : ", busy",
                          computer.deleted ? ", deleted" : "");
  for (const auto& [name, machine] : machines_)
    text += fmt::format("\n  agent of node {} lives", machine.node);
  if (port_ == nullptr) return text;
  for (const auto& [id, node] : port_->overview().nodes())
    text += fmt::format("\n  record of node {}: {}, {}", node->record.node, to_string(node->record.phase),
                        node->record.detail);
  for (const auto& one : port_->overview().items())
    text += fmt::format("\n  item {} is {}: {}", one.item.key(), to_string(one.verdict), one.text);
  return text + "\n  Jenkins: " + port_->trouble();
}

void SimJenkins::check_end() {
  settle();
  if (const auto text = look_at_nodes_of_others(); !text.empty()) report(text + ", and it was not Footman's");
}

// --- agents

void SimJenkins::start_agent(const std::string& machine, const ports::LaunchSpec& spec) {
  if (spec.endpoint.program != ports::AgentProgram::jenkins)
    return report(fmt::format("agent {} is launched, and not as one of a Jenkins", spec.agent.str()));
  machines_[machine] = {spec.agent, spec.endpoint.name, std::string(spec.controller_secret.expose()), 0,
                        now() + dice_.jitter(Duration(500ms))};
  arm();
}

void SimJenkins::lose_machine(const std::string& machine) {
  const auto it = machines_.find(machine);
  if (it == machines_.end()) return;
  const auto lost = std::move(it->second);
  machines_.erase(it);
  note(fmt::format("agent {} is gone{}", lost.agent.str(),
                   lost.connection == 0 ? "" : ", with its connection"));
  const bool works = needs_agent(lost.node);
  if (lost.connection != 0) jenkins_->disconnect_agent(lost.connection, now());
  // A step that would go on after a restart, and whose node another build took meanwhile, is not waited for.
  const auto& agent = agents_.at(lost.agent);
  const bool was_overrun = agent.max_builds == 1 && agent.starts.size() > 1;
  if (works && !was_overrun && !is_excused(lost.agent))
    report(fmt::format("a build was at work on agent {}, which was ended though nothing had happened to it",
                       lost.agent.str()));
  settle();
}

// --- one life's port

std::unique_ptr<OtherPort> SimJenkins::make_port(OtherParts parts) {
  jenkins::JenkinsSettings settings;
  settings.name = name();
  settings.url = "http://jenkins.example.test:8080/";
  settings.user = "scaler";
  settings.token = base::Secret("scaler-token");
  settings.prefix = kPrefix;
  settings.installation = parts.installation.str();
  settings.keeps_unknown = parts.in_doubt;
  settings.demand.served = habits_.served;
  settings.idle_pace = 2s;  // slower than by default: each look costs time
  settings.busy_pace = 500ms;
  settings.open_pace = 200ms;
  settings.note_time = 1min;
  return std::make_unique<JenkinsPort>(*this, std::move(parts), std::move(settings));
}

Awaitable<base::Result<jenkins::Answer>> JenkinsWay::send(jenkins::Request request) {
  co_await runtime::sleep_for(clock_, jenkins_.dice_.jitter(jenkins_.habits_.way));
  const bool is_cut = jenkins_.cut_;
  fake_jenkins::Answer answer;
  if (!is_cut || jenkins_.dice_.chance(kArrives)) {
    answer = jenkins_.jenkins_->handle({request.method, request.path, request.headers.all(), request.body},
                                       jenkins_.now());
    if (request.method != "GET")
      jenkins_.note(fmt::format("{} {}: {}", request.method, request.path, answer.status));
    jenkins_.settle();
  }
  const bool is_lost = is_cut || answer.status == 0;
  co_await runtime::sleep_for(
      clock_, is_cut ? kJenkinsPatience : answer.takes + jenkins_.dice_.jitter(jenkins_.habits_.way));
  if (is_lost) co_return base::fail(base::Errc::unavailable, "the connection was refused");
  jenkins::Answer ours{answer.status, {}, std::move(answer.body)};
  for (auto& [name, value] : answer.headers) ours.headers.add(std::move(name), std::move(value));
  co_return ours;
}

JenkinsPort::JenkinsPort(SimJenkins& jenkins, OtherParts parts, jenkins::JenkinsSettings settings)
    : jenkins_(jenkins), way_(jenkins, parts.clock), book_(std::make_unique<app::JenkinsBook>(parts.store)) {
  if (parts.bend_book) bent_book_ = parts.bend_book(*book_);
  if (parts.bend_transport) bent_way_ = parts.bend_transport(way_);
  controller_ = std::make_unique<jenkins::JenkinsController>(
      jenkins::JenkinsParts{parts.control,
                            parts.clock,
                            bent_way_ ? *bent_way_ : static_cast<jenkins::Transport&>(way_),
                            bent_book_ ? *bent_book_ : *book_,
                            parts.log,
                            parts.metrics,
                            {},
                            {},
                            {},
                            {},
                            {},
                            [key = parts.server_key](const AgentId& agent, std::uint32_t attempt) {
                              return protocol::derive_bootstrap_secret(key, agent, attempt);
                            }},
      std::move(settings));
  jenkins_.port_ = this;
  jenkins_.port_since_ = jenkins_.loop_.now();
  for (auto& [key, item] : jenkins_.items_) item.reason.reset();
}

JenkinsPort::~JenkinsPort() {
  if (jenkins_.port_ == this) jenkins_.port_ = nullptr;
}

Awaitable<base::Result<ports::AgentBootstrap>> JenkinsPort::register_agent(
    ports::AgentRegistration registration) {
  if (!jenkins_.items_.contains(registration.for_item))
    jenkins_.report(fmt::format("agent {} is registered for item '{}', which is none of this Jenkins'",
                                registration.id.str(), registration.for_item));
  auto& agent = jenkins_.agents_[registration.id];
  agent.node = controller_->find_endpoint(registration.id)->name;
  agent.max_builds = registration.max_builds;
  return controller_->register_agent(std::move(registration));
}

void JenkinsPort::set_wait_reason(const std::string& item_key, ports::SharedReason reason) {
  const auto it = jenkins_.items_.find(item_key);
  if (it == jenkins_.items_.end())
    return jenkins_.report(
        fmt::format("it is told why item '{}' waits, which is none of this Jenkins'", item_key));
  it->second.reason = reason;
  controller_->set_wait_reason(item_key, std::move(reason));
}

}  // namespace footman::sim
