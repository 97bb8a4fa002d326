#include "api/json_out.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/utf8.hpp"
#include "fleet/frozen_request.hpp"

namespace footman::api {
namespace {

std::int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

void put(json::object& out, std::string_view name, Instant at) {
  if (at.is_set()) out[name] = format_rfc3339(at);
}
template <class Number>
void put(json::object& out, std::string_view name, const std::optional<Number>& number) {
  if (number) out[name] = *number;
}
void put_text(json::object& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out[name] = utf8(text);
}

template <class T>
json::array list(const std::vector<T>& range, json::object (*make)(const T&)) {
  json::array out;
  out.reserve(range.size());
  for (const auto& one : range) out.push_back(make(one));
  return out;
}

json::object text_map(const std::map<std::string, std::string>& map) {
  json::object out;
  for (const auto& [name, value] : map) out[utf8(name)] = utf8(value);
  return out;
}

json::object env_var_to_json(const model::EnvVar& variable) {
  json::object out{{"name", utf8(variable.name)}};
  if (variable.secret_ref.empty())
    out["value"] = utf8(variable.value);
  else
    out["secret_ref"] = utf8(variable.secret_ref);
  return out;
}

json::object step_spec_to_json(const model::StepSpec& step) {
  return {{"name", utf8(step.name)},
          {"interpreter", utf8(step.interpreter)},
          {"script", utf8(step.script)},
          {"unstable_exit_status", step.unstable_exit_status}};
}

json::object parameter_to_json(const model::ParameterSpec& parameter) {
  return {{"name", utf8(parameter.name)},
          {"default", utf8(parameter.default_value)},
          {"description", utf8(parameter.description)},
          {"choices", texts(parameter.choices)}};
}

}  // namespace

json::string utf8(std::string_view text) {
  return base::is_utf8(text) ? json::string(text) : json::string(base::replace_invalid_utf8(text));
}

json::array texts(const std::vector<std::string>& list) {
  json::array out;
  out.reserve(list.size());
  for (const auto& text : list) out.emplace_back(utf8(text));
  return out;
}

std::string to_text(const json::object& object) { return json::serialize(object); }

// --- work

json::object to_json(const model::BuildSpec& spec) {
  return {{"label", utf8(spec.label)},
          {"env", list(spec.env, env_var_to_json)},
          {"steps", list(spec.steps, step_spec_to_json)},
          {"timeout_ms", to_ms(spec.timeout)},
          {"grace_ms", to_ms(spec.grace)},
          {"log_limit_bytes", spec.log_limit_bytes},
          {"retries", spec.retries}};
}

json::object to_json(const model::Job& job) {
  json::object out{{"path", utf8(job.path.str())},
                   {"description", utf8(job.description)},
                   {"enabled", job.enabled},
                   {"spec", to_json(job.spec)},
                   {"parameters", list(job.parameters, parameter_to_json)},
                   {"quiet_period_ms", to_ms(job.quiet_period)},
                   {"max_concurrent", job.max_concurrent},
                   {"keep_builds", job.keep_builds},
                   {"keep_for_ms", to_ms(job.keep_for)},
                   {"next_number", job.next_number}};
  put(out, "created_at", job.created);
  put(out, "changed_at", job.changed);
  return out;
}

json::object to_json(const model::Build& build, Instant now) {
  json::object out{{"id", build.id.value()}, {"title", utf8(controller::title_of(build))}};
  put_text(out, "job", build.job.str());
  out["number"] = build.number;
  out["state"] = model::to_string(build.state);
  put_text(out, "result", model::to_string(build.result));
  out["reason"] = utf8(build.reason);
  out["cause"] = utf8(build.cause);
  out["label"] = utf8(build.spec.label);
  out["parameters"] = text_map(build.parameters);
  out["attempts"] = build.attempts;
  out["cancel_requested"] = build.cancel_requested;
  put_text(out, "cancel_reason", build.cancel_reason);
  put(out, "exit_status", build.exit_status);
  if (build.timed_out) out["timed_out"] = true;
  if (!build.retry_of.empty()) out["retry_of"] = build.retry_of.value();
  if (!build.retried_by.empty()) out["retried_by"] = build.retried_by.value();
  put(out, "submitted_at", build.submitted);
  put(out, "started_at", build.started);
  put(out, "finished_at", build.finished);
  if (build.started.is_set())
    out["duration_ms"] =
        std::max<std::int64_t>(0, to_ms((build.finished.is_set() ? build.finished : now) - build.started));
  return out;
}

json::object to_json(const model::Build& build, const std::optional<controller::QueueEntry>& queue,
                     const AgentId& agent, Instant now) {
  auto out = to_json(build, now);
  out["spec"] = to_json(build.spec);
  if (queue) out["queue"] = to_json(*queue);
  put_text(out, "agent", agent.str());
  return out;
}

json::object to_json(const model::StepRecord& step) {
  json::object out{{"index", step.index}, {"name", utf8(step.name)}};
  put(out, "started_at", step.started);
  if (!step.finished.is_set()) return out;
  put(out, "finished_at", step.finished);
  put(out, "exit_status", step.exit_status);
  if (step.signal != 0) out["signal"] = step.signal;
  if (step.out_of_memory) out["out_of_memory"] = true;
  out["wall_time_ms"] = to_ms(step.wall_time);
  if (!step.is_reported()) return out;
  out["peak_memory_bytes"] = step.peak_memory_bytes;
  out["cpu_time_ms"] = to_ms(step.cpu_time);
  return out;
}

json::object to_json(const model::Cost& cost) {
  return {{"total_micro_usd", cost.total().micros},
          {"useful_micro_usd", cost.useful.micros},
          {"idle_micro_usd", cost.idle.micros},
          {"useful_ms", to_ms(cost.useful_time)},
          {"idle_ms", to_ms(cost.idle_time)}};
}

json::object to_json(const model::TimelineEntry& entry) {
  return {{"at", format_rfc3339(entry.at)}, {"kind", utf8(entry.kind)}, {"text", utf8(entry.text)}};
}

json::object to_json(const model::Change& change) {
  json::object out{{"sequence", change.sequence},
                   {"at", format_rfc3339(change.at)},
                   {"kind", utf8(change.kind)},
                   {"id", utf8(change.id)},
                   {"state", utf8(change.state)}};
  put_text(out, "parent", change.parent);
  return out;
}

namespace {
void put_course(json::object& out, const model::Assignment& assignment) {
  out["state"] = model::to_string(assignment.state);
  out["reason"] = utf8(assignment.end_reason);
  put(out, "offered_at", assignment.offered);
  put(out, "accepted_at", assignment.accepted);
  put(out, "started_at", assignment.started);
  put(out, "ended_at", assignment.ended);
}
}  // namespace

json::object to_json(const model::Assignment& assignment, std::size_t number,
                     const std::vector<model::LogStream>& streams) {
  json::object out{{"attempt", number}, {"agent", utf8(assignment.agent.str())}};
  put_course(out, assignment);
  for (const auto& stream : streams)
    if (stream.id == assignment.stream && stream.closed) out["log_bytes"] = stream.final_bytes;
  return out;
}

json::object work_to_json(const model::Assignment& assignment) {
  json::object out{{"build", assignment.build.value()}};
  put_course(out, assignment);
  return out;
}

// --- queue

json::object to_json(const ports::WaitReason& reason) {
  json::object out{{"code", utf8(reason.code)}, {"text", utf8(reason.text)}};
  put_text(out, "agent", reason.agent.str());
  put(out, "look_again_at", reason.look_again);
  put_text(out, "look_again_on", reason.look_again_on);
  put(out, "expected_at", reason.expected_at);
  return out;
}

namespace {
json::object item_to_json(const model::QueueItem& item, std::string_view title, std::int64_t number,
                          model::ItemView view) {
  json::object out{{"id", item.id.value()}, {"build", item.build.value()}, {"title", utf8(title)}};
  put_text(out, "job", item.job.str());
  out["number"] = number;
  out["state"] = model::to_string(view);
  out["label"] = utf8(item.label);
  put(out, "since_at", item.since);
  put(out, "quiet_until_at", item.quiet_until);
  return out;
}
}  // namespace

json::object to_json(const controller::QueueEntry& entry) {
  auto out = item_to_json(entry.item, entry.title, entry.number, entry.view);
  if (!entry.reason.code.empty()) out["reason"] = to_json(entry.reason);
  return out;
}

json::object to_json(const model::QueueItem& item, const model::Build& build) {
  return item_to_json(item, controller::title_of(build), build.number, model::ItemView::left);
}

// --- agents

namespace {

json::object end_to_json(const model::Agent& agent) {
  json::object out{{"reason", model::to_string(agent.end_reason)},
                   {"text", model::sentence(agent.end_reason)}};
  if (agent.end_detail != model::sentence(agent.end_reason)) put_text(out, "detail", agent.end_detail);
  return out;
}

json::object death_to_json(const model::DeathCertificate& death) {
  json::object out{{"text", utf8(death.text)}};
  put(out, "exit_status", death.exit_status);
  if (death.signal != 0) out["signal"] = death.signal;
  if (death.out_of_memory) out["out_of_memory"] = true;
  return out;
}

void put(json::object& out, std::string_view name, const model::AgentSize& size) {
  if (size == model::AgentSize()) return;
  json::object said;
  if (size.milli_cpus > 0) said["milli_vcpus"] = size.milli_cpus;
  if (size.memory_bytes > 0) said["memory_bytes"] = size.memory_bytes;
  out[name] = std::move(said);
}

json::object host_to_json(const controller::HostInfo& host) {
  return {{"hostname", utf8(host.hostname)},
          {"os", utf8(host.os)},
          {"arch", utf8(host.arch)},
          {"cpus", host.cpus},
          {"memory_bytes", host.memory_bytes},
          {"agent_version", utf8(host.agent_version)},
          {"peer", utf8(host.peer)}};
}

}  // namespace

json::object to_json(const fleet::AgentView& view, const std::optional<controller::NodeView>& node) {
  const auto& agent = view.agent;
  json::object out{{"id", utf8(agent.id.str())},
                   {"cloud", utf8(agent.cloud.str())},
                   {"template", utf8(agent.template_name.str())},
                   {"template_generation", agent.template_generation},
                   {"controller", utf8(agent.controller.str())},
                   {"labels", texts(agent.labels)},
                   {"state", model::to_string(agent.state)},
                   {"activity", model::to_string(view.observation.activity)}};
  put(out, "size", agent.size);
  out["micro_usd_per_hour"] = agent.price.per_hour.micros;
  if (agent.state == model::AgentState::terminated) {
    out["cost"] = to_json(agent.cost);
    out["cost"].get_object()["final"] = true;
  }
  if (node && !node->build.empty()) out["build"] = node->build.value();
  put_text(out, "for_item", agent.for_item);
  put_text(out, "promised_to", agent.promised_to);
  out["attempt"] = agent.attempt;
  out["max_builds"] = agent.max_builds;
  out["builds_done"] = std::max(agent.builds_done, view.observation.builds_done);
  out["handle"] = utf8(agent.handle);
  put(out, "planned_at", agent.planned);
  put(out, "launched_at", agent.launched);
  put(out, "connected_at", agent.connected);
  put(out, "launch_deadline_at", agent.launch_deadline);
  put(out, "ended_at", agent.ended);
  if (agent.end_reason != model::EndReason::none) out["end"] = end_to_json(agent);
  put_text(out, "trouble", view.trouble);
  if (agent.death != model::DeathCertificate{}) out["death"] = death_to_json(agent.death);
  if (node && node->host) out["host"] = host_to_json(*node->host);
  return out;
}

// An older version wrote no reason.
json::object launch_to_json(const model::Agent& agent) {
  const auto request = fleet::parse_request(agent.frozen_request);
  if (!request) return {};
  json::object out{{"text", utf8(request->why)}};
  if (request->reason) out["reason"] = model::to_string(*request->reason);
  put_text(out, "work", request->spec.work);
  if (request->spec.endpoint.program == ports::AgentProgram::jenkins)
    put_text(out, "node", request->spec.endpoint.name);
  return out;
}

json::object line_to_json(const store::CostLine& line) {
  json::object out;
  if (!line.build.empty()) out["build"] = line.build.value();
  put_text(out, "job", line.job.str());
  put_text(out, "title", line.title);
  put(out, "started_at", line.since);
  put(out, "ended_at", line.until);
  out["lasted_ms"] = to_ms(line.cost.useful_time);
  out["micro_usd"] = line.cost.useful.micros;
  return out;
}

json::object work_to_json(const ports::JenkinsNode& node) {
  json::object out;
  put_text(out, "title", node.work);
  put_text(out, "build_url", node.build);
  put(out, "started_at", node.working_since);
  return out;
}

// --- clouds

namespace {
json::object breaker_to_json(const fleet::BreakerView& view) {
  json::object out{{"state", view.state}};
  if (!view.failure.empty()) {
    out["failure"] = view.failure;
    out["reason"] = utf8(view.reason);
    out["failures"] = view.failures;
  }
  put(out, "since_at", view.since);
  put(out, "next_probe_at", view.next_probe);
  if (!view.probe.empty()) out["probe"] = utf8(view.probe.str());
  return out;
}

json::object variant_to_json(const fleet::VariantView& view) {
  json::object out{{"name", utf8(view.name)}, {"micro_usd_per_hour", view.price.per_hour.micros}};
  put(out, "size", view.size);
  put(out, "rests_until", view.rests_until);
  put_text(out, "reason", view.reason);
  return out;
}

json::object answer_to_json(const fleet::PoolAnswer& answer) {
  json::object out{{"min_idle", answer.min_idle},
                   {"met", answer.met},
                   {"text", utf8(answer.text)},
                   {"builds", answer.builds}};
  put(out, "at", answer.at);
  if (answer.wait) out["wait_ms"] = to_ms(*answer.wait);
  if (answer.cost_a_day) out["micro_usd_per_day"] = answer.cost_a_day->micros;
  return out;
}

json::object goal_to_json(const model::PoolGoal& goal, const std::optional<fleet::PoolAnswer>& answer) {
  json::object out{{"text", utf8(model::describe(goal))},
                   {"percent", goal.wait.percent},
                   {"wait_ms", to_ms(goal.wait.wait)}};
  if (goal.per_day) out["micro_usd_per_day"] = goal.per_day->micros;
  if (answer) out["answer"] = answer_to_json(*answer);
  return out;
}

json::object pool_to_json(const fleet::PoolView& view) {
  json::object out{{"size", utf8(view.size)}, {"target", view.target}, {"at_work", view.at_work},
                   {"idle", view.idle},       {"on_way", view.on_way}, {"hits", view.hits},
                   {"misses", view.misses}};
  put_text(out, "schedule", view.schedule);
  put(out, "schedule_until_at", view.until);
  if (!view.hold.empty()) {
    out["hold"] = view.hold;
    out["trouble"] = utf8(view.trouble);
  }
  put(out, "look_again_at", view.look_again);
  if (view.goal) out["goal"] = goal_to_json(*view.goal, view.answer);
  return out;
}

json::object template_to_json(const fleet::TemplateView& view) {
  json::object out{{"name", utf8(view.name.str())},
                   {"cloud", utf8(view.cloud.str())},
                   {"generation", view.generation},
                   {"labels", texts(view.labels)},
                   {"default", view.is_default},
                   {"max_builds", view.max_builds},
                   {"cap", view.cap},
                   {"holding", view.holding},
                   {"held", view.held},
                   {"trouble", utf8(view.trouble)},
                   {"idle_ms", to_ms(view.idle_time)},
                   {"idle_micro_usd", view.idle_cost.micros},
                   {"breaker", breaker_to_json(view.breaker)}};
  put(out, "size", view.size);
  out["micro_usd_per_hour"] = view.price.per_hour.micros;
  put(out, "look_again_at", view.look_again);
  if (!view.variants.empty()) out["variants"] = list(view.variants, variant_to_json);
  if (view.pool) out["pool"] = pool_to_json(*view.pool);
  if (view.typical_launch) out["typical_launch_ms"] = to_ms(*view.typical_launch);
  return out;
}

json::object plan_item_to_json(const fleet::ItemView& item) {
  return {{"controller", utf8(item.controller.str())},
          {"item", utf8(item.item_key)},
          {"title", utf8(item.title)},
          {"reason", to_json(item.reason)},
          {"considered", to_array(item.considered)}};
}

json::object ending_to_json(const fleet::EndingView& ending) {
  return {{"agent", utf8(ending.agent.str())},
          {"reason", model::to_string(ending.reason)},
          {"text", utf8(ending.text)}};
}

json::object finding_to_json(const fleet::Finding& finding) {
  json::object out{{"verdict", fleet::to_string(finding.verdict)},
                   {"agent", utf8(finding.agent.str())},
                   {"cloud", utf8(finding.cloud.str())},
                   {"handle", utf8(finding.handle)},
                   {"text", utf8(fleet::sentence(finding))}};
  if (finding.held) out["held"] = true;
  return out;
}
}  // namespace

json::object to_json(const fleet::CloudView& cloud) {
  json::object out{{"name", utf8(cloud.name.str())}, {"cap", cloud.cap},
                   {"starting", cloud.starting},     {"online", cloud.online},
                   {"ending", cloud.ending},         {"healthy", cloud.healthy},
                   {"trouble", utf8(cloud.trouble)}, {"templates", list(cloud.templates, template_to_json)}};
  put(out, "trouble_since_at", cloud.trouble_since);
  if (!cloud.warning.empty()) out["warning"] = utf8(cloud.warning);
  put(out, "last_listed_at", cloud.last_listed);
  put(out, "paused_at", cloud.pause.since);
  if (cloud.pause.since.is_set()) out["paused"] = utf8(cloud.pause.text);
  return out;
}

json::object to_json(const fleet::Consideration& consideration) {
  json::object out{{"cloud", utf8(consideration.cloud.str())},
                   {"template", utf8(consideration.template_name.str())},
                   {"code", utf8(consideration.code)},
                   {"text", utf8(consideration.text)}};
  put(out, "look_again_at", consideration.look_again);
  put_text(out, "look_again_on", std::string(consideration.look_again_on));
  put(out, "expected_at", consideration.expected_at);
  return out;
}

json::object to_json(const fleet::PlanView& plan) {
  json::object out;
  put(out, "at", plan.at);
  out["number"] = plan.number;
  out["launches"] = plan.launches;
  put(out, "next_look_at", plan.next_look);
  out["items"] = list(plan.items, plan_item_to_json);
  out["endings"] = list(plan.endings, ending_to_json);
  return out;
}

json::object to_json(const fleet::ReconcileView& reconcile) {
  json::object out;
  put(out, "at", reconcile.at);
  out["matched"] = reconcile.matched;
  if (reconcile.held)
    out["held"] = json::object{{"reason", reconcile.held->reason},
                               {"text", utf8(reconcile.held->text)},
                               {"would_end", reconcile.held->would_end},
                               {"seen", reconcile.held->seen}};
  out["findings"] = list(reconcile.findings, finding_to_json);
  return out;
}

json::object to_json(const TokenView& token) {
  json::object out{{"name", token.name}, {"access", to_string(token.access)}, {"file", token.file}};
  put(out, "created_at", token.created);
  return out;
}

}  // namespace footman::api
