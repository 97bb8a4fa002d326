// The moves as plain functions on the database: what store.hpp promises, without threads and commits. They
// run inside a transaction that the caller (move_queue.cpp) opens, and that it takes back when they return an
// error or throw SqlError.
#pragma once

#include <string>
#include <vector>

#include "store/database.hpp"
#include "store/store.hpp"

namespace footman::store::moves {

Status record_shutdown(Database& db, bool clean, Instant now);
Status settle_doubt(Database& db);
Status release_items(Database& db);

Result<model::Job> create_job(Database& db, model::Job job);
Result<model::Job> save_job(Database& db, model::Job job);
Result<bool> delete_job(Database& db, const JobPath& path);

Result<SubmittedBuild> submit_build(Database& db, const NewBuild& request);
Result<model::Build> request_cancel(Database& db, BuildId id, const std::string& reason);
// What is added to the ledger of costs is put at the end of `told`, when that is not null.
using CostLines = std::vector<CostLine>;
Result<FinishedBuild> finish_build(Database& db, const FinishBuild& finish, CostLines* told = nullptr);
Result<std::vector<StreamId>> forget_builds(Database& db, const JobPath& job, std::uint32_t keep,
                                            Instant older_than);
Status confirm_removed_streams(Database& db, const std::vector<StreamId>& streams);

Result<model::Assignment> offer_assignment(Database& db, QueueItemId item, const AgentId& agent,
                                           std::uint64_t epoch, Instant now);
Result<model::Assignment> accept_assignment(Database& db, AssignmentId id, Instant now);
Result<model::Assignment> start_assignment(Database& db, AssignmentId id, Instant now);
Status return_assignment(Database& db, AssignmentId id, const std::string& reason, Instant now);
Status record_step(Database& db, const model::StepRecord& step);

Status record_launch_intents(Database& db, std::vector<model::Agent> agents,
                             const std::vector<model::Node>& nodes = {});
Result<model::Agent> change_agent(Database& db, const AgentChange& change, CostLines* told = nullptr);

// The build's time on its agent is over: its assignment has started and ended. lasted: less than nothing
// counts as nothing.
void note_work(Database& db, const model::Assignment& work, Duration lasted, CostLines* told);
// The same for another controller's build. The caller writes the agent's row, as for the next one.
void note_other_work(Database& db, model::Agent& agent, const OtherWork& work, CostLines* told);
// The agent is gone. Sets what it has cost.
void note_end(Database& db, model::Agent& agent, const BilledSpan& billed, CostLines* told);

Result<model::Node> redeem_node(Database& db, const Redemption& redemption);
Result<model::Node> change_node(Database& db, const AgentId& agent, bool draining, bool revoked,
                                model::EndReason why = model::EndReason::none);
Status count_refused(Database& db, const AgentId& agent);
Status remove_node(Database& db, const AgentId& agent);

Status add_timeline(Database& db, const std::string& subject,
                    const std::vector<model::TimelineEntry>& entries);
Status save_setting(Database& db, const std::string& key, const std::string& value);

// --- questions

Result<OpenState> load_open_state(Database& db);
Result<model::Build> get_build_by_number(Database& db, const JobPath& job, std::int64_t number);
Result<std::vector<model::Build>> list_builds(Database& db, const BuildFilter& filter);
Result<std::vector<model::Assignment>> list_assignments(Database& db, BuildId build);
Result<std::vector<model::Assignment>> list_assignments_of_agent(Database& db, const AgentId& agent);
Result<std::vector<model::StepRecord>> list_steps(Database& db, AssignmentId assignment);
// Of the assignments that the clause selects, by assignment and index.
std::vector<model::StepRecord> list_open_steps(Database& db, std::string_view open_assignments);
Result<std::vector<model::LogStream>> list_streams(Database& db, BuildId build);
Result<std::vector<StreamId>> list_forgotten_streams(Database& db);
Result<std::vector<model::Agent>> list_agents(Database& db, const AgentFilter& filter);
Result<std::vector<LaunchTime>> list_launch_times(Database& db, std::size_t of_each);
Result<model::Cost> get_build_cost(Database& db, BuildId build);
Result<std::vector<CostLine>> list_agent_work(Database& db, const AgentId& agent);
Result<CostPage> list_costs(Database& db, const CostSpan& span, const CostPlace& behind);
Result<std::vector<Charge>> list_charges(Database& db, Instant since, Instant now);
Result<std::vector<model::TimelineEntry>> list_timeline(Database& db, const std::string& subject);
Result<std::optional<std::string>> find_setting(Database& db, const std::string& key);
Result<std::map<std::string, std::string>> list_settings(Database& db, const std::string& prefix);

}  // namespace footman::store::moves
