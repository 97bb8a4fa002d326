// Clouds of type ecs and their templates.
#include <fmt/format.h>

#include "config/ecs_reader.hpp"
#include "config/sections.hpp"
#include "ecs/capacity.hpp"
#include "ecs/choices.hpp"
#include "ecs/validate.hpp"
#include "model/price_list.hpp"

namespace footman::config {
namespace {

void report(Reader& reader, const EcsReader& fields, const std::vector<ecs::Problem>& problems,
            Position otherwise) {
  for (const auto& problem : problems) {
    if (!problem.fatal) continue;
    const auto key = ecs_key_path(problem.field);
    reader.error(fields.find_place(problem.field, otherwise),
                 key.empty() ? problem.message : fmt::format("'{}': {}", key, problem.message), key);
  }
}

void settle_size(Reader& reader, const YamlNode& node, const model::AgentSize& task, model::AgentSize& out) {
  const auto differs = [](std::uint64_t said, std::uint64_t is) {
    return said != 0 && is != 0 && said != is;
  };
  if (differs(out.milli_cpus, task.milli_cpus) || differs(out.memory_bytes, task.memory_bytes))
    reader.error(
        node.place_of("size"),
        fmt::format("'size': the task has {}, as 'ecs' says: leave it out here", model::format_size(task)));
  if (task.milli_cpus != 0) out.milli_cpus = task.milli_cpus;
  if (task.memory_bytes != 0) out.memory_bytes = task.memory_bytes;
}

constexpr std::string_view kSpot = "/spot";

std::string_view platform_of(ecs::OsFamily os, ecs::CpuArchitecture architecture) {
  if (ecs::is_windows(os)) return "/windows";
  return architecture == ecs::CpuArchitecture::arm64 ? "/arm64" : "/x86_64";
}

// What an agent costs, by the price that the template names, or by Fargate's own.
class Pricing {
 public:
  Pricing(const YamlNode& node, const CloudConfig& cloud, const ecs::TemplateOptions& options)
      : cloud_(cloud), options_(options) {
    const auto* price = node.find("price");
    if (price != nullptr && price->kind != YamlNode::Kind::null) said_ = price->text;
  }

  // Nothing: it is the template's, or the list does not have it.
  std::optional<model::Price> find(const ecs::Choice& choice, const model::AgentSize& size) const {
    const auto name = said_ ? by_name(*said_, choice) : find_fargate_price(cloud_, options_, choice);
    if (!name) return said_ ? std::nullopt : std::optional(model::Price());
    const auto listed = model::find_list_price(*name, size);
    return listed ? std::optional(*listed) : std::nullopt;
  }

 private:
  // What was said is of the first choice: where one of them is Spot or of another architecture and the other
  // is not, the other's price is the one beside it in the list. An amount has no other.
  std::optional<std::string> by_name(std::string name, const ecs::Choice& choice) const {
    if (model::parse_hourly_price(name)) return std::nullopt;
    name = of_architecture(std::move(name), choice.architecture);
    const bool is_spot = ecs::is_fargate_spot_only(choice.capacity);
    if (!name.starts_with("aws-fargate/") || is_spot == ecs::is_fargate_spot_only(options_.capacity))
      return name;
    if (name.ends_with(kSpot)) name.resize(name.size() - kSpot.size());
    return is_spot ? name.append(kSpot) : name;
  }

  std::string of_architecture(std::string name, ecs::CpuArchitecture architecture) const {
    const auto said = platform_of(options_.os_family, options_.cpu_architecture);
    const auto at = name.find(said);
    if (name.starts_with("aws-fargate/") && at != std::string::npos)
      name.replace(at, said.size(), platform_of(options_.os_family, architecture));
    return name;
  }

  const CloudConfig& cloud_;
  const ecs::TemplateOptions& options_;
  std::optional<std::string> said_;
};

}  // namespace

std::optional<std::string> find_fargate_price(const CloudConfig& cloud, const ecs::TemplateOptions& options,
                                              const ecs::Choice& choice) {
  if (!cloud.ecs || ecs::find_compatibility(choice.capacity) != ecs::Compatibility::fargate)
    return std::nullopt;
  return fmt::format("aws-fargate/{}{}{}", cloud.ecs->region,
                     platform_of(options.os_family, choice.architecture),
                     ecs::is_fargate_spot_only(choice.capacity) ? kSpot : std::string_view());
}

void read_ecs_cloud(Reader& reader, const YamlNode& node, CloudConfig& out) {
  EcsReader fields(reader);
  const auto errors = reader.error_count();
  const auto* section = node.find("ecs");
  const bool said = section != nullptr && section->kind != YamlNode::Kind::null;
  out.ecs = said ? fields.read_cloud(*section) : ecs::CloudOptions();
  if (reader.error_count() != errors) return;
  if (out.ecs->region.empty() && reader.sources().find_region)
    out.ecs->region = reader.sources().find_region(out.ecs->credentials.profile).value_or("");
  report(reader, fields, ecs::validate(*out.ecs), said ? section->at : node.at);
}

void read_ecs_template(Reader& reader, const YamlNode& node, const CloudConfig& cloud, bool is_abstract,
                       TemplateConfig& out) {
  EcsReader fields(reader);
  const auto errors = reader.error_count();
  const auto* section = node.find("ecs");
  const bool said = section != nullptr && section->kind != YamlNode::Kind::null;
  out.ecs = said ? fields.read_template(*section) : ecs::TemplateOptions();
  out.ecs->container.environment = out.env;
  // What could not be read is not there, so checking the rest would mislead.
  if (is_abstract || reader.error_count() != errors) return;
  if (const auto* env = node.find("env"))
    for (const auto& [name, at] : env->keys) fields.set_place("container.environment." + name, at);
  report(reader, fields, ecs::validate(*out.ecs, *cloud.ecs), said ? section->at : node.at);
  settle_size(reader, node, ecs::find_agent_size(*out.ecs, ecs::list_choices(*out.ecs).front()), out.size);
}

void read_ecs_offers(const YamlNode& node, const CloudConfig& cloud, TemplateConfig& out) {
  if (!out.ecs || !cloud.ecs) return;
  const Pricing pricing(node, cloud, *out.ecs);
  for (const auto& choice : ecs::list_choices(*out.ecs)) {
    ecs::Offer offer{ecs::find_agent_size(*out.ecs, choice), {}};
    if (offer.size.milli_cpus == 0) offer.size.milli_cpus = out.size.milli_cpus;
    if (offer.size.memory_bytes == 0) offer.size.memory_bytes = out.size.memory_bytes;
    offer.price = pricing.find(choice, offer.size);
    out.offers.push_back(offer);
  }
  if (const auto& first = out.offers.front().price) out.price = *first;
}

}  // namespace footman::config
