// What a browser sends with a form (application/x-www-form-urlencoded).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "net/http.hpp"

namespace footman::web {

using namespace footman::base;

class Form {
 public:
  Form() = default;
  // invalid_argument: another content type, broken encoding, too many fields; resource_exhausted: too large.
  static Result<Form> parse(const net::HttpRequest& request);

  std::optional<std::string_view> find(std::string_view name) const;  // the first one
  std::string text(std::string_view name) const;                      // "" when it is not there
  // For texts of several lines, which browsers send with CR LF.
  std::string lines(std::string_view name) const;
  bool has(std::string_view name) const { return find(name).has_value(); }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }
  void set(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace footman::web
