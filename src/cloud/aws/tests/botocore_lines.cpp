// For tests/botocore_test.py: signs the requests that come as JSON lines, and writes one line of JSON for
// each.
#include <boost/json.hpp>
#include <iostream>
#include <string>

#include "cloud/aws/endpoints.hpp"
#include "cloud/aws/foundation.hpp"

using namespace footman;
using namespace footman::cloud::aws;
namespace json = boost::json;

namespace {

std::string text(const json::object& object, const char* name) {
  return std::string(std::string_view(object.at(name).as_string()));
}

std::vector<std::pair<std::string, std::string>> pairs(const json::object& object, const char* name) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& pair : object.at(name).as_array())
    out.emplace_back(std::string(std::string_view(pair.at(0).as_string())),
                     std::string(std::string_view(pair.at(1).as_string())));
  return out;
}

json::object sign_line(const json::object& line) {
  const auto body = text(line, "body");
  RequestToSign request{
      text(line, "method"), text(line, "host"), text(line, "path"), pairs(line, "query"), {}, body};
  for (auto& [name, value] : pairs(line, "headers")) request.headers.add(name, value);
  const Credentials credentials{
      text(line, "key_id"), base::Secret(text(line, "secret")), base::Secret(text(line, "token")), {}, {}};
  const auto now = *base::parse_rfc3339(text(line, "time"));
  const auto headers = sign(request, {text(line, "region"), text(line, "service")}, credentials, now);
  json::object out;
  for (const auto& [name, value] : headers.all()) out[name] = value;
  out["query"] = format_query(request.query);
  return out;
}

json::object endpoint_line(const json::object& line) {
  const auto name = text(line, "endpoint_of");
  for (const auto& service : {kEcs, kSts, kEc2, kSqs, kLogs, kQuotas, kIam, kEfs, kEcr}) {
    if (service.name != name) continue;
    const auto url = find_endpoint(service, text(line, "region"),
                                   {line.at("fips").as_bool(), line.at("dual_stack").as_bool(), {}});
    return {{"url", url ? url->str() : url.error().message},
            {"version", service.version},
            {"target", service.target},
            {"signed_for", find_signing_region(service, text(line, "region"))}};
  }
  return {{"url", "no such service"}};
}

}  // namespace

int main() {
  std::string text;
  while (std::getline(std::cin, text)) {
    const auto line = json::parse(text).as_object();
    std::cout << json::serialize(line.contains("endpoint_of") ? endpoint_line(line) : sign_line(line))
              << "\n";
  }
}
