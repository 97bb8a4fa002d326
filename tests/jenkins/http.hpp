// What goes in and out of the double: HTTP as plain values, and how a request is taken apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace footman::fake_jenkins {

using Headers = std::vector<std::pair<std::string, std::string>>;
// The first one of that name, compared without case.
std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

struct Request {
  std::string method;
  std::string target;  // as sent: path and query, percent-encoded
  Headers headers;
  std::string body;
};

struct Answer {
  int status = 0;  // 0: none; the connection was refused or cut
  Headers headers;
  std::string body;
  base::Duration takes{0};  // until it is there; what the request does is done at once
};

// Percent-decoded parts. What cannot be decoded stays as it is.
using Fields = std::vector<std::pair<std::string, std::string>>;
struct Target {
  std::string raw_path;
  std::vector<std::string> segments;  // without the empty ones
  bool ends_with_slash = false;
  Fields query;
};
Target parse_target(std::string_view target);
Fields parse_form(std::string_view text);  // application/x-www-form-urlencoded
std::optional<std::string> find_field(const Fields& fields, std::string_view name);

std::string encode_segment(std::string_view text);  // for a path: " " becomes "%20"
std::string escape_html(std::string_view text);     // also for XML
std::string format_date(base::Instant instant);     // of a Date header

struct Credentials {
  std::string user;
  std::string secret;
};
std::optional<Credentials> parse_basic(std::string_view header);

}  // namespace footman::fake_jenkins
