#include "fleet/frozen_request.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>

namespace footman::fleet {
namespace {

namespace json = boost::json;
constexpr int kVersion = 1;

json::object to_json(const ports::AgentEndpoint& endpoint) {
  return {{"url", endpoint.url},
          {"tunnel", endpoint.tunnel},
          {"ca_pem", endpoint.ca_pem},
          {"only_ca", endpoint.only_ca},
          {"public_key_sha256", endpoint.public_key_sha256},
          {"insecure", endpoint.insecure},
          {"program", ports::to_string(endpoint.program)},
          {"name", endpoint.name},
          {"web_socket", endpoint.web_socket},
          {"java_options", endpoint.java_options}};
}

ports::AgentEndpoint endpoint_of(const json::object& object) {
  ports::AgentEndpoint endpoint;
  endpoint.url = json::value_to<std::string>(object.at("url"));
  endpoint.tunnel = json::value_to<std::string>(object.at("tunnel"));
  endpoint.ca_pem = json::value_to<std::string>(object.at("ca_pem"));
  if (const auto* only = object.if_contains("only_ca")) endpoint.only_ca = only->as_bool();  // older: false
  endpoint.public_key_sha256 = json::value_to<std::string>(object.at("public_key_sha256"));
  endpoint.insecure = object.at("insecure").as_bool();
  const auto* program = object.if_contains("program");  // older: Footman's own, as there were no others
  if (program == nullptr || program->as_string() == ports::to_string(ports::AgentProgram::footman))
    return endpoint;
  endpoint.program = ports::AgentProgram::jenkins;
  endpoint.name = json::value_to<std::string>(object.at("name"));
  endpoint.web_socket = object.at("web_socket").as_bool();
  endpoint.java_options = json::value_to<std::string>(object.at("java_options"));
  return endpoint;
}

json::array to_json(const std::vector<Consideration>& all) {
  json::array list;
  for (const auto& one : all)
    list.push_back(json::object{{"template", one.template_name.str()},
                                {"cloud", one.cloud.str()},
                                {"code", one.code},
                                {"text", one.text}});
  return list;
}

std::vector<Consideration> considered_of(const json::array& list) {
  std::vector<Consideration> all;
  for (const auto& one : list)
    all.push_back({TemplateName(json::value_to<std::string>(one.at("template"))),
                   CloudName(json::value_to<std::string>(one.at("cloud"))),
                   json::value_to<std::string>(one.at("code")), json::value_to<std::string>(one.at("text")),
                   Instant(), Instant()});
  return all;
}

FrozenRequest request_of(const json::object& object) {
  FrozenRequest request;
  auto& spec = request.spec;
  spec.installation = InstallationId(json::value_to<std::string>(object.at("installation")));
  spec.agent = AgentId(json::value_to<std::string>(object.at("agent")));
  if (const auto* name = object.if_contains("template")) {  // older ones have none of the three
    spec.template_name = TemplateName(json::value_to<std::string>(*name));
    spec.generation = object.at("generation").to_number<std::uint64_t>();
    spec.work = json::value_to<std::string>(object.at("work"));
  }
  spec.attempt = object.at("attempt").to_number<std::uint32_t>();
  spec.client_token = json::value_to<std::string>(object.at("client_token"));
  spec.options = json::value_to<std::string>(object.at("options"));
  spec.endpoint = endpoint_of(object.at("endpoint").as_object());
  if (const auto* server = object.if_contains("server")) spec.server = endpoint_of(server->as_object());
  spec.orphan_timeout = Duration(object.at("orphan_timeout_us").to_number<std::int64_t>());
  spec.one_shot = object.at("one_shot").as_bool();
  request.is_default = object.at("is_default").as_bool();
  request.max_age = Duration(object.at("max_age_us").to_number<std::int64_t>());
  if (const auto* variant = object.if_contains("variant"))
    request.variant = json::value_to<std::string>(*variant);
  if (const auto* reason = object.if_contains("reason"))
    request.reason = model::find_launch_reason(json::value_to<std::string>(*reason));
  request.why = json::value_to<std::string>(object.at("why"));
  if (const auto* list = object.if_contains("not_these")) request.not_these = considered_of(list->as_array());
  return request;
}

}  // namespace

void forget_launch(FrozenRequest& request) {
  FrozenRequest kept;
  kept.spec.options = std::move(request.spec.options);         // proofs are checked with them
  kept.spec.endpoint.program = request.spec.endpoint.program;  // whether it leaves by itself
  kept.is_default = request.is_default;
  kept.max_age = request.max_age;
  kept.variant = std::move(request.variant);
  kept.reason = request.reason;
  kept.why = std::move(request.why);
  kept.not_these = std::move(request.not_these);
  std::swap(request, kept);
}

std::string encode_request(const FrozenRequest& request) {
  const auto& spec = request.spec;
  json::object object{{"version", kVersion},
                      {"installation", spec.installation.str()},
                      {"agent", spec.agent.str()},
                      {"template", spec.template_name.str()},
                      {"generation", spec.generation},
                      {"work", spec.work},
                      {"attempt", spec.attempt},
                      {"client_token", spec.client_token},
                      {"options", spec.options},
                      {"endpoint", to_json(spec.endpoint)},
                      {"orphan_timeout_us", spec.orphan_timeout.count()},
                      {"one_shot", spec.one_shot},
                      {"is_default", request.is_default},
                      {"max_age_us", request.max_age.count()},
                      {"variant", request.variant},
                      {"why", request.why}};
  if (!spec.server.url.empty()) object["server"] = to_json(spec.server);
  if (request.reason) object["reason"] = model::to_string(*request.reason);
  if (!request.not_these.empty()) object["not_these"] = to_json(request.not_these);
  return json::serialize(object);
}

Result<FrozenRequest> parse_request(const std::string& encoded) {
  try {
    const auto value = json::parse(encoded);
    const auto& object = value.as_object();
    if (object.at("version").to_number<int>() != kVersion)
      return fail(Errc::unsupported, "the launch request is of another version");
    return request_of(object);
  } catch (const std::exception& error) {
    return fail(Errc::corrupt, std::string("the launch request cannot be read: ") + error.what());
  }
}

}  // namespace footman::fleet
