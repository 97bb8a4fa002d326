// The rows of the database as the values of model: one Table per type, which names the columns once, in the
// order of its fields. `frozen` columns are written with the row and never again, `changing` ones by every
// update().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.hpp"
#include "model/agent.hpp"
#include "model/work.hpp"
#include "store/database.hpp"

namespace footman::store {

// A table has:
//   kName, kFrom   of the statements that write and that read
//   kWhat          for people: "There is no build 17"
//   kKey           column; numbered keys are made by the database when the row is inserted
//   kFrozen, kChanging, kDerived   columns; derived ones are only read
//   and the fields behind them: key_of, frozen_of, changing_of, derived_of
template <class Row>
struct Table;
using Text = std::string_view;

struct NoDerived {
  static constexpr Text kDerived = "";
  static auto derived_of(auto& /*row*/) { return std::tie(); }
};

template <>
struct Table<model::Job> {
  static constexpr Text kName = "jobs";
  static constexpr Text kFrom = "jobs JOIN job_numbers USING (path)";
  static constexpr Text kWhat = "job";
  static constexpr Text kKey = "path";
  static constexpr Text kFrozen = "created";
  static constexpr Text kDerived = "next_number";
  static constexpr Text kChanging =
      "description, spec, parameters, quiet_period, max_concurrent, "
      "keep_builds, keep_for, enabled, changed";
  static constexpr bool kNumbered = false;
  static auto key_of(auto& row) { return std::tie(row.path); }
  static auto frozen_of(auto& row) { return std::tie(row.created); }
  static auto derived_of(auto& row) { return std::tie(row.next_number); }
  static auto changing_of(auto& row) {
    return std::tie(row.description, row.spec, row.parameters, row.quiet_period, row.max_concurrent,
                    row.keep_builds, row.keep_for, row.enabled, row.changed);
  }
};

template <>
struct Table<model::Build> : NoDerived {
  static constexpr Text kName = "builds";
  static constexpr Text kFrom = kName;
  static constexpr Text kWhat = "build";
  static constexpr Text kKey = "id";
  static constexpr Text kFrozen = "job, number, cause, submitted, spec, parameters, retry_of, retry";
  static constexpr Text kChanging =
      "state, result, reason, started, finished, attempts, "
      "cancel_requested, cancel_reason, exit_status, timed_out, retried_by";
  static constexpr bool kNumbered = true;
  static auto key_of(auto& row) { return std::tie(row.id); }
  static auto frozen_of(auto& row) {
    return std::tie(row.job, row.number, row.cause, row.submitted, row.spec, row.parameters, row.retry_of,
                    row.retry);
  }
  static auto changing_of(auto& row) {
    return std::tie(row.state, row.result, row.reason, row.started, row.finished, row.attempts,
                    row.cancel_requested, row.cancel_reason, row.exit_status, row.timed_out, row.retried_by);
  }
};

template <>
struct Table<model::QueueItem> : NoDerived {
  static constexpr Text kName = "queue_items";
  static constexpr Text kFrom = kName;
  static constexpr Text kWhat = "queue item";
  static constexpr Text kKey = "id";
  static constexpr Text kFrozen = "build, job, label, since, quiet_until";
  static constexpr Text kChanging = "state, assignment, in_doubt";
  static constexpr bool kNumbered = true;
  static auto key_of(auto& row) { return std::tie(row.id); }
  static auto frozen_of(auto& row) {
    return std::tie(row.build, row.job, row.label, row.since, row.quiet_until);
  }
  static auto changing_of(auto& row) { return std::tie(row.state, row.assignment, row.in_doubt); }
};

template <>
struct Table<model::Assignment> : NoDerived {
  static constexpr Text kName = "assignments";
  static constexpr Text kFrom = kName;
  static constexpr Text kWhat = "assignment";
  static constexpr Text kKey = "id";
  static constexpr Text kFrozen = "build, item, agent, epoch, offered";
  static constexpr Text kChanging = "stream, state, accepted, started, ended, end_reason";
  static constexpr bool kNumbered = true;
  static auto key_of(auto& row) { return std::tie(row.id); }
  static auto frozen_of(auto& row) {
    return std::tie(row.build, row.item, row.agent, row.epoch, row.offered);
  }
  static auto changing_of(auto& row) {
    return std::tie(row.stream, row.state, row.accepted, row.started, row.ended, row.end_reason);
  }
};

template <>
struct Table<model::LogStream> : NoDerived {
  static constexpr Text kName = "log_streams";
  static constexpr Text kFrom = kName;
  static constexpr Text kWhat = "log stream";
  static constexpr Text kKey = "id";
  static constexpr Text kFrozen = "build, assignment";
  static constexpr Text kChanging = "final_bytes, closed";
  static constexpr bool kNumbered = true;
  static auto key_of(auto& row) { return std::tie(row.id); }
  static auto frozen_of(auto& row) { return std::tie(row.build, row.assignment); }
  static auto changing_of(auto& row) { return std::tie(row.final_bytes, row.closed); }
};

template <>
struct Table<model::Agent> : NoDerived {
  static constexpr Text kName = "agents";
  static constexpr Text kFrom = kName;
  static constexpr Text kWhat = "agent";
  static constexpr Text kKey = "id";
  static constexpr Text kFrozen =
      "cloud, template_name, template_generation, controller, "
      "for_item, labels, attempt, client_token, frozen_request, "
      "max_builds, idle_timeout, planned, milli_cpus, memory_bytes, price";
  static constexpr Text kChanging =
      "state, handle, builds_done, launched, connected, "
      "launch_deadline, stop_asked, ended, end_reason, end_detail, death, "
      "cost_useful, cost_idle, time_useful, time_idle, promised_to";
  static constexpr bool kNumbered = false;
  static auto key_of(auto& row) { return std::tie(row.id); }
  static auto frozen_of(auto& row) {
    return std::tie(row.cloud, row.template_name, row.template_generation, row.controller, row.for_item,
                    row.labels, row.attempt, row.client_token, row.frozen_request, row.max_builds,
                    row.idle_timeout, row.planned, row.size.milli_cpus, row.size.memory_bytes, row.price);
  }
  static auto changing_of(auto& row) {
    return std::tie(row.state, row.handle, row.builds_done, row.launched, row.connected, row.launch_deadline,
                    row.stop_asked, row.ended, row.end_reason, row.end_detail, row.death,
                    row.cost.useful.micros, row.cost.idle.micros, row.cost.useful_time, row.cost.idle_time,
                    row.promised_to);
  }
};

template <>
struct Table<model::Node> : NoDerived {
  static constexpr Text kName = "nodes";
  static constexpr Text kFrom = kName;
  static constexpr Text kWhat = "node of agent";
  static constexpr Text kKey = "agent";
  static constexpr Text kFrozen = "attempt, labels, max_builds, is_default, secret_deadline, created";
  static constexpr Text kChanging =
      "key_hash, epoch, draining, revoked, revoked_for, builds_done, "
      "refused_attempts";
  static constexpr bool kNumbered = false;
  static auto key_of(auto& row) { return std::tie(row.agent); }
  static auto frozen_of(auto& row) {
    return std::tie(row.attempt, row.labels, row.max_builds, row.is_default, row.secret_deadline,
                    row.created);
  }
  static auto changing_of(auto& row) {
    return std::tie(row.key_hash, row.epoch, row.draining, row.revoked, row.revoked_for, row.builds_done,
                    row.refused_attempts);
  }
};

// --- statements

namespace detail {

std::string select_sql(std::string_view from, std::initializer_list<std::string_view> columns,
                       std::string_view tail);
std::string insert_sql(std::string_view verb, std::string_view table,
                       std::initializer_list<std::string_view> columns);
std::string update_sql(std::string_view table, std::string_view columns, std::string_view key);

template <class Row>
void read_row(const Query& query, Row& row) {
  using T = Table<Row>;
  std::apply([&](auto&... fields) { query.read(fields...); },
             std::tuple_cat(T::key_of(row), T::frozen_of(row), T::changing_of(row), T::derived_of(row)));
}

}  // namespace detail

// All rows that the tail ("WHERE build = ? ORDER BY id") names.
template <class Row, class... Values>
std::vector<Row> select(Database& database, std::string_view tail, const Values&... values) {
  using T = Table<Row>;
  auto query = database.query(
      detail::select_sql(T::kFrom, {T::kKey, T::kFrozen, T::kChanging, T::kDerived}, tail), values...);
  std::vector<Row> rows;
  while (query.step()) detail::read_row(query, rows.emplace_back());
  return rows;
}

template <class Row, class Id>
std::optional<Row> find(Database& database, const Id& id) {
  using T = Table<Row>;
  static const std::string sql = detail::select_sql(
      T::kFrom, {T::kKey, T::kFrozen, T::kChanging, T::kDerived}, "WHERE " + std::string(T::kKey) + " = ?");
  auto query = database.query(sql, id);
  if (!query.step()) return std::nullopt;
  std::optional<Row> row(std::in_place);
  detail::read_row(query, *row);
  return row;
}

// not_found when there is no such row.
template <class Row, class Id>
base::Result<Row> get(Database& database, const Id& id) {
  auto row = find<Row>(database, id);
  if (!row)
    return base::fail(base::Errc::not_found,
                      "There is no " + std::string(Table<Row>::kWhat) + " " + id.str());
  return *std::move(row);
}

enum class IfThere { fail, keep, replace };

// Numbered keys are set in the row. False: the row was there and was kept.
template <class Row>
bool insert(Database& database, Row& row, IfThere if_there = IfThere::fail) {
  using T = Table<Row>;
  static constexpr Text verbs[] = {"INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE"};
  const auto verb = verbs[static_cast<int>(if_there)];
  const auto write = [&](const std::string& sql, auto fields) {
    std::apply([&](const auto&... values) { database.run(sql, values...); }, fields);
  };
  if constexpr (T::kNumbered) {
    write(detail::insert_sql(verb, T::kName, {T::kFrozen, T::kChanging}),
          std::tuple_cat(T::frozen_of(row), T::changing_of(row)));
    std::get<0>(T::key_of(row)) =
        std::remove_reference_t<decltype(std::get<0>(T::key_of(row)))>(database.last_insert_id());
  } else {
    write(detail::insert_sql(verb, T::kName, {T::kKey, T::kFrozen, T::kChanging}),
          std::tuple_cat(T::key_of(row), T::frozen_of(row), T::changing_of(row)));
  }
  return database.changed_rows() > 0;
}

template <class Row>
void update(Database& database, const Row& row) {
  using T = Table<Row>;
  static const std::string sql = detail::update_sql(T::kName, T::kChanging, T::kKey);
  std::apply([&](const auto&... values) { database.run(sql, values...); },
             std::tuple_cat(T::changing_of(row), T::key_of(row)));
}

}  // namespace footman::store
