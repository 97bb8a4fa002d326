#include "cloud/ecs/launch_options.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "ecs/capacity.hpp"
#include "ecs/choices.hpp"
#include "ecs/frozen_options.hpp"
#include "ecs/iam_policy.hpp"
#include "net/certificate.hpp"

namespace footman::cloud::ecs {
namespace {

namespace json = boost::json;
using footman::ecs::TextMap;

// Of what ecs::list_choices() goes through.
struct Counts {
  explicit Counts(const footman::ecs::TemplateOptions& options)
      : capacities(options.fallback_capacities.size() + 1),
        sizes(options.fallback_sizes.size() + 1),
        architectures(options.fallback_architectures.size() + 1) {}
  std::size_t capacities;
  std::size_t sizes;
  std::size_t architectures;
};

std::optional<std::size_t> index_of(const json::object& object, std::string_view key, std::size_t count) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  const auto index = value->get_int64();
  if (index < 0 || std::cmp_greater_equal(index, count)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

Result<LaunchCloud> parse_cloud(const json::object& object, const LaunchCloud& present) {
  const auto* text = object.if_contains("cloud");
  if (text == nullptr) return present;
  if (!text->is_string()) return fail(Errc::corrupt, "its cloud is no text");
  FOOTMAN_TRY(auto options, footman::ecs::parse_frozen_cloud(text->get_string()));
  const auto* account = object.if_contains("account");
  return LaunchCloud{std::move(options), account != nullptr && account->is_string()
                                             ? std::string(account->get_string())
                                             : std::string()};
}

}  // namespace

LaunchCloud make_launch_cloud(const EcsCloudConfig& config) {
  LaunchCloud out{config.options, {}};
  out.options.event_queue_url.clear();  // which may be of another account
  footman::ecs::NamedTemplates templates;
  for (const auto& [name, one] : config.templates) templates.emplace_back(name, one.options);
  out.account = footman::ecs::find_account(out.options, templates);
  out.options.credentials = {};
  out.options.endpoint = {};
  return out;
}

std::vector<ports::Variant> list_variants(const Template& of, const LaunchCloud& cloud) {
  const auto text = footman::ecs::freeze(of.options);
  const auto cloud_text = footman::ecs::freeze(cloud.options);
  const auto choices = footman::ecs::list_choices(of.options);
  const Counts counts(of.options);
  std::vector<ports::Variant> out;
  out.reserve(choices.size());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    auto& variant = out.emplace_back();
    variant.name = footman::ecs::name_of(of.options, choices[i]);
    variant.options = json::serialize(json::object{{"capacity", i / (counts.sizes * counts.architectures)},
                                                   {"size", i / counts.architectures % counts.sizes},
                                                   {"architecture", i % counts.architectures},
                                                   {"template", text},
                                                   {"cloud", cloud_text},
                                                   {"account", cloud.account}});
    variant.is_reclaimable = footman::ecs::uses_fargate_spot(choices[i].capacity);
    if (i >= of.offers.size()) continue;
    variant.size = of.offers[i].size;
    variant.price = of.offers[i].price;
  }
  return out;
}

Result<LaunchOptions> parse_launch_options(const std::string& frozen, const LaunchCloud& present) {
  const auto bad = [](const std::string& what) {
    return fail(Errc::corrupt, "the frozen options of the launch cannot be read: " + what);
  };
  boost::system::error_code error;
  const auto value = json::parse(frozen, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* text = object == nullptr ? nullptr : object->if_contains("template");
  if (text == nullptr || !text->is_string()) return bad("no template");
  FOOTMAN_TRY(auto options, footman::ecs::parse_frozen(text->get_string()));
  const Counts counts(options);
  const auto capacity = index_of(*object, "capacity", counts.capacities);
  const auto size = index_of(*object, "size", counts.sizes);
  // Earlier versions had no choice of it.
  const auto architecture = object->contains("architecture")
                                ? index_of(*object, "architecture", counts.architectures)
                                : std::optional<std::size_t>(0);
  if (!capacity || !size || !architecture) return bad("no such capacity, size or architecture");
  auto choice = std::move(footman::ecs::list_choices(options).at(
      (*capacity * counts.sizes + *size) * counts.architectures + *architecture));
  options.cpu_architecture = choice.architecture;
  FOOTMAN_TRY(auto cloud, parse_cloud(*object, present));
  return LaunchOptions{std::move(options), std::move(choice.capacity), choice.size, std::move(cloud)};
}

Result<footman::ecs::TaskDefinition> make_definition(const InstallationId& installation,
                                                     const LaunchOptions& launch, const TemplateName& name) {
  const auto& cloud = launch.cloud.options;
  return footman::ecs::make_task_definition(launch.options, cloud, {installation, name, cloud.region});
}

std::set<std::string> list_families(const EcsCloudConfig& cloud) {
  std::set<std::string> out;
  const auto present = make_launch_cloud(cloud);
  for (const auto& [name, one] : cloud.templates) {
    if (!one.options.task_definition.empty()) continue;
    for (const auto& variant : list_variants(one, present)) {
      const auto launch = parse_launch_options(variant.options, present);
      const auto made =
          launch ? make_definition(cloud.installation, *launch, name) : std::unexpected(launch.error());
      if (made) out.insert(made->family);
    }
  }
  return out;
}

std::string find_agent_name(const ports::LaunchSpec& spec) {
  return spec.endpoint.name.empty() ? spec.agent.str() : spec.endpoint.name;
}

namespace {

void put_if(TextMap& out, const char* name, const std::string& text) {
  if (!text.empty()) out[name] = text;
}

// As the entry point of Jenkins' own image reads them.
TextMap make_jenkins_variables(const ports::LaunchSpec& spec) {
  const auto& endpoint = spec.endpoint;
  TextMap out{{"JENKINS_URL", endpoint.url}, {"JENKINS_AGENT_NAME", find_agent_name(spec)}};
  put_if(out, "JENKINS_TUNNEL", endpoint.tunnel);
  put_if(out, "JENKINS_JAVA_OPTS", endpoint.java_options);
  if (endpoint.web_socket) out["JENKINS_WEB_SOCKET"] = "true";
  return out;
}

// How footman-agent reaches a place and whom it trusts there.
void put_place(TextMap& out, const std::string& prefix, const ports::AgentEndpoint& endpoint) {
  const auto put = [&](const char* name, const std::string& text) {
    if (!text.empty()) out[prefix + name] = text;
  };
  put("URL", endpoint.url);
  put("TUNNEL", endpoint.tunnel);
  put("CA", endpoint.ca_pem);
  put("PUBLIC_KEY_SHA256", endpoint.public_key_sha256);
  if (!endpoint.ca_pem.empty() && !endpoint.only_ca) put("SYSTEM_CA", "true");
  if (endpoint.insecure) put("INSECURE", "true");
}

}  // namespace

bool fetches_secret(const ports::LaunchSpec& spec, footman::ecs::AgentRole role) {
  return role == footman::ecs::AgentRole::supervisor && !spec.server.url.empty();
}

TextMap make_agent_variables(const ports::LaunchSpec& spec, footman::ecs::AgentRole role) {
  using footman::ecs::AgentRole;
  if (role == AgentRole::stock_jenkins) return make_jenkins_variables(spec);
  const auto& endpoint = spec.endpoint;
  TextMap out{{"FOOTMAN_AGENT_NAME", find_agent_name(spec)}};
  put_place(out, "FOOTMAN_AGENT_", endpoint);
  if (spec.orphan_timeout.count() > 0)
    out["FOOTMAN_AGENT_ORPHAN_TIMEOUT"] = fmt::format("{}ms", spec.orphan_timeout / 1ms);
  if (role == AgentRole::supervisor) {
    put_if(out, "FOOTMAN_AGENT_JAVA_OPTIONS", endpoint.java_options);
    if (endpoint.web_socket) out["FOOTMAN_AGENT_WEB_SOCKET"] = "true";
    if (!fetches_secret(spec, role)) return out;
    put_place(out, "FOOTMAN_AGENT_SERVER_", spec.server);
    out["FOOTMAN_AGENT_SERVER_NAME"] = spec.agent.str();
    out["FOOTMAN_AGENT_ATTEMPT"] = std::to_string(spec.attempt);
    return out;
  }
  out["FOOTMAN_AGENT_ATTEMPT"] = std::to_string(spec.attempt);
  if (spec.one_shot) out["FOOTMAN_AGENT_ONE_SHOT"] = "true";
  return out;
}

Result<footman::ecs::Texts> list_authorities(const ports::LaunchSpec& spec, footman::ecs::AgentRole role) {
  const auto& pem = spec.endpoint.ca_pem;
  if (role != footman::ecs::AgentRole::stock_jenkins || pem.empty()) return footman::ecs::Texts();
  return net::list_certificates(pem);
}

TextMap make_work_tags(const std::string& work) {
  if (work.empty()) return {};
  const auto at = work.rfind(" #");
  if (at == std::string::npos) return {{"job", work}};
  return {{"job", work.substr(0, at)}, {"build", work.substr(at + 2)}};
}

}  // namespace footman::cloud::ecs
