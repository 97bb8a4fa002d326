// cloud discover: what there is in an account on AWS to choose from. The program asks (Programs::discover).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <functional>

#include "cli/config_file.hpp"
#include "cli/context.hpp"
#include "cli/ecs_cloud.hpp"
#include "cli/groups.hpp"
#include "cli/json.hpp"
#include "ecs/network.hpp"
#include "ecs/snippet.hpp"
#include "ecs/trust_policy.hpp"

namespace footman::cli {
namespace {

std::string way_text(const ecs::SubnetFacts& subnet, const ecs::Landscape& landscape) {
  if (!landscape.route_tables) return "?";
  const auto way = ecs::find_way_out(subnet, *landscape.route_tables);
  switch (way.kind) {
    case ecs::WayOut::internet_gateway:
      return way.target + " (public)";
    case ecs::WayOut::nat:
    case ecs::WayOut::other:
      return way.target;
    case ecs::WayOut::black_hole:
      return way.target + " (gone)";
    case ecs::WayOut::none:
      break;
  }
  return "none";
}

bool is_public(const ecs::SubnetFacts& subnet, const ecs::Landscape& landscape) {
  return landscape.route_tables &&
         ecs::find_way_out(subnet, *landscape.route_tables).kind == ecs::WayOut::internet_gateway;
}

// What was asked of AWS and how it is shown: one for each kind of thing.
struct Kind {
  std::string name;  // "subnets": in JSON
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  json::array list;
  std::string trouble;
};

template <class T>
Kind make_kind(std::string name, std::vector<std::string> head, const ecs::Known<std::vector<T>>& known,
               const std::function<std::vector<std::string>(const T&)>& row,
               const std::function<json::value(const T&)>& value) {
  Kind out{std::move(name), std::move(head), {}, {}, {}};
  if (!known) {
    out.trouble = known.error().denied ? fmt::format("the permission {} is needed: {}",
                                                     known.error().permission, known.error().why)
                                       : known.error().why;
    return out;
  }
  for (const auto& one : *known) {
    out.rows.push_back(row(one));
    out.list.push_back(value(one));
  }
  return out;
}

std::string trust_text(const ecs::RoleFacts& role) {
  const auto others = ecs::judge_trust(role.trust).others;
  return others.empty() ? "ECS' tasks alone" : fmt::format("also {}", fmt::join(others, ", "));
}

Kind subnets_of(const ecs::Landscape& found) {
  return make_kind<ecs::SubnetFacts>(
      "subnets", {"SUBNET", "NAME", "VPC", "ZONE", "FREE", "WAY OUT"}, found.subnets,
      [&](const auto& one) {
        return std::vector{
            one.id, one.name, one.vpc, one.zone, fmt::to_string(one.free_addresses), way_text(one, found)};
      },
      [&](const auto& one) {
        return json::value{{"id", one.id},
                           {"name", one.name},
                           {"vpc", one.vpc},
                           {"zone", one.zone},
                           {"free_addresses", one.free_addresses},
                           {"way_out", way_text(one, found)},
                           {"public", is_public(one, found)}};
      });
}

std::vector<Kind> make_kinds(const ecs::Landscape& found) {
  std::vector<Kind> out;
  out.push_back(make_kind<std::string>(
      "clusters", {"CLUSTER"}, found.clusters, [](const auto& one) { return std::vector{one}; },
      [](const auto& one) { return json::value{{"name", one}}; }));
  out.push_back(subnets_of(found));
  out.push_back(make_kind<ecs::GroupFacts>(
      "security_groups", {"SECURITY GROUP", "NAME", "VPC"}, found.groups,
      [](const auto& one) { return std::vector{one.id, one.name, one.vpc}; },
      [](const auto& one) { return json::value{{"id", one.id}, {"name", one.name}, {"vpc", one.vpc}}; }));
  out.push_back(make_kind<ecs::RoleFacts>(
      "roles", {"ROLE", "ASSUMED BY"}, found.roles,
      [](const auto& one) { return std::vector{one.arn, trust_text(one)}; },
      [](const auto& one) {
        return json::value{{"arn", one.arn}, {"tasks_alone", ecs::judge_trust(one.trust).others.empty()}};
      }));
  out.push_back(make_kind<ecs::FileSystemFacts>(
      "file_systems", {"FILE SYSTEM", "NAME"}, found.file_systems,
      [](const auto& one) { return std::vector{one.id, one.name}; },
      [](const auto& one) { return json::value{{"id", one.id}, {"name", one.name}}; }));
  out.push_back(make_kind<std::string>(
      "log_groups", {"LOG GROUP"}, found.log_groups, [](const auto& one) { return std::vector{one}; },
      [](const auto& one) { return json::value{{"name", one}}; }));
  return out;
}

// For programs, all of it; `snippet`, when it was asked for.
void tell_json(Output& out, const ecs::CloudOptions& cloud, const ecs::Landscape& found,
               const std::string& snippet) {
  json::object told{
      {"account", found.caller->account}, {"caller", found.caller->arn}, {"region", cloud.region}};
  json::object troubles;
  for (auto& kind : make_kinds(found)) {
    if (!kind.trouble.empty()) troubles[kind.name] = kind.trouble;
    told[kind.name] = std::move(kind.list);
  }
  told["troubles"] = std::move(troubles);
  if (!snippet.empty()) told["yaml"] = snippet;
  out.write(pretty(told));
}

void tell(Context& context, const ecs::CloudOptions& cloud, const ecs::Landscape& found) {
  auto& out = context.out;
  out.line(fmt::format("{} in the account {}, as {}", cloud.region, clean(found.caller->account),
                       clean(found.caller->arn)));
  for (const auto& kind : make_kinds(found)) {
    if (!kind.trouble.empty()) {
      context.err.line(clean(fmt::format("{}: {}", kind.name, kind.trouble)));
      continue;
    }
    out.write("\n");
    Table table(kind.head);
    for (const auto& row : kind.rows) table.add(row);
    table.print(out);
  }
}

// The cloud of the configuration, if there is one; else what the environment and the options say.
Result<ecs::CloudOptions> find_place(Context& context, const Arguments& arguments,
                                     const config::Config& config) {
  config::CloudConfig cloud;
  cloud.name = "discover";
  cloud.ecs.emplace();
  const bool is_named = arguments.has("cloud") || arguments.has("FILE");
  const auto is_ecs = [](const auto& one) { return one.ecs.has_value(); };
  if (is_named || std::ranges::any_of(config.clouds, is_ecs)) {
    FOOTMAN_TRY(const auto* found, find_ecs_cloud(config, arguments.text("cloud")));
    cloud = *found;
  } else {
    cloud.ecs->endpoint = find_endpoints(context.environment);
  }
  if (arguments.has("region")) cloud.ecs->region = arguments.text("region");
  if (arguments.has("profile")) cloud.ecs->credentials.profile = arguments.text("profile");
  auto place = with_region(cloud, context.programs.find_region);
  if (!place) place.error().hint = "Say --region, or set the variable AWS_REGION.";
  return place;
}

Result<int> discover(Context& context, const Arguments& arguments) {
  if (arguments.has("vpc") && !arguments.has("config"))
    return fail(Errc::invalid_argument, "--vpc belongs to --config");
  const auto loaded = load_config(arguments.text("FILE"));
  if (!loaded) {
    for (const auto& error : loaded.error()) context.err.line(clean(config::describe(error)));
    return exit_usage;
  }
  FOOTMAN_TRY(const auto place, find_place(context, arguments, loaded->config));
  FOOTMAN_TRY(const auto found, context.programs.discover(place));
  if (!found.caller)
    return fail(Errc::permission_denied, found.caller.error().why, "credentials",
                "AWS does not say who asks: see `footman doctor`.");
  std::string snippet;
  if (arguments.has("config")) {
    FOOTMAN_TRY(snippet, ecs::make_snippet(place, found, arguments.text("vpc")));
  }
  if (arguments.has("json"))
    tell_json(context.out, place, found, snippet);
  else if (!snippet.empty())
    context.out.write(snippet);
  else
    tell(context, place, found);
  return exit_ok;
}

}  // namespace

Command cloud_discover_command() {
  return {
      "discover",
      "list what there is in AWS to choose from: clusters, subnets, groups, roles",
      "Asks AWS for the clusters, subnets (zone, free addresses, way out), security groups, roles that ECS' "
      "tasks\n"
      "can have, file systems of EFS, and log groups of CloudWatch in one region. Uses the credentials of\n"
      "the cloud of type ecs in the configuration, or AWS' usual ones without a configuration. Changes\n"
      "nothing and needs no server.",
      {{"footman cloud discover --region eu-central-1", "before there is a footman.yaml"},
       {"footman cloud discover --region eu-central-1 --config > footman.yaml",
        "one to begin with: then look for FILL IN"}},
      {{"cloud", 0, Value::text, "NAME", "which one, when there are several"},
       {"region", 0, Value::text, "REGION", "instead of the configuration's, AWS_REGION's or the profile's"},
       {"profile", 0, Value::text, "NAME", "of AWS' shared files, instead of the configuration's"},
       {"config", 0, Value::none, "", "print a footman.yaml to begin with"},
       {"vpc", 0, Value::text, "ID", "--config: the network, when there are several"}},
      {{"FILE", "the configuration; else ./footman.yaml or /etc/footman/footman.yaml, if there is one",
        Value::file, false}},
      {},
      discover};
}

}  // namespace footman::cli
