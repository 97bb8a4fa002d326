// What agents and builds have cost. The ledger has one line for each build's time on an agent, written when
// that is over, and one for the rest of the agent's time, written when the agent is gone.
#include <fmt/format.h>

#include <algorithm>

#include "store/moves.hpp"
#include "store/rows.hpp"

namespace footman::store::moves {

using model::Agent;
using model::Cost;

namespace {

// Of the ledger. Beyond the first, those of earlier days go, beyond the second the oldest; every so many
// lines it is looked for them.
constexpr std::int64_t kCostLinesKept = 200'000;
constexpr std::int64_t kCostLinesMost = 2'000'000;
constexpr std::int64_t kCostLinesAtOnce = 1'000;
// More than come meanwhile, so that it catches up after a busy day; and no more, as the store waits for it.
constexpr std::int64_t kCostLinesDropped = 5'000;
constexpr std::int64_t kDay = Duration(24h).count();
constexpr std::size_t kCostPage = 2'000;  // lines; some milliseconds
constexpr std::int64_t kMaxAgentWork = 100;
constexpr std::int64_t kMaxCharges = kCostLinesKept;  // told one by one, the newest

// What budgets of the day go by stays. Lines come about in the order of their ends, so that the first one of
// this day is where to stop looking.
void drop_old_lines(Database& db, std::int64_t newest, Instant day) {
  db.run(
      "DELETE FROM costs WHERE until < ?2 AND id <= min(?1, (SELECT min(id) FROM costs) + ?3, "
      "coalesce((SELECT id FROM costs WHERE until >= ?2 ORDER BY until, id LIMIT 1), ?1))",
      newest - kCostLinesKept, day, kCostLinesDropped);
  db.run("DELETE FROM costs WHERE id <= ?", newest - kCostLinesMost);
}

void add_line(Database& db, const CostLine& line, CostLines* told) {
  const auto time = line.useful ? line.cost.useful_time : line.cost.idle_time;
  const auto amount = line.useful ? line.cost.useful : line.cost.idle;
  db.run(
      "INSERT INTO costs (agent, build, job, label, cloud, template_name, controller, labels, useful, since, "
      "until, time, amount, charged, title) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      line.agent, line.build, line.job, line.label, line.cloud, line.template_name, line.controller,
      line.labels, line.useful, line.since, line.until, time, amount.micros, line.charged.micros, line.title);
  const auto newest = db.last_insert_id();
  // Its end may lie ahead, in the time that is paid for; its beginning is never later than today.
  if (newest % kCostLinesAtOnce == 0) drop_old_lines(db, newest, {line.since.us - line.since.us % kDay});
  if (told == nullptr) return;
  told->push_back(line);
  told->back().cost = line.useful ? Cost{amount, {}, time, {}} : Cost{{}, amount, {}, time};
}

// An agent that had one build was there for that alone.
void name_only_build(Database& db, CostLine& line) {
  auto rows = db.query("SELECT DISTINCT build, job, label FROM costs WHERE agent = ? AND useful = 1 LIMIT 2",
                       line.agent);
  if (!rows.step()) return;
  CostLine one;
  rows.read(one.build, one.job, one.label);
  if (rows.step()) return;
  line.build = one.build;
  line.job = one.job;
  line.label = one.label;
}

CostLine line_of(const Agent& agent) {
  CostLine line;
  line.agent = agent.id;
  line.cloud = agent.cloud;
  line.template_name = agent.template_name;
  line.controller = agent.controller;
  line.labels = agent.labels;
  return line;
}

// `line` says whose time it was, and when.
void add_work(Database& db, Agent& agent, CostLine line, Duration lasted, CostLines* told) {
  line.useful = true;
  line.until = std::max(line.since, line.until);
  line.cost.useful_time = std::max(Duration(0), lasted);
  line.cost.useful = model::charge(agent.price.per_hour, line.cost.useful_time);
  agent.cost.useful += line.cost.useful;
  agent.cost.useful_time += line.cost.useful_time;
  add_line(db, line, told);
  if (agent.state != model::AgentState::terminated) return;
  // The end of the build is told after that of its agent: then it was counted as idle.
  auto back = line_of(agent);
  back.since = line.since;
  back.until = line.until;
  back.cost.idle_time = Duration(0) - std::min(agent.cost.idle_time, line.cost.useful_time);
  back.cost.idle = model::Money() - std::min(agent.cost.idle, line.cost.useful);
  agent.cost += back.cost;
  add_line(db, back, told);
}

}  // namespace

void note_work(Database& db, const model::Assignment& work, Duration lasted, CostLines* told) {
  auto agent = find<Agent>(db, work.agent);
  if (!agent) return;
  auto line = line_of(*agent);
  const auto build = find<model::Build>(db, work.build);
  if (!build) return;
  line.build = work.build;
  line.job = build->job;
  line.label = build->spec.label;
  line.since = work.started;
  line.until = work.ended;
  add_work(db, *agent, std::move(line), lasted, told);
  update(db, *agent);
}

void note_other_work(Database& db, Agent& agent, const OtherWork& work, CostLines* told) {
  const auto known = db.get<std::int64_t>(
      "SELECT count(*) FROM costs WHERE agent = ? AND useful = 1 AND since = ?", agent.id, work.since);
  if (known > 0) return;
  auto line = line_of(agent);
  line.job = work.job;
  line.title = work.title;
  line.since = work.since;
  line.until = work.until;
  add_work(db, agent, std::move(line), work.until - work.since, told);
}

void note_end(Database& db, Agent& agent, const BilledSpan& billed, CostLines* told) {
  const auto time = std::max(Duration(0), billed.until - billed.from);
  const auto charged = model::charge(agent.price.per_hour, time);
  agent.cost.idle_time = std::max(Duration(0), time - agent.cost.useful_time);
  agent.cost.idle = std::max(model::Money(), charged - agent.cost.useful);
  if (!billed.from.is_set()) return;
  auto line = line_of(agent);
  name_only_build(db, line);
  line.since = billed.from;
  line.until = billed.until;
  line.cost = agent.cost;
  line.charged = agent.cost.total();
  add_line(db, line, told);
}

Result<Cost> get_build_cost(Database& db, BuildId build) {
  Cost cost;
  auto rows = db.query(
      "SELECT coalesce(sum(CASE WHEN useful = 1 THEN amount END), 0), "
      "coalesce(sum(CASE WHEN useful = 0 THEN amount END), 0), "
      "coalesce(sum(CASE WHEN useful = 1 THEN time END), 0), "
      "coalesce(sum(CASE WHEN useful = 0 THEN time END), 0) FROM costs WHERE build = ? AND build <> 0",
      build);
  if (rows.step()) rows.read(cost.useful.micros, cost.idle.micros, cost.useful_time, cost.idle_time);
  return cost;
}

Result<std::vector<CostLine>> list_agent_work(Database& db, const AgentId& agent) {
  std::vector<CostLine> lines;
  auto rows = db.query(
      "SELECT build, job, title, since, until, time, amount FROM costs WHERE agent = ? AND useful = 1 "
      "ORDER BY id DESC LIMIT ?",
      agent, kMaxAgentWork);
  while (rows.step()) {
    auto& line = lines.emplace_back();
    line.agent = agent;
    line.useful = true;
    rows.read(line.build, line.job, line.title, line.since, line.until, line.cost.useful_time,
              line.cost.useful.micros);
  }
  std::ranges::reverse(lines);
  return lines;
}

Result<CostPage> list_costs(Database& db, const CostSpan& span, const CostPlace& behind) {
  CostPage page;
  page.next = behind;
  auto rows = db.query(
      "SELECT id, agent, build, job, label, cloud, template_name, useful, since, until, time, amount FROM "
      "costs "
      "WHERE (until, id) > (?, ?) AND until >= ? AND until < ? ORDER BY until, id LIMIT ?",
      behind.until, behind.id, std::max(span.since, behind.until),
      span.until.is_set() ? span.until : Instant{INT64_MAX}, kCostPage);
  while (rows.step()) {
    auto& line = page.lines.emplace_back();
    Duration time{0};
    model::Money amount;
    rows.read(page.next.id, line.agent, line.build, line.job, line.label, line.cloud, line.template_name,
              line.useful, line.since, line.until, time, amount.micros);
    (line.useful ? line.cost.useful : line.cost.idle) = amount;
    (line.useful ? line.cost.useful_time : line.cost.idle_time) = time;
    page.next.until = line.until;
  }
  page.is_last = page.lines.size() < kCostPage;
  if (page.is_last)
    page.useful_of_live = {
        db.get<std::int64_t>("SELECT coalesce(sum(cost_useful), 0) FROM agents INDEXED BY agents_live WHERE "
                             "state <> 'terminated'")};
  return page;
}

Result<std::vector<Charge>> list_charges(Database& db, Instant since, Instant now) {
  std::vector<Charge> charges;
  const auto read = [&](Query rows) {
    while (rows.step()) {
      auto& one = charges.emplace_back();
      rows.read(one.cloud, one.template_name, one.controller, one.labels, one.span.from, one.span.until,
                one.ended, one.amount.micros);
    }
  };
  read(db.query(
      "SELECT cloud, template_name, controller, labels, min(since), max(until), max(until), sum(charged) "
      "FROM costs WHERE until > ?1 AND until <= ?2 AND since >= ?1 AND charged > 0 "
      "GROUP BY cloud, template_name, controller, labels ORDER BY cloud, template_name, controller, labels",
      since, now));
  read(
      db.query("SELECT cloud, template_name, controller, labels, since, until, coalesce((SELECT ended FROM "
               "agents WHERE id = costs.agent), until), "
               "charged FROM costs "
               "WHERE until > ?1 AND (until > ?2 OR since < ?1) AND charged > 0 ORDER BY until DESC LIMIT ?3",
               since, now, kMaxCharges));
  return charges;
}

}  // namespace footman::store::moves
