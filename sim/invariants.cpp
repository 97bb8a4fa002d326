#include "sim/invariants.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/label.hpp"
#include "policy/build_retry.hpp"
#include "policy/provisioning_plan.hpp"
#include "sim/agents.hpp"
#include "store/crash_points.hpp"

namespace footman::sim {

using base::AgentId;
using model::AgentState;
using model::AssignmentState;
using model::BuildResult;

namespace {

constexpr std::string_view kMayRunElsewhere =
    "it may still run for the server that this database was copied from.";
constexpr Duration kLookEvery = 1s;        // at what changes with time
constexpr Duration kRowlessGrace = 12min;  // of a machine whose row says that it has ended
constexpr Duration kSilenceMargin = 20s;   // until the loss is seen and stored, while the disk works

// The submission that it comes from.
std::string key_of(const model::Build& build) {
  if (const auto given = build.parameters.find(std::string(kKeyVariable)); given != build.parameters.end())
    return given->second;
  const auto script = parse_script(build.spec.steps.at(0).script);
  return script ? script->key : std::string();
}

}  // namespace

Checker::Checker(CheckerParts parts)
    : parts_(std::move(parts)),
      accounts_({parts_.loop, parts_.witness, parts_.clouds,
                 [this](const model::Agent& row) { return is_reserved(row.id); },
                 [this](const model::Agent& row) { return promised_to(row); },
                 [this] { return parts_.server.up() ? parts_.server.up_since() : Duration(0); },
                 [this](const model::Agent& row) {
                   const auto* remote = parts_.remote;
                   return remote == nullptr || row.controller != remote->name() || remote->is_reached();
                 }}) {}

// --- rows

// Of what the frequent moves of the set store nothing is read here.
void Checker::on_commit(std::string_view move) {
  static const std::set<std::string_view> kUnread{"add_timeline", "record_step", "save_setting"};
  move.remove_prefix(store::kAfterCommit.size());
  if (!kUnread.contains(move)) rows_changed_ = true;
}

void Checker::check() {
  note_doubt();
  if (rows_changed_) refresh();
  if (parts_.loop.now() < next_look_) return;
  next_look_ = parts_.loop.now() + kLookEvery;
  clouds_now_ = parts_.server.up() ? parts_.server.fleet().list_clouds() : std::vector<fleet::CloudView>();
  note_pool_sizes();
  note_spare();
  accounts_.note_items(list_queued());
  note_unpaid();
  note_unpaid_launches();
  look_at_item_launches();
  look_at_pool_launches();
  look_at_machines();
  look_at_idle_machines();
  look_at_hold();
  look_at_silence();
  count_open_breakers();
  look_at_reasons();
}

// Before the rows are read anew: as the last life of the server left them.
void Checker::note_doubt() {
  const auto start = parts_.server.starts();
  if (std::exchange(noted_start_, start) == start || !parts_.in_doubt()) return;
  for (const auto& node : rows_.nodes) epochs_in_doubt_[node.agent] = node.epoch;
}

void Checker::refresh() {
  rows_changed_ = false;
  note_doubt();
  rows_ = parts_.load_rows();
  for (const auto& node : rows_.nodes) epochs_[node.agent] = node.epoch;
  const auto before = std::exchange(row_of_, {});
  for (const auto& row : rows_.agents) {
    row_of_[row.id] = &row;
    ended_rows_.erase(row.id);
  }
  for (const auto& [id, row] : before)
    if (!row_of_.contains(id)) ended_rows_.emplace(id, parts_.loop.now());
  look_at_rows();
  look_at_chains();
  look_at_assignments();
  note_items();
  note_forms();
  look_at_caps();
  note_waiting();
  note_accounts();
  note_new_agents();
  look_at_ends();
  note_pool_sizes();
  note_pool_launches(before);
  note_item_launches(before);
  note_spare();
  remember_finished();
  look_at_next_finished();
}

void Checker::look_at_rows() {
  for (const auto& row : rows_.agents)
    parts_.witness.look_for_secrets("the row of agent " + row.id.str(), row.frozen_request + row.end_detail);
  for (const auto& build : rows_.builds)
    for (const auto& var : build.spec.env)
      parts_.witness.look_for_secrets("the row of build " + build.id.str(), var.value);
}

void Checker::look_at_chains() {
  for (const auto& build : rows_.builds)
    if (build.retry > 0) parts_.witness.allow_runs(key_of(build), build.retry + 1);
}

void Checker::look_at_assignments() {
  std::map<base::QueueItemId, base::AssignmentId> by_item;
  std::map<AgentId, base::AssignmentId> by_agent;
  for (const auto& one : rows_.assignments) {
    if (!is_open(one)) continue;
    if (one.state == AssignmentState::started && started_.insert(one.id).second) {
      note_overtaken(one);
      look_at_unpaid(one);
    }
    used_agents_.insert(one.agent);
    agents_of_[one.build].insert(one.agent.str());
    active_[one.agent] = parts_.loop.now();
    if (const auto [other, fresh] = by_item.emplace(one.item, one.id); !fresh)
      report("one_open_assignment", fmt::format("item {} has the open assignments {} and {}", one.item.str(),
                                                other->second.str(), one.id.str()));
    if (const auto [other, fresh] = by_agent.emplace(one.agent, one.id); !fresh)
      report("one_open_assignment", fmt::format("agent {} has the open assignments {} and {}",
                                                one.agent.str(), other->second.str(), one.id.str()));
  }
}

// By one that came later and starts.
void Checker::note_overtaken(const model::Assignment& started) {
  const auto seen = item_seen_.find(started.item);
  if (seen == item_seen_.end()) return;
  for (const auto& item : rows_.items) {
    const auto older = item_seen_.find(item.id);
    if (item.state == model::ItemState::queued && older != item_seen_.end() && older->second < seen->second)
      overtaken_[item.id] = parts_.loop.now();
  }
}

void Checker::note_items() {
  for (const auto& item : rows_.items) item_seen_.emplace(item.id, parts_.loop.now());
}

// The controller has chosen other work for it, and the offer is not stored yet.
bool Checker::is_reserved(const AgentId& id) const {
  return parts_.server.up() &&
         parts_.server.controller().observe_agent(id).activity == ports::AgentActivity::busy;
}

// Of one that is there the fleet writes it down with its next change: it may rest after it has refused work.
std::string Checker::promised_to(const model::Agent& row) const {
  if (!model::is_serving(row.state) || !parts_.server.up()) return row.promised_to;
  const auto view = parts_.server.fleet().find_agent(row.id);
  return view ? view->agent.promised_to : row.promised_to;
}

// --- finished builds

void Checker::remember_finished() {
  std::set<base::BuildId> open;
  for (const auto& build : rows_.builds) {
    open.insert(build.id);
    if (finished_.contains(build.id))
      report("finished_is_final", fmt::format("build {} was finished and is open again", build.id.str()));
  }
  for (const auto& id : open_builds_) {
    if (open.contains(id)) continue;
    finished_.insert(id);
    look_at_finished(id);
  }
  open_builds_ = std::move(open);
}

// One of them at each look, in turn: reading all of them was a third of the whole simulation.
void Checker::look_at_next_finished() {
  if (finished_.empty()) return;
  auto next = finished_.upper_bound(last_finished_);
  if (next == finished_.end()) next = finished_.begin();
  last_finished_ = *next;
  look_at_finished(last_finished_);
}

void Checker::look_at_finished(base::BuildId id) {
  if (const auto build = parts_.load_build(id)) parts_.witness.see_finished(*build, "in its row");
}

const model::Agent* Checker::find_row(const AgentId& id) const {
  const auto it = row_of_.find(id);
  return it == row_of_.end() ? nullptr : it->second;
}

// --- machines

void Checker::on_launch(const ports::LaunchSpec& spec) {
  if (rows_changed_) refresh();
  parts_.witness.look_for_secrets("a launch", spec.options + spec.endpoint.url + spec.client_token);
  const auto* row = find_row(spec.agent);
  if (row == nullptr && !ended_rows_.contains(spec.agent))
    report("every_machine_has_a_row",
           fmt::format("a machine is asked for agent {}, which has no row", spec.agent.str()));
}

void Checker::look_at_machines() {
  std::map<AgentId, std::string> machine_of;
  for (const auto* cloud : parts_.clouds)
    for (const auto& [handle, machine] : cloud->machines()) {
      if (!machine.live()) continue;
      const auto ageless = ageless_.find(machine.spec.agent);
      const bool is_excused = ageless != ageless_.end() && parts_.server.starts() > ageless->second;
      if (const auto [other, fresh] = machine_of.emplace(machine.spec.agent, handle); !fresh && !is_excused)
        report("one_machine_per_agent", fmt::format("agent {} has the machines {} and {}",
                                                    machine.spec.agent.str(), other->second, handle));
      if (find_row(machine.spec.agent) != nullptr) continue;
      const auto ended = ended_rows_.find(machine.spec.agent);
      const auto since = std::max(
          {ended == ended_rows_.end() ? Duration(0) : ended->second, machine.launched_at, calm_since_});
      if (parts_.loop.now() - since > kRowlessGrace)
        report("every_machine_has_a_row", fmt::format("machine {} lives, the row of its agent {} has ended",
                                                      handle, machine.spec.agent.str()));
    }
}

// A loss in silence is one of an assignment that was open while its agent was cut off, and is not any more.
void Checker::look_at_silence() {
  const auto now = parts_.loop.now();
  if (parts_.storage_fails()) storage_failed_ = now;
  const auto before = std::exchange(in_silence_, {});
  if (!parts_.server.up()) return;
  std::set<base::AssignmentId> open;
  for (const auto& one : rows_.assignments) {
    if (!is_open(one)) continue;
    open.insert(one.id);
    const auto since = parts_.cut_off_since(one.agent);
    if (!since) continue;
    const auto silent = now - std::max({*since, parts_.server.up_since(), storage_failed_});
    if (one.state == AssignmentState::started && silent >= parts_.lease - 1s) in_silence_.insert(one.id);
    if (silent > parts_.lease + kSilenceMargin)
      report("silence_is_loss",
             fmt::format("build {} is at work on agent {}, of which nothing is heard for {}", one.build.str(),
                         one.agent.str(), base::format_duration(silent)));
  }
  for (const auto& id : before)
    if (!open.contains(id)) parts_.witness.count(Happening::lost_in_silence);
}

// --- logs

void Checker::on_durable(base::StreamId stream, std::uint64_t /*offset*/, std::string_view bytes) {
  auto& reader = readers_[stream];
  parts_.witness.look_for_secrets("the log " + stream.str(), reader.partial + std::string(bytes));
  reader.partial += bytes;
  std::size_t begin = 0;
  for (auto end = reader.partial.find('\n'); end != std::string::npos;
       end = reader.partial.find('\n', begin)) {
    read_line(reader, stream, std::string_view(reader.partial).substr(begin, end + 1 - begin));
    begin = end + 1;
  }
  reader.partial.erase(0, begin);
}

void Checker::read_line(LogReader& reader, base::StreamId stream, std::string_view line) {
  if (!line.starts_with("@")) return;  // a note of the agent or the server
  const auto wrong = [&](std::string_view what) {
    report("log_is_gapless", fmt::format("log {}: {} at '{}' (after line {} of step {})", stream.str(), what,
                                         line.substr(0, line.size() - 1), reader.number, reader.step));
  };
  if (!reader.torn.empty()) return wrong("a line follows a torn one");
  const auto found = find_line(line);
  const auto key = found ? std::string(found->key) : std::string();
  if (reader.key.empty() && found) {
    reader.key = key;
    stream_of_[key] = stream;
  }
  if (reader.key.empty() && is_torn_first_line(line)) {
    reader.torn = line.substr(0, line.size() - 1);
    return;
  }
  const auto submission = parts_.witness.submissions.find(reader.key);
  if (submission == parts_.witness.submissions.end()) return wrong("a line of nobody's");
  const auto& scripts = submission->second.scripts;
  // The line that must come: the next one of the step, or the first of the next step that prints anything.
  auto step = reader.step;
  auto number = reader.number + 1;
  while (step < scripts.size() && number > scripts[step].lines) {
    ++step;
    number = 1;
  }
  if (step >= scripts.size()) return wrong("a line too many");
  const auto expected = line_of(scripts[step], number, "****");
  if (line == expected) {
    reader.step = step;
    reader.number = number;
    return;
  }
  const auto start = line.substr(0, line.size() - 1);
  if (!expected.starts_with(start))
    return wrong("another line is due: " + expected.substr(0, expected.size() - 1));
  reader.torn = start;
}

// Cut off before it says whose it is.
bool Checker::is_torn_first_line(std::string_view line) const {
  const auto start = line.substr(0, line.size() - 1);
  return std::ranges::any_of(parts_.witness.submissions, [&](const auto& one) {
    const auto& scripts = one.second.scripts;
    const auto first = std::ranges::find_if(scripts, [](const auto& script) { return script.lines > 0; });
    return first != scripts.end() && line_of(*first, 1, "****").starts_with(start);
  });
}

// --- what the server tells the agents

void Checker::on_wire(std::uint64_t connection, const std::string& from, const std::string& to,
                      std::string_view bytes) {
  const bool to_agent = from == kServerNode;
  auto& decoder = decoders_[{connection, from}];
  if (!decoder)
    decoder = std::make_unique<protocol::FrameDecoder>(to_agent ? protocol::Direction::to_agent
                                                                : protocol::Direction::to_server);
  decoder->feed(std::string(bytes));
  while (true) {
    const auto message = decoder->next();
    if (!message)
      return report("acknowledged_is_stored", "not the protocol: " + base::describe(message.error()));
    if (!*message) return;
    on_message(**message, from, to);
  }
}

void Checker::on_message(const protocol::Message& message, const std::string& from, const std::string& to) {
  if (parts_.loop.trace().readable())
    parts_.loop.trace().tell(parts_.loop.now(), from,
                             fmt::format("-> {} {}", to, protocol::name_of(message)));
  if (from != kServerNode) return;
  answered_in_[AgentId(to)] = parts_.server.starts();
  if (std::holds_alternative<protocol::Welcome>(message)) welcomed_.emplace(AgentId(to), parts_.loop.now());
  if (rows_changed_) refresh();
  if (const auto* ack = std::get_if<protocol::LogAck>(&message)) {
    const auto durable = parts_.disk.durable_bytes(ack->stream);
    if (ack->durable_offset > durable)
      report("acknowledged_is_stored", fmt::format("{} bytes of log {} are acknowledged, {} are durable",
                                                   ack->durable_offset, ack->stream.str(), durable));
  } else if (const auto* start = std::get_if<protocol::Start>(&message)) {
    if (!started_.contains(start->assignment))
      report("acknowledged_is_stored",
             fmt::format("assignment {} is started, its row is not", start->assignment.str()));
  } else if (const auto* done = std::get_if<protocol::FinishedAck>(&message)) {
    for (const auto& one : rows_.assignments)
      if (one.id == done->assignment && is_open(one))
        report("acknowledged_is_stored",
               fmt::format("the result of assignment {} is acknowledged, its row is open", one.id.str()));
  }
}

// --- the end

bool Checker::drained() const {
  return !rows_changed_ && rows_.builds.empty() && rows_.items.empty() && only_pools_are_left() &&
         list_unmatched().empty();
}

// Machines that are nobody's, and agents without their machine: each agent has one, and that is the one of
// its token and handle.
std::vector<std::string> Checker::list_unmatched() const {
  std::vector<std::string> unmatched;
  std::set<AgentId> with_machine;
  for (const auto* cloud : parts_.clouds)
    for (const auto& [handle, machine] : cloud->machines()) {
      if (!machine.live()) continue;
      const auto* row = find_row(machine.spec.agent);
      const bool is_its_own = row != nullptr && row->cloud.str() == cloud->traits().name &&
                              row->client_token == machine.spec.client_token && row->handle == handle;
      if (!is_its_own || !with_machine.insert(row->id).second)
        unmatched.push_back(
            fmt::format("machine {} of agent {} lives{}", handle, machine.spec.agent.str(),
                        is_its_own || row == nullptr ? "" : ", its row has '" + row->handle + "'"));
    }
  for (const auto& row : rows_.agents)
    if (!with_machine.contains(row.id))
      unmatched.push_back(fmt::format("agent {} has no machine that lives", row.id.str()));
  return unmatched;
}

std::string Checker::what_is_left() const {
  std::string text;
  for (const auto& item : rows_.items)
    text +=
        fmt::format("\n  item {} of build {} is {}", item.id.str(), item.build.str(), to_string(item.state));
  for (const auto& build : rows_.builds)
    text += fmt::format("\n  build {} is {}", build.id.str(), to_string(build.state));
  for (const auto& row : rows_.agents)
    text +=
        fmt::format("\n  agent {} is {} ({})", row.id.str(), to_string(row.state), to_string(row.end_reason));
  for (const auto& one : list_unmatched()) text += "\n  " + one;
  if (parts_.server.up())
    for (const auto& entry : parts_.server.controller().queue())
      text +=
          fmt::format("\n  item {} waits: {}: {}", entry.item.id.str(), entry.reason.code, entry.reason.text);
  return text;
}

void Checker::check_end(const std::vector<model::Build>& all_builds) {
  accounts_.check_end();
  std::map<std::string, base::BuildId> build_of;
  std::map<base::BuildId, const model::Build*> by_id;
  for (const auto& build : all_builds) {
    by_id[build.id] = &build;
    if (!build.retry_of.empty()) continue;
    const auto key = key_of(build);
    if (const auto [other, fresh] = build_of.emplace(key, build.id); !fresh)
      report("one_build_per_key", fmt::format("{} was submitted once and is build {} and {}", key,
                                              other->second.str(), build.id.str()));
  }
  for (const auto& build : all_builds) {
    if (!build.retried_by.empty()) {
      const auto next = by_id.find(build.retried_by);
      look_at_retry(build, next == by_id.end() ? nullptr : next->second);
      continue;
    }
    look_at_missing_retry(build);
    if (const auto of = parts_.witness.submissions.find(key_of(build));
        of != parts_.witness.submissions.end()) {
      look_at_result(of->second, build);
    }
  }
  for (const auto& [key, submission] : parts_.witness.submissions)
    if (!submission.build.empty() && !by_id.contains(submission.build))
      report("one_build_per_key",
             fmt::format("{} was answered with build {}, which is not there", key, submission.build.str()));
}

void Checker::look_at_retry(const model::Build& lost, const model::Build* next) {
  const auto wrong = [&](std::string_view what) {
    report("run_again_when_lost",
           fmt::format("build {} ({}, {}, '{}') is run again as build {}, but {}", lost.id.str(),
                       key_of(lost), to_string(lost.result), lost.reason, lost.retried_by.str(), what));
  };
  if (taken_.contains(lost.id)) parts_.witness.count(Happening::run_again);
  if (next == nullptr) return wrong("that is not there");
  if (next->retry_of != lost.id || next->retry != lost.retry + 1) wrong("that does not say so");
  if (lost.result != BuildResult::failure || lost.exit_status) wrong("it was not lost");
  if (lost.cancel_requested || lost.timed_out) wrong("somebody wanted its end");
  if (lost.retry < lost.spec.retries) return;
  if (lost.retry >= policy::kUnaskedRetries) wrong("that is once too often");
  for (const auto& agent : agents_of_[lost.id])
    if (parts_.witness.began_on(key_of(lost), agent)) wrong("it had begun on " + agent);
}

// Of an agent that had not been given up before, for another reason.
void Checker::on_taken(const SimCloud::Machine& machine) {
  if (rows_changed_) refresh();
  const auto* row = find_row(machine.spec.agent);
  if (row == nullptr || row->end_reason != model::EndReason::none) return;
  for (const auto& one : rows_.assignments)
    if (one.agent == row->id && one.state == AssignmentState::started) taken_.emplace(one.build, row->id);
}

// By its rows: it has had no session since a server started with a database in doubt.
bool Checker::may_be_elsewhere(const AgentId& agent) const {
  const auto then = epochs_in_doubt_.find(agent);
  return then != epochs_in_doubt_.end() && epochs_.at(agent) == then->second;
}

void Checker::look_at_missing_retry(const model::Build& build) {
  const bool is_said = build.reason.ends_with(kMayRunElsewhere);
  const auto& agents = agents_of_[build.id];
  if (is_said && std::ranges::none_of(
                     agents, [&](const std::string& agent) { return may_be_elsewhere(AgentId(agent)); }))
    return report("run_again_when_lost",
                  fmt::format("build {} is told to run elsewhere perhaps, but its agent has come since",
                              build.id.str()));
  const auto taken = taken_.find(build.id);
  if (taken == taken_.end() || parts_.witness.ended_by_people.contains(taken->second.str())) return;
  // It came to its own end all the same, and that was told before the machine went.
  if (build.result != BuildResult::failure || build.exit_status) return;
  if (build.cancel_requested || build.timed_out || build.retry >= build.spec.retries) return;
  if (is_said && may_be_elsewhere(taken->second)) return;
  report("run_again_when_lost",
         fmt::format("build {} ({}, '{}') was lost with the machine of agent {}, and is not run again: "
                     "retry {} of {}",
                     build.id.str(), key_of(build), build.reason, taken->second.str(), build.retry,
                     build.spec.retries));
}

// What the agents saw decides; who was killed, frozen or told to go may have failed its build.
void Checker::look_at_result(const Submission& submission, const model::Build& build) {
  const auto& witness = parts_.witness;
  const auto completed = witness.steps_completed(submission.key);
  const auto wrong = [&](std::string_view what) {
    report("results_are_true", fmt::format("build {} ({}) is {} '{}', but {}", build.id.str(), submission.key,
                                           to_string(build.result), build.reason, what));
  };
  const auto failing =
      std::ranges::find_if(submission.scripts, [](const Script& one) { return one.exit_status != 0; });
  const auto expected_steps = static_cast<std::uint32_t>(failing - submission.scripts.begin()) +
                              (failing == submission.scripts.end() ? 0U : 1U);
  if (build.result == BuildResult::success) {
    if (failing != submission.scripts.end() || completed != submission.scripts.size())
      return wrong(fmt::format("{} of {} steps ran to their end", completed, submission.scripts.size()));
    const auto stream = stream_of_.find(submission.key);
    const auto& last = submission.scripts.back();
    if (stream != stream_of_.end() && last.lines > 0 &&
        (readers_.at(stream->second).number != last.lines || !readers_.at(stream->second).torn.empty()))
      report("log_is_gapless", fmt::format("the log of build {} ends at line {} of {}", build.id.str(),
                                           readers_.at(stream->second).number, last.lines));
    return;
  }
  if (build.reason.empty()) return wrong("nothing says why");
  const auto& agents = agents_of_[build.id];
  const bool disturbed = submission.cancelled || submission.timeout.count() > 0 ||
                         std::ranges::any_of(agents, [&](const std::string& one) {
                           return witness.disturbed_agents.contains(one);
                         });
  if (disturbed) return;
  if (failing == submission.scripts.end())
    return wrong(fmt::format("nobody disturbed it, and {} of {} steps ran to a good end", completed,
                             submission.scripts.size()));
  if (build.result != BuildResult::failure || completed != expected_steps) wrong("a step has failed");
}

}  // namespace footman::sim
