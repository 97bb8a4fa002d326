#include "ecs/snippet.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/ascii.hpp"
#include "ecs/network.hpp"
#include "ecs/trust_policy.hpp"

namespace footman::ecs {
namespace {

constexpr std::size_t kMostSubnets = 16;  // AWS' limit of one task
constexpr std::size_t kMostOthers = 8;    // that a comment names
constexpr std::string_view kUsualLogGroup = "/footman/agents";

template <class T>
std::vector<T> or_none(const Known<std::vector<T>>& known) {
  return known ? *known : std::vector<T>();
}

struct Network {
  Texts inside;  // subnets that lead out by NAT or alike
  Texts open;    // by an internet gateway
  Texts closed;
};

std::map<std::string, Network> sort_subnets(const Landscape& landscape) {
  std::map<std::string, Network> out;
  const auto tables = or_none(landscape.route_tables);
  for (const auto& subnet : or_none(landscape.subnets)) {
    auto& network = out[subnet.vpc];
    const auto kind = find_way_out(subnet, tables).kind;
    auto& list = kind == WayOut::internet_gateway               ? network.open
                 : kind == WayOut::nat || kind == WayOut::other ? network.inside
                                                                : network.closed;
    list.push_back(subnet.id);
  }
  return out;
}

// Subnets within a network come before open ones: no address of theirs is public.
std::string choose_network(const std::map<std::string, Network>& networks) {
  std::string best;
  std::pair<std::size_t, std::size_t> most;
  for (const auto& [id, network] : networks) {
    const std::pair worth(network.inside.size() + network.open.size(), network.inside.size());
    if (best.empty() || worth > most) {
      best = id;
      most = worth;
    }
  }
  return best;
}

bool mentions(const std::string& name, std::string_view word) {
  return lower_case(name).find(lower_case(word)) != std::string::npos;
}

// One of the names, by the first of the words that one has; the others for people.
struct Pick {
  std::string value;
  std::string comment;
};
struct PickFrom {
  std::string value, name;
};
Pick pick_one(const std::vector<PickFrom>& all, const Texts& words, const std::string& otherwise) {
  if (all.empty()) return {otherwise, fmt::format("  # {}: none was found", kFillIn)};
  auto chosen = all.begin();
  for (const auto& word : words) {
    const auto found = std::ranges::find_if(all, [&](const auto& one) { return mentions(one.name, word); });
    if (found == all.end()) continue;
    chosen = found;
    break;
  }
  Texts others;
  for (auto at = all.begin(); at != all.end() && others.size() < kMostOthers; ++at)
    if (at != chosen) others.push_back(at->value);
  return {chosen->value, others.empty() ? std::string() : fmt::format("  # or {}", fmt::join(others, ", "))};
}

Pick choose_cluster(const Landscape& landscape) {
  std::vector<PickFrom> all;
  for (const auto& name : or_none(landscape.clusters)) all.push_back({name, name});
  return pick_one(all, {"footman", "build", "ci"}, "default");
}

Pick choose_group(const Landscape& landscape, const std::string& network) {
  std::vector<PickFrom> all;
  for (const auto& one : or_none(landscape.groups))
    if (one.vpc == network) all.push_back({one.id, one.name});
  std::ranges::stable_partition(all, [](const auto& one) { return one.name != "default"; });
  return pick_one(all, {"footman", "agent"}, "sg-00000000");
}

Pick choose_role(const Landscape& landscape, bool execution, const std::string& account) {
  std::vector<PickFrom> all;
  for (const auto& one : or_none(landscape.roles)) {
    if (mentions(one.name, "execution") != execution) continue;
    if (!execution && !judge_trust(one.trust).others.empty()) continue;  // no proof of who an agent is
    all.push_back({one.arn, one.name});
  }
  const auto words =
      execution ? Texts{"footman", "ecsTaskExecutionRole"} : Texts{"footman", "agent", "build"};
  return pick_one(all, words,
                  fmt::format("arn:aws:iam::{}:role/{}", account, execution ? "EXECUTION" : "TASK"));
}

// A group of the agents' own: others are not written to unasked.
std::string format_log_group(const Landscape& landscape) {
  for (const auto& name : or_none(landscape.log_groups))
    if (mentions(name, "footman")) return fmt::format("    log_group: {}\n", name);
  return fmt::format(
      "    # log_group: {0}  # {1}: make it (aws logs create-log-group --log-group-name {0}); without one an "
      "agent's last words are lost\n",
      kUsualLogGroup, kFillIn);
}

// What the credentials and the addresses of AWS are, as it is configured.
std::string format_access(const CloudOptions& cloud) {
  std::string out;
  if (!cloud.credentials.profile.empty())
    out += fmt::format("    credentials: {{profile: \"{}\"}}\n", cloud.credentials.profile);
  if (!cloud.endpoint.url.empty()) out += fmt::format("    endpoint: {{url: \"{}\"}}\n", cloud.endpoint.url);
  return out;
}

}  // namespace

Result<std::string> make_snippet(const CloudOptions& cloud, const Landscape& landscape,
                                 const std::string& wanted) {
  const auto networks = sort_subnets(landscape);
  const auto network = wanted.empty() ? choose_network(networks) : wanted;
  const auto found = networks.find(network);
  if (found == networks.end() && !wanted.empty())
    return fail(Errc::not_found,
                fmt::format("there is no network {} with subnets in {}", wanted, cloud.region), "--vpc");
  const auto chosen = found == networks.end() ? Network() : found->second;
  const bool is_public = chosen.inside.empty() && !chosen.open.empty();
  auto subnets = is_public ? chosen.open : chosen.inside.empty() ? chosen.closed : chosen.inside;
  if (subnets.size() > kMostSubnets) subnets.resize(kMostSubnets);
  std::string comment;
  if (subnets.empty()) {
    subnets = {"subnet-00000000"};
    comment = fmt::format("  # {}: none was found", kFillIn);
  } else if (chosen.inside.empty() && !is_public) {
    comment = fmt::format("  # {}: none of them leads out", kFillIn);
  }
  const auto account = landscape.caller ? landscape.caller->account : std::string("000000000000");
  const auto cluster = choose_cluster(landscape);
  const auto group = choose_group(landscape, network);
  const auto execution = choose_role(landscape, true, account);
  const auto task = choose_role(landscape, false, account);
  return fmt::format(
      R"(agent_url: wss://footman.example.com  # {fill}: where agents reach Footman
clouds:
- name: fargate
  type: ecs
  ecs:
    region: {region}
    cluster: {cluster}{cluster_more}
{log_group}{access}  templates:
  - name: small
    default: true
    labels: [linux]
    ecs:
      image: debian:12  # {fill}: what builds run in
      cpu: 1 vCPU
      memory: 2 GiB
      subnets: [{subnets}]{subnets_more}
{public}      security_groups: [{group}]{group_more}
      execution_role: {execution}{execution_more}
      task_role: {task}{task_more}
      agent: {{carrier_image: "{account}.dkr.ecr.{region}.amazonaws.com/footman-agent:1"}}  # {fill}: the agent's image
)",
      fmt::arg("fill", kFillIn), fmt::arg("region", cloud.region), fmt::arg("cluster", cluster.value),
      fmt::arg("cluster_more", cluster.comment), fmt::arg("access", format_access(cloud)),
      fmt::arg("log_group", format_log_group(landscape)), fmt::arg("subnets", fmt::join(subnets, ", ")),
      fmt::arg("subnets_more", comment),
      fmt::arg("public", is_public ? "      assign_public_ip: true\n" : ""), fmt::arg("group", group.value),
      fmt::arg("group_more", group.comment), fmt::arg("execution", execution.value),
      fmt::arg("execution_more", execution.comment), fmt::arg("task", task.value),
      fmt::arg("task_more", task.comment), fmt::arg("account", account));
}

}  // namespace footman::ecs
