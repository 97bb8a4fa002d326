// The query of a request, read as strictly as a body: unknown names, repeated ones and wrong values are
// errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/json_in.hpp"
#include "net/http.hpp"

namespace footman::api {

class Query {
 public:
  // Must outlive it: request, errors.
  Query(const net::HttpRequest& request, Errors& errors) : request_(request), errors_(errors) {}

  std::optional<std::string> text(std::string_view name);
  std::optional<std::int64_t> number(std::string_view name, std::int64_t least, std::int64_t most);
  bool flag(std::string_view name);  // "true" or "false"; false when it is not there
  template <class Enum>
  std::optional<Enum> word(std::string_view name, std::optional<Enum> (*find)(std::string_view),
                           std::string_view expectation) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    auto found = value->empty() ? std::nullopt : find(*value);  // no word stands for "none" here
    if (!found) expected(expectation, name, *value);
    return found;
  }
  std::uint32_t limit();  // of a list
  void done();            // call last

 private:
  void expected(std::string_view what, std::string_view name, std::string_view found);

  const net::HttpRequest& request_;
  Errors& errors_;
  std::vector<std::string> asked_;
};

// An id in a path or a cursor.
Result<std::int64_t> parse_id(std::string_view text, std::string field);

}  // namespace footman::api
