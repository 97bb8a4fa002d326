// What JenkinsController does about the nodes of agents.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/utf8.hpp"
#include "jenkins/jenkins_controller.hpp"

namespace footman::jenkins {

using model::EndReason;
using runtime::Awaitable;

namespace {

// As the message of a node: Jenkins shows what comes after the last " : ", on one line.
std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  for (auto at = text.find(" : "); at != std::string::npos; at = text.find(" : ", at))
    text.replace(at, 3, ": ");
  return text;
}

}  // namespace

// --- who has a node

JenkinsController::NodeHold::NodeHold(LiveNodePtr node, Looks looks)
    : node_(std::move(node)), looks_(std::move(looks)) {
  node_->taken = true;
  ++node_->times_taken;
}

JenkinsController::NodeHold::~NodeHold() {
  if (node_ == nullptr) return;
  node_->taken = false;
  node_->fresh_after = *looks_;
  node_->freed.notify();
}

Awaitable<JenkinsController::NodeHold> JenkinsController::take(LiveNodePtr node) {
  struct Waiting {
    explicit Waiting(LiveNodePtr n) : node(std::move(n)) { ++node->waiting; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { --node->waiting; }
    LiveNodePtr node;
  };
  const Waiting waiting(node);
  while (node->taken) co_await node->freed.wait();
  co_return NodeHold(node, looks_);
}

// --- steps that looks decide

Awaitable<void> JenkinsController::work_on(NodeHold node, NodeWork work) {
  const auto done = co_await take_step(&*node, &work);
  const bool is_news = work.step == NodeStep::none || health_.note_change(to_string(work.step), done);
  if (!done) node->step_after = parts_.clock.steady() + kStepAgain;
  if (!done && is_news)
    parts_.log.warning(
        "a step about a node of the jenkins failed, looking again",
        {{"node", node->record.node}, {"step", to_string(work.step)}, {"error", describe(done.error())}});
  co_await write_down(&*node, work.forget);
  watch_if_needed(node.node());
}

// --- nodes that are open for a last build

void JenkinsController::watch_if_needed(const LiveNodePtr& node) {
  if (node->watched || watches_ >= kWatchedAtOnce || !node->is_to_be_watched()) return;
  node->watched = true;
  ++watches_;
  scope_.spawn("watches " + node->record.node, watch(node));
}

// What comes after that build would be too many. A look at all takes two calls, and lists may be long: until
// the build is seen, and named, the node alone is asked for, as quickly as the answers come.
Awaitable<void> JenkinsController::watch(LiveNodePtr node) {
  while (node->is_to_be_watched()) {
    const auto begun = parts_.clock.steady();
    const auto seen = co_await glance(&node);
    const auto took = parts_.clock.steady() - begun;
    const auto pause = seen ? settings_.open_pace - took : std::max(settings_.open_pace, health_.pause());
    if (pause > Duration(0)) co_await runtime::sleep_for(parts_.clock, pause);
  }
  node->watched = false;
  --watches_;
}

Awaitable<Status> JenkinsController::glance(const LiveNodePtr* node) {
  const auto times_taken = (*node)->times_taken;
  if (is_unnamed((*node)->record)) ++(*node)->glances;
  std::string session;
  FOOTMAN_CO_TRY(const auto computer, co_await read_node((*node)->record.node, &session));
  const bool is_busy = std::ranges::any_of(computer.executors, [](const Executor& one) { return !one.idle; });
  // Was something done about it meanwhile, what was read may be no more: a second toggle would open it.
  const bool is_fresh = (*node)->is_free() && (*node)->times_taken == times_taken;
  if (!is_fresh || session != overview_.session()) co_return Status();
  if (!is_busy) {
    // It is over: which one it was is found out with the queue.
    if (is_unnamed((*node)->record)) {
      (*node)->glances = kGlancesForName;
      wake_.notify();
    }
    co_return Status();
  }
  const auto taken = co_await take(*node);
  NextSteps seen;
  const auto turn = overview_.look_now(*node, &computer, parts_.clock.now(), seen);
  tell(seen);
  const auto done =
      turn.step == NodeStep::hold ? co_await hold_node(computer.name, std::string(turn.message)) : Status();
  co_await write_down(&*taken, false);
  co_return done;
}

Awaitable<Status> JenkinsController::take_step(LiveNode* node, const NodeWork* work) {
  const auto& name = node->record.node;
  switch (work->step) {
    case NodeStep::hold:
      co_return co_await hold_node(name, work->message);
    case NodeStep::open: {
      node->opened_at = parts_.clock.steady();
      FOOTMAN_CO_TRY_STATUS(co_await change(requests_.toggle(name, {}), fmt::format("open node {}", name)));
      if (node->record.phase == NodePhase::held)
        note_opened(node->record, work->open_for ? &*work->open_for : nullptr);
      wake_.notify();  // a build may be there in a moment
      co_return Status();
    }
    case NodeStep::erase:
      co_return co_await erase_node(node);
    case NodeStep::note:
      co_return co_await show_note(node, work->is_held);
    case NodeStep::ask_item:
      co_return co_await ask_item(node);
    case NodeStep::ask_build:
      co_return co_await ask_build(node);
    case NodeStep::ask_node:
      co_return co_await ask_node(node);
    case NodeStep::none:
      break;
  }
  co_return Status();
}

// Its message changes only with the state, and nobody is there who could take a build meanwhile.
Awaitable<Status> JenkinsController::show_note(LiveNode* node, bool is_held) {
  const auto what = fmt::format("leave a note at node {}", node->record.node);
  if (is_held) FOOTMAN_CO_TRY_STATUS(co_await change(requests_.toggle(node->record.node, {}), what));
  FOOTMAN_CO_TRY_STATUS(co_await change(requests_.toggle(node->record.node, node->record.note), what));
  node->record.note_shown = true;
  co_return Status();
}

Awaitable<Status> JenkinsController::ask_build(LiveNode* node) {
  FOOTMAN_CO_TRY(const auto answer, co_await call(requests_.get_build(node->record.build.path)));
  const auto checked = check_read(answer, fmt::format("read build {}", node->record.build.path));
  if (!checked && checked.error().code != Errc::not_found) co_return checked;
  if (!checked) {
    node->build_over = true;
    co_return Status();
  }
  FOOTMAN_CO_TRY(const auto build, parse_build(answer.body));
  node->build_over = build.over;
  co_return Status();
}

// One list without it proves nothing.
Awaitable<Status> JenkinsController::ask_node(LiveNode* node) {
  const auto computer = co_await read_node(node->record.node);
  node->is_gone = !computer && computer.error().code == Errc::not_found;
  if (node->is_gone) wake_.notify();
  co_return computer || node->is_gone ? Status() : std::unexpected(computer.error());
}

Awaitable<void> JenkinsController::write_down(LiveNode* node, bool forget) {
  const auto id = node->record.agent;
  if (overview_.find(id).get() != node) co_return;  // it is gone meanwhile
  if (forget) {
    const auto erased = co_await parts_.book.erase(settings_.name, id);
    if (erased)
      overview_.erase(id);
    else
      parts_.log.warning("the record of a node cannot be erased", {{"error", describe(erased.error())}});
    co_return;
  }
  if (node->stored && *node->stored == node->record) co_return;
  const auto stored = co_await put(node);
  if (!stored)
    parts_.log.error("the record of a node cannot be written, trying again",
                     {{"error", describe(stored.error())}});
}

Awaitable<Status> JenkinsController::put(LiveNode* node) {
  auto record = node->record;
  const auto done = co_await parts_.book.put(record);
  if (done)
    node->stored = std::move(record);
  else
    node->put_after = parts_.clock.steady() + kPutAgain;
  co_return done;
}

Awaitable<Status> JenkinsController::erase_node(LiveNode* node) {
  const auto& name = node->record.node;
  auto done = co_await change(requests_.delete_node(name), fmt::format("delete node {}", name));
  if (!done && done.error().code == Errc::not_found) done = Status();
  if (done) node->deleted = true;
  co_return done;
}

// --- register

Result<LiveNodePtr> JenkinsController::find_or_plan(const ports::AgentRegistration& registration) {
  if (auto node = overview_.find(registration.id)) return node;
  if (!overview_.has_read())
    return fail(Errc::unavailable, "Jenkins has not answered yet", {}, health_.trouble());
  // No agent for a build that is gone, or that may be.
  if (!registration.for_item.empty() && !overview_.waits(registration.for_item))
    return fail(Errc::unavailable,
                fmt::format("the item {} does not wait in the queue of Jenkins", registration.for_item));
  NodeRecord record;
  record.controller = settings_.name;
  record.agent = registration.id;
  record.attempt = registration.attempt;
  record.node = overview_.node_name(registration.id);
  record.labels = registration.labels;
  record.max_builds = registration.max_builds;
  record.is_default = registration.is_default;
  record.created = parts_.clock.now();
  for (const auto& item : overview_.demand())
    if (item.key == registration.for_item) record.item = item;
  record.item.key = registration.for_item;
  return overview_.add(std::move(record));
}

Awaitable<Result<ports::AgentBootstrap>> JenkinsController::register_agent(
    ports::AgentRegistration registration) {
  FOOTMAN_CO_TRY(const auto found, find_or_plan(registration));
  const auto node = co_await take(found);
  auto& record = node->record;
  if (is_let_go(record.phase))
    co_return fail(Errc::conflict, fmt::format("agent {} was removed", registration.id.str()));
  // A second one would need a node of another name, and the agent's name is its node's.
  if (registration.attempt != record.attempt)
    co_return fail(Errc::conflict,
                   fmt::format("another attempt of agent {} is known", registration.id.str()));
  record.secret_lifetime = registration.secret_lifetime;
  node->redeem_until = std::max(node->redeem_until, parts_.clock.steady() + registration.secret_lifetime);
  FOOTMAN_CO_TRY_STATUS(co_await put(&*node));
  const bool is_new = !record.connected_at.is_set();
  const auto folder = parts_.work_folder && is_new ? parts_.work_folder(registration) : std::string();
  const auto made =
      is_new ? co_await make_node(&*node, folder.empty() ? settings_.work_folder : folder) : Status();
  health_.note_change("make", made);
  if (!made) co_return std::unexpected(made.error());
  // Where a footman-agent fetches it this shows that it can be had.
  FOOTMAN_CO_TRY(auto secret, co_await read_secret(record.node));
  co_return ports::AgentBootstrap{
      parts_.agent_secret ? parts_.agent_secret(record.agent, record.attempt) : Secret(), std::move(secret)};
}

Awaitable<Result<Secret>> JenkinsController::read_secret(std::string node) {
  FOOTMAN_CO_TRY(const auto answer, co_await call(requests_.get_secret(node)));
  const auto read = check_read(answer, fmt::format("read the secret of node {}", node));
  health_.note_change("secret", read);
  if (!read) co_return std::unexpected(read.error());
  co_return parse_agent_secret(answer.body, node);
}

// --- secrets that are fetched

namespace {
bool may_connect(NodePhase phase) { return phase != NodePhase::over && !is_let_go(phase); }
}  // namespace

std::optional<ports::CredentialHolder> JenkinsController::find_holder(const AgentId& agent) const {
  const auto node = overview_.find(agent);
  if (node == nullptr) return std::nullopt;
  return ports::CredentialHolder{node->record.key_hash, node->record.attempt,
                                 parts_.clock.steady() >= node->redeem_until,
                                 !may_connect(node->record.phase)};
}

Awaitable<Result<Secret>> JenkinsController::redeem(AgentId agent, std::uint32_t attempt,
                                                    std::string key_hash) {
  const auto found = overview_.find(agent);
  if (found == nullptr)
    co_return fail(Errc::not_found, fmt::format("there is no agent {} here", agent.str()));
  const auto node = co_await take(found);
  auto& record = node->record;
  if (!may_connect(record.phase))
    co_return fail(Errc::not_found, fmt::format("agent {} was removed", agent.str()));
  if (attempt != record.attempt)
    co_return fail(Errc::conflict, fmt::format("another attempt of agent {} is known", agent.str()));
  if (!record.key_hash.empty() && record.key_hash != key_hash)
    co_return fail(Errc::permission_denied, fmt::format("another one has the secret of {}", record.node));
  record.key_hash = std::move(key_hash);
  if (!node->stored || node->stored->key_hash != record.key_hash) FOOTMAN_CO_TRY_STATUS(co_await put(&*node));
  auto secret = co_await read_secret(record.node);
  // Somebody deleted the node: the next look ends the agent.
  if (!secret && secret.error().code == Errc::not_found) secret.error().code = Errc::unavailable;
  co_return secret;
}

// It exists and is held with the answer.
Awaitable<Status> JenkinsController::make_node(LiveNode* node, std::string folder) {
  auto& record = node->record;
  if (record.phase == NodePhase::planned) {
    const auto made =
        co_await change(requests_.create_node({record.node, overview_.describe_node(record.agent),
                                               record.labels, std::move(folder), record.is_default,
                                               settings_.connection == AgentConnection::web_socket}),
                        fmt::format("make node {}", record.node));
    if (!made && made.error().code != Errc::already_exists) co_return made;
    if (!made) FOOTMAN_CO_TRY_STATUS(co_await check_owner(record.node));
    // It is never made a second time: to Jenkins the name is that of one agent for ever.
    record.phase = NodePhase::held;
    FOOTMAN_CO_TRY_STATUS(co_await put(node));
    if (made) co_return co_await hold_node(record.node, std::string(kHeldUntilWork));
  }
  const auto computer = co_await read_node(record.node);
  if (!computer || computer->held) co_return computer ? Status() : std::unexpected(computer.error());
  co_return co_await hold_node(record.node, std::string(kHeldUntilWork));
}

// A node that exists already was made by this agent's registration before, or is somebody else's.
Awaitable<Status> JenkinsController::check_owner(std::string name) {
  FOOTMAN_CO_TRY(const auto computer, co_await read_node(name));
  if (overview_.is_marked(computer)) co_return Status();
  co_return fail(Errc::already_exists, fmt::format("a node {} is there that this Footman did not make", name),
                 {}, "Delete it in Jenkins, or choose another prefix for the names of nodes.");
}

Awaitable<Status> JenkinsController::hold_node(std::string name, std::string message) {
  auto request = requests_.toggle(name, message);
  co_return co_await change(std::move(request), fmt::format("hold node {}", name));
}

// --- drain

Awaitable<Status> JenkinsController::drain_agent(AgentId id) {
  const auto found = overview_.find(id);
  if (found == nullptr) co_return fail(Errc::not_found, fmt::format("there is no agent {} here", id.str()));
  const auto node = co_await take(found);
  auto& record = node->record;
  const auto was_drained = std::exchange(record.drained, true);
  if (const auto done = co_await put(&*node); !done) {
    record.drained = was_drained;
    co_return done;
  }
  if (!may_connect(record.phase)) co_return Status();
  const auto done = co_await close_node(&node.node());
  // The wish is written down and will be carried out.
  if (!done) co_return fail(Errc::timeout, done.error().message);
  co_await write_down(&*node, false);
  co_return Status();
}

// Held, and what is on it is known.
Awaitable<Status> JenkinsController::close_node(const LiveNodePtr* node) {
  constexpr int kToggles = 2;
  const auto name = (*node)->record.node;
  for (int toggles = 0;; ++toggles) {
    std::string session;
    const auto computer = co_await read_node(name, &session);
    if (!computer && computer.error().code == Errc::not_found) co_return Status();
    if (!computer) co_return std::unexpected(computer.error());
    // What a node alone shows after a restart of Jenkins, before all was looked at, says nothing of its
    // build.
    if (session != overview_.session())
      co_return fail(Errc::unavailable, "Jenkins was started anew, and was not looked at since");
    NextSteps seen;
    const auto turn = overview_.look_now(*node, &*computer, parts_.clock.now(), seen);
    tell(seen);
    if (turn.may_be_waited_for)
      co_return fail(Errc::unavailable, "Jenkins was started anew, and a build may come back to its node");
    if (computer->held) co_return Status();
    if (toggles == kToggles)
      co_return fail(Errc::unavailable, fmt::format("somebody opens node {} again", name));
    FOOTMAN_CO_TRY_STATUS(co_await hold_node(name, std::string(kHeldSingleUse)));
  }
}

// --- remove

bool JenkinsController::died_with_build(const NodeRecord& record, const ports::AgentEnd& end) const {
  using enum EndReason;
  const bool died = end.reason == session_lost || end.reason == resource_gone || end.reason == agent_exited ||
                    end.reason == out_of_memory || end.reason == notice;
  const bool was_lost = record.phase == NodePhase::over && record.lost && !record.build.path.empty();
  return died && (has_build(record) || was_lost);
}

Awaitable<Status> JenkinsController::remove_agent(AgentId id, ports::AgentEnd end) {
  const auto found = overview_.find(id);
  if (found == nullptr) co_return Status();
  const auto node = co_await take(found);
  auto& record = node->record;
  if (!is_let_go(record.phase)) {
    const bool stays = died_with_build(record, end);
    if (stays) {
      record.note = one_line(fmt::format("{}{}", kHoldMark, end.text));
      record.note.resize(cut_utf8(record.note, kMaxOfflineMessage).size());
      record.note_until = parts_.clock.now() + settings_.note_time;
    }
    record.phase = stays ? NodePhase::noted : NodePhase::going;
  }
  FOOTMAN_CO_TRY_STATUS(co_await put(&*node));
  if (record.phase == NodePhase::noted) co_return co_await mourn(&*node);
  if (node->deleted) co_return Status();
  const auto done = co_await erase_node(&*node);
  health_.note_change(to_string(NodeStep::erase), done);
  co_return done;
}

// The node takes no more builds with the answer, and says why.
Awaitable<Status> JenkinsController::mourn(LiveNode* node) {
  if (node->record.note_shown) co_return Status();
  const auto computer = co_await read_node(node->record.node);
  if (!computer && computer.error().code == Errc::not_found) co_return Status();
  if (!computer) co_return std::unexpected(computer.error());
  if (computer->connected && computer->held) co_return Status();
  auto done = co_await show_note(node, computer->held);
  if (done) (void)co_await put(node);
  co_return done;
}

}  // namespace footman::jenkins
