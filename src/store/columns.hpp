// How values are kept in columns. Numbers, instants and durations (microseconds) as integers, absent values
// as NULL, enumerators as their stable words, structures as JSON. Reading what cannot have been written
// throws SqlError (corrupt).
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "model/agent.hpp"
#include "model/work.hpp"
#include "store/sql_error.hpp"

namespace footman::store {

// --- numbers and text

inline void bind_column(sqlite3_stmt* statement, int index, std::string_view text) {
  sqlite3_bind_text64(statement, index, text.data() == nullptr ? "" : text.data(), text.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
}
inline void bind_column(sqlite3_stmt* statement, int index, const std::string& text) {
  bind_column(statement, index, std::string_view(text));
}
template <std::integral Number>
void bind_column(sqlite3_stmt* statement, int index, Number number) {
  sqlite3_bind_int64(statement, index, static_cast<std::int64_t>(number));  // the same 64 bits for unsigned
}
inline void bind_column(sqlite3_stmt* statement, int index, base::Instant at) {
  sqlite3_bind_int64(statement, index, at.us);
}
inline void bind_column(sqlite3_stmt* statement, int index, base::Duration duration) {
  sqlite3_bind_int64(statement, index, duration.count());
}
template <class Tag>
void bind_column(sqlite3_stmt* statement, int index, const base::TextId<Tag>& id) {
  bind_column(statement, index, std::string_view(id.str()));
}
template <class Tag>
void bind_column(sqlite3_stmt* statement, int index, base::NumberId<Tag> id) {
  sqlite3_bind_int64(statement, index, id.value());
}
inline void bind_column(sqlite3_stmt* statement, int index, std::optional<int> number) {
  if (number)
    sqlite3_bind_int64(statement, index, *number);
  else
    sqlite3_bind_null(statement, index);
}

inline std::string_view read_text(sqlite3_stmt* statement, int index) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement, index))};
}
inline void read_column(sqlite3_stmt* statement, int index, std::string& text) {
  text = read_text(statement, index);
}
template <std::integral Number>
void read_column(sqlite3_stmt* statement, int index, Number& number) {
  number = static_cast<Number>(sqlite3_column_int64(statement, index));
}
inline void read_column(sqlite3_stmt* statement, int index, base::Instant& at) {
  at.us = sqlite3_column_int64(statement, index);
}
inline void read_column(sqlite3_stmt* statement, int index, base::Duration& duration) {
  duration = base::Duration(sqlite3_column_int64(statement, index));
}
template <class Tag>
void read_column(sqlite3_stmt* statement, int index, base::TextId<Tag>& id) {
  id = base::TextId<Tag>(std::string(read_text(statement, index)));
}
template <class Tag>
void read_column(sqlite3_stmt* statement, int index, base::NumberId<Tag>& id) {
  id = base::NumberId<Tag>(sqlite3_column_int64(statement, index));
}
inline void read_column(sqlite3_stmt* statement, int index, std::optional<int>& number) {
  number.reset();
  if (sqlite3_column_type(statement, index) != SQLITE_NULL)
    number = static_cast<int>(sqlite3_column_int64(statement, index));
}

// --- enumerators

inline constexpr auto find_word(model::BuildState*) { return &model::find_build_state; }
inline constexpr auto find_word(model::ItemState*) { return &model::find_item_state; }
inline constexpr auto find_word(model::AssignmentState*) { return &model::find_assignment_state; }
inline constexpr auto find_word(model::AgentState*) { return &model::find_agent_state; }
inline constexpr auto find_word(model::EndReason*) { return &model::find_end_reason; }
inline std::optional<model::BuildResult> find_result_or_none(std::string_view text) {
  return text.empty() ? model::BuildResult::none : model::find_build_result(text);
}
inline constexpr auto find_word(model::BuildResult*) { return &find_result_or_none; }

template <class Enum>
  requires std::is_enum_v<Enum>
void bind_column(sqlite3_stmt* statement, int index, Enum value) {
  bind_column(statement, index, to_string(value));
}
template <class Enum>
  requires std::is_enum_v<Enum>
void read_column(sqlite3_stmt* statement, int index, Enum& value) {
  const auto text = read_text(statement, index);
  const auto found = find_word(static_cast<Enum*>(nullptr))(text);
  if (!found) throw_corrupt("it holds the unknown word \"" + std::string(text) + "\"");
  value = *found;
}

// --- structures

template <class T>
concept Structure =
    std::same_as<T, std::vector<std::string>> || std::same_as<T, std::map<std::string, std::string>> ||
    std::same_as<T, model::BuildSpec> || std::same_as<T, std::vector<model::ParameterSpec>> ||
    std::same_as<T, model::DeathCertificate> || std::same_as<T, model::Price>;

std::string to_json(const std::vector<std::string>& words);
std::string to_json(const std::map<std::string, std::string>& values);
std::string to_json(const model::BuildSpec& spec);
std::string to_json(const std::vector<model::ParameterSpec>& parameters);
std::string to_json(const model::DeathCertificate& death);
std::string to_json(const model::Price& price);

void from_json(std::string_view text, std::vector<std::string>& words);
void from_json(std::string_view text, std::map<std::string, std::string>& values);
void from_json(std::string_view text, model::BuildSpec& spec);
void from_json(std::string_view text, std::vector<model::ParameterSpec>& parameters);
void from_json(std::string_view text, model::DeathCertificate& death);
void from_json(std::string_view text, model::Price& price);

template <Structure T>
void bind_column(sqlite3_stmt* statement, int index, const T& value) {
  bind_column(statement, index, to_json(value));
}
template <Structure T>
void read_column(sqlite3_stmt* statement, int index, T& value) {
  from_json(read_text(statement, index), value);
}

}  // namespace footman::store
