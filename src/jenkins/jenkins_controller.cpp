#include "jenkins/jenkins_controller.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "jenkins/flow_graph.hpp"

namespace footman::jenkins {

using runtime::Awaitable;

namespace {

// Jenkins tells its time in whole seconds.
constexpr Duration kHalfASecond = 500ms;
constexpr Duration kEarlierFirst = 2s;  // of sections for one Jenkins the first one serves it

base::MetricLabels labels_of(const JenkinsSettings& settings, const std::string& outcome = {}) {
  base::MetricLabels labels{{"controller", settings.name.str()}};
  if (!outcome.empty()) labels["outcome"] = outcome;
  return labels;
}

ports::JenkinsNode show_node(const NodeRecord& record, const std::string& url) {
  const auto& build = record.build;
  ports::JenkinsNode out;
  out.name = record.node;
  out.agent = record.agent;
  out.state = to_string(record.phase);
  out.connected = record.link == NodeLink::up;
  if (!build.path.empty()) {
    out.work = build.title.empty() ? build_title(build.path) : build.title;
    out.build = url + build.path;
  }
  out.created = record.created;
  if (record.phase == NodePhase::working) out.working_since = build.since;
  out.note = record.note;
  return out;
}

}  // namespace

JenkinsController::JenkinsController(JenkinsParts parts, JenkinsSettings settings)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      requests_(settings_.user, settings_.token),
      overview_(settings_),
      calls_done_(parts_.metrics.counter("footman_jenkins_calls_total", "Calls of a Jenkins by outcome",
                                         labels_of(settings_, "answered"))),
      calls_failed_(parts_.metrics.counter("footman_jenkins_calls_total", "Calls of a Jenkins by outcome",
                                           labels_of(settings_, "unanswered"))),
      violations_(parts_.metrics.counter("footman_jenkins_violations_total",
                                         "Builds that came to a node which should have had no more",
                                         labels_of(settings_))),
      up_(parts_.metrics.gauge("footman_jenkins_up", "1: the Jenkins answers", labels_of(settings_))),
      scope_(parts_.control, parts_.log) {}

JenkinsController::~JenkinsController() = default;

Awaitable<Status> JenkinsController::start() {
  FOOTMAN_CO_TRY(auto records, co_await parts_.book.load(settings_.name));
  overview_.load(std::move(records));
  FOOTMAN_CO_TRY(const auto violations, co_await parts_.book.load_violations(settings_.name));
  overview_.load_violations(violations);
  for (const auto& [id, node] : overview_.nodes())
    node->redeem_until = parts_.clock.steady() + node->record.secret_lifetime;
  scope_.spawn("looks at a jenkins", look_again_and_again());
  co_return Status();
}

Awaitable<void> JenkinsController::stop() {
  scope_.cancel();
  co_await scope_.join();
}

void JenkinsController::set_settings(JenkinsSettings settings) {
  static_cast<FixedSettings&>(settings) = settings_;
  settings_ = std::move(settings);
  requests_ = Requests(settings_.user, settings_.token);
  overview_.set_settings(settings_);
  wake_.notify();
}

// --- looks

// Until they have answered, or do not for a while: then who comes first serves, which no build suffers from.
Awaitable<void> JenkinsController::wait_for_earlier() {
  if (!parts_.sections) co_return;
  const auto until = parts_.clock.steady() + kEarlierFirst;
  for (const auto* one : parts_.sections()) {
    if (one == this) co_return;
    while (one->health_.reach() == Reach::unasked && parts_.clock.steady() < until)
      co_await runtime::sleep_for(parts_.clock, settings_.busy_pace);
  }
}

Awaitable<void> JenkinsController::look_again_and_again() {
  co_await wait_for_earlier();
  while (true) {
    const auto begun = parts_.clock.steady();
    const auto done = co_await look();
    if (!done && done.error().code == Errc::unauthenticated && co_await renew_token()) continue;
    const auto now = parts_.clock.now();
    if (done)
      health_.note_well(now);
    else
      health_.note_failure(done.error(), now);
    up_.set(done ? 1 : 0);
    if (auto trouble = this->trouble(); trouble != told_trouble_) {
      if (trouble.empty())
        parts_.log.info("the jenkins is well again");
      else
        parts_.log.warning("trouble with the jenkins", {{"trouble", trouble}});
      told_trouble_ = std::move(trouble);
    }
    if (done && leaves() && overview_.has_left()) {
      if (parts_.on_left) parts_.on_left();
      while (leaves()) co_await wake_.wait();
      continue;
    }
    // After a failure, which may have taken long, health says when to try again.
    const bool is_free = !done || overview_.has_exposed();
    const auto share = is_free ? Duration(0) : (parts_.clock.steady() - begun) * kShareOfTime;
    const auto pause = std::max({overview_.pace(), health_.pause(), share});
    (void)co_await wake_.wait_for(parts_.clock, pause);
  }
}

// True: there is another one than that which Jenkins did not take.
Awaitable<bool> JenkinsController::renew_token() {
  if (!parts_.read_token) co_return false;
  auto token = co_await parts_.read_token();
  if (!token || token->expose().empty() || token->expose() == settings_.token.expose()) co_return false;
  parts_.log.info("the jenkins does not take the token; there is a new one");
  settings_.token = std::move(*token);
  requests_ = Requests(settings_.user, settings_.token);
  co_return true;
}

Awaitable<Status> JenkinsController::look() {
  Reading reading;
  reading.number = ++*looks_;
  const auto asked = parts_.clock.steady();
  const auto twin_before = twin_ == nullptr ? Sighting() : twin_->sighting_;
  FOOTMAN_CO_TRY(reading.queue, co_await read_queue(&reading));
  look_for_twin({reading.session, parts_.clock.steady(), asked}, twin_before);
  if (overview_.wants_computers(reading.queue, parts_.clock.steady()))
    FOOTMAN_CO_TRY_STATUS(co_await read_computers(&reading));
  reading.now = parts_.clock.now();
  if (reading.computers) health_.note_lists(*reading.computers, reading.now);
  health_.note_items(reading.queue, reading.computers ? &*reading.computers : nullptr, reading.now);
  if (health_.wants_jobs(reading.now)) scope_.spawn("jobs of a jenkins", ask_jobs());
  const auto number = reading.number;
  act_on(overview_.take_in(std::move(reading), parts_.clock.steady()), number);
  co_return Status();
}

// --- other sections for the same Jenkins

std::vector<const JenkinsController*> JenkinsController::others() const {
  auto all = parts_.sections ? parts_.sections() : std::vector<const JenkinsController*>();
  std::erase(all, this);
  return all;
}

bool JenkinsController::has_to_itself(const std::string& session) const {
  return twin_ == nullptr && !leaves() && sighting_.session == session;
}

// Each run of a Jenkins has a session of its own, at whatever address it is found, and none comes back. So
// another one between two looks that show the same is that of another Jenkins; else one of the two may only
// have been asked before a restart of Jenkins. `twin_before`: what the twin had seen when this was asked for.
void JenkinsController::look_for_twin(Sighting seen, const Sighting& twin_before) {
  if (seen.session.empty()) return;
  if (seen.session == sighting_.session) seen.first = sighting_.first;
  sighting_ = std::move(seen);
  const auto& session = sighting_.session;
  const auto all = others();
  const auto twin = std::ranges::find_if(all, [&](const auto* one) { return one->has_to_itself(session); });
  if (twin != all.end()) return set_twin(*twin);
  const bool is_another =
      !twin_before.session.empty() && twin_before.session != session && twin_before.asked >= sighting_.first;
  if (twin_ != nullptr && (is_another || twin_->leaves())) set_twin(nullptr);
}

void JenkinsController::set_twin(const JenkinsController* twin) {
  if (twin == twin_) return;
  twin_ = twin;
  if (twin == nullptr) {
    overview_.drop_twin();
  } else {
    const auto& mine = settings_.prefix;
    const auto& theirs = twin->settings_.prefix;
    overview_.set_twin(twin->name(), mine.starts_with(theirs) || theirs.starts_with(mine));
  }
  if (on_change_) on_change_();
}

// Their records tell what is to be done about it.
bool JenkinsController::is_known_to_others(const std::string& node) const {
  return std::ranges::any_of(others(),
                             [&](const auto* one) { return one->overview_.find_node(node) != nullptr; });
}

// --- reading

Awaitable<Result<Queue>> JenkinsController::read_queue(Reading* reading) {
  const auto asked = parts_.clock.now();
  FOOTMAN_CO_TRY(const auto answer, co_await send(requests_.list_queue()));
  FOOTMAN_CO_TRY_STATUS(check_read(answer, "read the queue"));
  FOOTMAN_CO_TRY(auto queue, parse_queue(answer.body));
  reading->session = find_session(answer);
  health_.note_session(reading->session);
  if (const auto date = find_date(answer)) {
    const auto half_way = asked + (parts_.clock.now() - asked) / 2;
    reading->ahead = *date + kHalfASecond - half_way;
    health_.note_clock(reading->ahead);
  }
  co_return queue;
}

Awaitable<Status> JenkinsController::read_computers(Reading* reading) {
  FOOTMAN_CO_TRY(const auto answer, co_await send(requests_.list_computers()));
  FOOTMAN_CO_TRY_STATUS(check_read(answer, "read the list of nodes"));
  // Jenkins was started anew between the two.
  if (find_session(answer) != reading->session)
    co_return fail(Errc::unavailable, "Jenkins was started anew while it was read");
  FOOTMAN_CO_TRY(reading->computers, parse_computers(answer.body));
  if (auto node = overview_.find_silent(*reading->computers, parts_.clock.steady()); !node.empty())
    reading->silence = co_await ask_silence(std::move(node));
  co_return Status();
}

// What is in the way of an answer, or comes while Jenkins starts, proves nothing.
Awaitable<Silence> JenkinsController::ask_silence(std::string node) {
  const auto answer = co_await call(requests_.get_secret(node));
  if (!answer) co_return Silence::unclear;
  const auto read = check_read(*answer, fmt::format("see whether the agent of node {} is connected", node));
  const bool is_refused = !read && read.error().code == Errc::permission_denied;
  if (!read && !is_refused) co_return Silence::unclear;
  health_.note_change("secret", read);
  co_return read ? Silence::away : Silence::hidden;
}

// Without Job/Read an idle Jenkins looks like one that has nothing to do.
Awaitable<void> JenkinsController::ask_jobs() {
  const auto answer = co_await call(requests_.get_root());
  if (!answer || answer->status != 200) co_return;
  if (const auto root = parse_root(answer->body)) health_.note_jobs(!root->job.empty(), parts_.clock.now());
}

Awaitable<void> JenkinsController::read_steps(std::string run) {
  const auto answer = co_await call(requests_.get_steps(run));
  if (!answer || answer->status != 200) co_return;
  if (const auto labels = parse_waiting_labels(answer->body)) {
    overview_.learn_labels(overview_.assign_labels(*labels, run));
    wake_.notify();
  }
}

void JenkinsController::act_on(NextSteps outcome, std::uint64_t look) {
  std::erase_if(outcome.strays, [this](const Stray& one) { return is_known_to_others(one.node); });
  for (auto& work : outcome.work) {
    NodeHold hold(work.node, looks_);
    auto name = "node " + work.node->record.node;
    scope_.spawn(std::move(name), work_on(std::move(hold), std::move(work)));
  }
  for (auto& run : outcome.runs) scope_.spawn("steps of " + run, read_steps(run));
  for (auto& item : outcome.missed) scope_.spawn("build of " + item.task, ask_missed(item));
  const bool has_upkeep = !outcome.placeholders.empty() || !outcome.strays.empty();
  const bool may_keep_up = !keeps_up_ && look > upkeep_fresh_after_ && parts_.clock.steady() >= upkeep_after_;
  if (has_upkeep && may_keep_up) {
    keeps_up_ = true;
    scope_.spawn("keeps up a jenkins", keep_up(std::move(outcome.placeholders), std::move(outcome.strays)));
  }
  for (const auto& [id, node] : overview_.nodes()) watch_if_needed(node);
  tell(outcome);
}

void JenkinsController::tell(const NextSteps& outcome) {
  if (!outcome.violations.empty()) scope_.spawn("violations", save_violations());
  for (const auto& one : outcome.violations) {
    violations_.add();
    parts_.log.error(one.text);
    if (parts_.on_violation) parts_.on_violation(one);
  }
  if (parts_.on_build)
    for (const auto& build : outcome.builds) parts_.on_build(build);
  if (parts_.on_result)
    for (const auto& build : outcome.builds)
      if (build.ended.is_set()) scope_.spawn("result of " + build.build, ask_result(build));
  if (outcome.changed) {
    std::erase_if(reasons_, [this](const auto& one) { return !overview_.waits(one.first); });
    if (on_change_) on_change_();
  }
}

Awaitable<void> JenkinsController::save_violations() {
  const auto& all = overview_.violations();
  const auto saved = co_await parts_.book.save_violations(settings_.name, {all.begin(), all.end()});
  if (!saved) parts_.log.warning("violations cannot be written down", {{"error", describe(saved.error())}});
}

// Of a pipeline's step it is the result of the whole run, which may go on.
Awaitable<void> JenkinsController::ask_result(BuildRun run) {
  co_await runtime::sleep_for(parts_.clock, kResultAfter);
  const auto answer = co_await call(requests_.get_build(run.build));
  std::string result;
  if (answer && answer->status == 200)
    if (auto build = parse_build(answer->body)) result = std::move(build->result);
  parts_.on_result(run, result);
}

// --- placeholders and strays

Awaitable<void> JenkinsController::keep_up(std::vector<PlaceholderTask> tasks, std::vector<Stray> strays) {
  bool failed = false;
  for (const auto& task : tasks) {
    const auto done = co_await put_right(&task);
    const bool is_news =
        health_.note_change(fmt::format("placeholder {}", static_cast<int>(task.step)), done);
    if (done) continue;
    failed = true;
    if (is_news)
      parts_.log.warning("a placeholder cannot be put right",
                         {{"node", task.placeholder.name}, {"error", describe(done.error())}});
    break;
  }
  for (const auto& stray : strays) {
    if (failed) break;
    parts_.log.warning(
        stray.hold ? "a node of this installation has no record: it is held, and deleted once it is idle"
                   : "a node of this installation has no record: it is deleted",
        {{"node", stray.node}});
    const auto what = fmt::format("clear up node {}", stray.node);
    const auto done = stray.hold ? co_await change(requests_.toggle(stray.node, kHeldSingleUse), what)
                                 : co_await change(requests_.delete_node(stray.node), what);
    failed = !done && done.error().code != Errc::not_found;
  }
  upkeep_fresh_after_ = *looks_;
  if (failed) upkeep_after_ = parts_.clock.steady() + kUpkeepAgain;
  keeps_up_ = false;
}

Awaitable<Status> JenkinsController::put_right(const PlaceholderTask* task) {
  const auto& name = task->placeholder.name;
  auto done = Status();
  if (task->step == PlaceholderStep::create) {
    done = co_await change(requests_.create_node({name, overview_.describe_placeholder(),
                                                  task->placeholder.labels, "/", false, false}),
                           fmt::format("make placeholder {}", name));
    if (done)
      done = co_await change(requests_.toggle(name, kPlaceholderMessage),
                             fmt::format("hold placeholder {}", name));
  } else if (task->step == PlaceholderStep::hold) {
    done = co_await change(requests_.toggle(name, kPlaceholderMessage),
                           fmt::format("hold placeholder {}", name));
  } else {
    done = co_await change(requests_.delete_node(name), fmt::format("delete placeholder {}", name));
    if (!done && done.error().code == Errc::not_found) done = Status();
  }
  co_return done;
}

void JenkinsController::leave() {
  overview_.set_bond(Bond::leaves);
  const auto all = others();
  const auto heir =
      std::ranges::find_if(all, [this](const auto* one) { return one->twin_ == this && !one->leaves(); });
  if (heir != all.end()) set_twin(*heir);  // at once: else it would remove what that one needs
  wake_.notify();
}

void JenkinsController::come_back() {
  sighting_ = {};  // another section may have it to itself meanwhile
  overview_.set_bond(Bond::serves);
  wake_.notify();
}

std::string JenkinsController::trouble() const {
  auto rival = leaves() ? std::string() : overview_.rival();  // it leaves the Jenkins to it
  if (overview_.has_twin() && health_.reach() == Reach::well) return rival;
  auto trouble = health_.trouble();
  return trouble.empty() ? rival : trouble;
}

Awaitable<Result<std::size_t>> JenkinsController::detach() {
  if (!leaves()) overview_.set_bond(Bond::detached);
  wake_.notify();
  if (on_change_) on_change_();
  if (overview_.yields_names()) co_return 0;  // they are the other's
  auto removed = co_await remove_placeholders();
  if (removed) co_return removed;
  co_return fail(Errc::unavailable,
                 fmt::format("Footman is detached from the Jenkins {}, and its placeholders go "
                             "as soon as Jenkins lets it: {}",
                             settings_.name.str(), removed.error().message));
}

Awaitable<Result<std::size_t>> JenkinsController::remove_placeholders() {
  FOOTMAN_CO_TRY(const auto answer, co_await send(requests_.list_computers()));
  FOOTMAN_CO_TRY_STATUS(check_read(answer, "read the list of nodes"));
  FOOTMAN_CO_TRY(const auto computers, parse_computers(answer.body));
  std::size_t count = 0;
  for (const auto& one : computers.all) {
    if (!overview_.is_marked(one) || !overview_.is_placeholder(one)) continue;
    const PlaceholderTask task{PlaceholderStep::erase, {one.name, {}}};
    FOOTMAN_CO_TRY_STATUS(co_await put_right(&task));
    ++count;
  }
  co_return count;
}

// --- views

std::optional<ports::AgentEndpoint> JenkinsController::find_endpoint(const AgentId& id) const {
  ports::AgentEndpoint endpoint;
  endpoint.program = ports::AgentProgram::jenkins;
  endpoint.url = settings_.url_for_agents();
  endpoint.ca_pem = settings_.ca_pem;
  endpoint.only_ca = !settings_.ca_pem.empty();
  endpoint.insecure = settings_.insecure;
  endpoint.name = overview_.node_name(id);
  endpoint.web_socket = settings_.connection == AgentConnection::web_socket;
  if (!endpoint.web_socket) endpoint.tunnel = settings_.tunnel;
  endpoint.java_options = settings_.java_options;
  return endpoint;
}

ports::AgentObservation JenkinsController::observe_agent(AgentId id) const {
  const auto node = overview_.find(id);
  if (node == nullptr) return {};
  const auto& record = node->record;
  auto seen = observe_node(record);
  // What it was opened for has left the queue, for it most likely: it is not idle before that is known.
  if (overview_.is_given(record) && seen.activity == ports::AgentActivity::idle) {
    seen.activity = ports::AgentActivity::busy;
    seen.working_on = record.released_key;
    seen.idle_since = {};
  }
  return seen;
}

void JenkinsController::set_wait_reason(const std::string& item_key, ports::SharedReason reason) {
  reasons_[item_key] = std::move(reason);
}

ports::JenkinsStatus JenkinsController::status() const {
  ports::JenkinsStatus status;
  status.name = settings_.name;
  status.url = settings_.url;
  status.reach = to_string(health_.reach());
  status.since = health_.since();
  status.trouble = trouble();
  if (leaves() && status.trouble.empty())
    status.trouble = "It is in the configuration no more: agents at work finish, and no more are launched.";
  status.detached = !overview_.serves();
  status.tells_labels = overview_.placeholders_stand(parts_.clock.now());
  for (const auto& one : overview_.items()) status.items.push_back(show_item(one));
  for (const auto& [id, node] : overview_.nodes())
    status.nodes.push_back(show_node(node->record, settings_.url));
  status.violations.assign(overview_.violations().begin(), overview_.violations().end());
  return status;
}

ports::JenkinsItem JenkinsController::show_item(const JudgedItem& one) const {
  ports::JenkinsItem out;
  out.title = one.item.title();
  if (one.has_label) out.label = one.label;
  out.since = Instant{one.item.waits_since() * 1000};
  out.verdict = to_string(one.verdict);
  out.text = one.text;
  if (out.text.empty() && !overview_.serves())
    out.text = overview_.has_twin() ? overview_.rival() : "Footman was detached from this Jenkins.";
  if (const auto reason = reasons_.find(one.item.key()); reason != reasons_.end())
    out.reason = reason->second;
  return out;
}

// --- calls

Awaitable<Result<Answer>> JenkinsController::send(Request request) {
  auto answer = co_await parts_.transport.send(std::move(request));
  (answer ? calls_done_ : calls_failed_).add();
  co_return answer;
}

Awaitable<Result<Answer>> JenkinsController::call(Request request) {
  struct Counted {
    explicit Counted(std::shared_ptr<Calls> c) : calls(std::move(c)) { ++calls->count; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() {
      --calls->count;
      calls->ended.notify();
    }
    std::shared_ptr<Calls> calls;
  };
  while (calls_->count >= kCallsAtOnce) co_await calls_->ended.wait();
  const Counted counted(calls_);
  co_return co_await send(std::move(request));
}

Awaitable<Status> JenkinsController::change(Request request, std::string what) {
  FOOTMAN_CO_TRY(const auto answer, co_await call(std::move(request)));
  co_return check_change(answer, what);
}

Awaitable<Result<Computer>> JenkinsController::read_node(std::string name, std::string* session) {
  FOOTMAN_CO_TRY(const auto answer, co_await call(requests_.get_computer(name)));
  FOOTMAN_CO_TRY_STATUS(check_read(answer, fmt::format("read node {}", name)));
  if (session != nullptr) *session = find_session(answer);
  co_return parse_computer(answer.body);
}

}  // namespace footman::jenkins
