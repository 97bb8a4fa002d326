#include "store/rows.hpp"

#include <algorithm>

namespace footman::store::detail {
namespace {

std::string join(std::initializer_list<std::string_view> lists) {
  std::string all;
  for (const auto list : lists) {
    if (list.empty()) continue;
    if (!all.empty()) all += ", ";
    all += list;
  }
  return all;
}

std::string placeholders(std::string_view columns) {
  std::string marks = "?";
  for (auto left = std::count(columns.begin(), columns.end(), ','); left > 0; --left) marks += ", ?";
  return marks;
}

}  // namespace

std::string select_sql(std::string_view from, std::initializer_list<std::string_view> columns,
                       std::string_view tail) {
  return "SELECT " + join(columns) + " FROM " + std::string(from) + " " + std::string(tail);
}

std::string insert_sql(std::string_view verb, std::string_view table,
                       std::initializer_list<std::string_view> columns) {
  const auto all = join(columns);
  return std::string(verb) + " INTO " + std::string(table) + " (" + all + ") VALUES (" + placeholders(all) +
         ")";
}

std::string update_sql(std::string_view table, std::string_view columns, std::string_view key) {
  return "UPDATE " + std::string(table) + " SET (" + std::string(columns) + ") = (" + placeholders(columns) +
         ") WHERE " + std::string(key) + " = ?";
}

}  // namespace footman::store::detail
