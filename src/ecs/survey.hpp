// What the examination of a cloud asks AWS (Questions), and what AWS said (Survey, Landscape). Values; the
// asking itself is cloud/ecs/surveyor.hpp, the judging examine.hpp.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "ecs/iam_policy.hpp"
#include "ecs/options.hpp"

namespace footman::ecs {

// It was asked, or would have been, and there is no answer.
struct NotKnown {
  std::string permission;  // "iam:GetRole": of the call
  bool denied = false;     // the credentials do not have it
  std::string why;         // in AWS' words, or those of the network
  bool operator==(const NotKnown&) const = default;
};
// Known<std::optional<X>>: AWS says that there is none.
template <class T>
using Known = std::expected<T, NotKnown>;

inline std::unexpected<NotKnown> not_asked() { return std::unexpected(NotKnown{{}, false, "not asked"}); }

struct CallerFacts {
  std::string account;
  std::string arn;
};

struct ClusterFacts {
  std::string arn;
  std::string status;  // ACTIVE, …
  std::uint32_t instances = 0;
  Texts capacity_providers;
};

struct SubnetFacts {
  std::string id;
  std::string name;  // its tag Name
  std::string vpc;
  std::string zone;
  std::uint32_t free_addresses = 0;
  std::string range = {};  // "10.0.1.0/24"
};

struct Route {
  std::string destination;  // "0.0.0.0/0"
  std::string target;       // "igw-…", "nat-…", "tgw-…", "local"
  bool active = true;       // false: a black hole, what it leads to is gone
};

struct RouteTableFacts {
  std::string id;
  std::string vpc;
  bool is_main = false;  // of the subnets that are in no other
  Texts subnets;
  std::vector<Route> routes;
};

// A way to a service of AWS without a way out of the network.
struct VpcEndpointFacts {
  std::string vpc;
  std::string service;  // "com.amazonaws.eu-central-1.ecr.dkr"
};

struct PortRule {
  std::string protocol;  // "tcp", "-1": all
  int from = 0;          // ports, of tcp and udp
  int to = 65535;
  Texts ranges;  // "10.0.0.0/8", "::/0"
  Texts others;  // security groups and prefix lists: who is in them is not known
};

struct GroupFacts {
  std::string id;
  std::string name;
  std::string vpc;
  std::vector<PortRule> egress;
  std::vector<PortRule> ingress = {};
};

// A network interface of the account: of the server, or of a load balancer before it.
struct InterfaceFacts {
  std::string id;
  std::string address;  // the private one
  Texts groups;
};

struct AclEntry {
  int number = 0;  // the lowest one that fits decides
  bool egress = false;
  bool allow = false;
  std::string protocol;  // "6": TCP, "-1": all
  int from = 0;          // ports, of TCP and UDP
  int to = 65535;
  std::string range;  // "10.0.0.0/8", "::/0"
};

// Of each subnet one, at the edge of it: what goes from subnet to subnet, and each answer, has to pass.
struct AclFacts {
  std::string id;
  std::string vpc;
  bool is_default = false;  // of the subnets that are in no other
  Texts subnets;
  std::vector<AclEntry> entries;
};

struct RoleFacts {
  std::string name;
  std::string arn;
  std::string trust;  // the trust policy, JSON
};

struct ImageFacts {
  std::string digest;
  std::set<CpuArchitecture> architectures;  // empty: it does not tell
};

struct FileSystemFacts {
  std::string id;
  std::string name;
};

struct QueueFacts {
  std::string policy;  // who may write to it, JSON; empty: its own account alone
};

// What IAM's simulation says of one action on one resource.
struct Decision {
  std::string action;
  std::string resource;
  std::string allows;  // "allowed", "implicitDeny", "explicitDeny"
};

// An image of ECR: ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY[:TAG][@DIGEST]
struct EcrImage {
  std::string account, region, repository, tag, digest;
};
std::optional<EcrImage> find_ecr_image(const std::string& image);

// An action that IAM is asked about, with what a policy may look at.
struct Wish {
  Texts actions;
  Texts resources;
  TextMap context;  // condition keys and values
  bool operator==(const Wish&) const = default;
};

// Task definitions that templates name instead of one of our own: by that name, as DescribeTaskDefinition
// shows them.
using Existing = std::map<std::string, Known<std::optional<boost::json::value>>>;
std::set<std::string> list_existing(const NamedTemplates& templates);
// With what stands in the existing definitions: images, logs, volumes, architecture, and the execution role
// where the template names none. So they are examined as our own are.
NamedTemplates complete_templates(NamedTemplates templates, const Existing& existing);

// What a configuration names, each once.
struct Questions {
  std::string cluster;               // name or ARN
  std::set<std::string> subnets;     // of tasks with interfaces of their own (awsvpc)
  std::set<std::string> groups;      // the same
  std::set<std::string> task_roles;  // ARNs
  std::set<std::string> execution_roles;
  std::set<std::string> log_groups;
  std::set<std::string> images;  // as they are written
  std::set<std::string> file_systems;
  std::string event_queue;          // its URL; empty: there is none
  std::set<std::string> addresses;  // that agents connect to; not of the configuration itself
  bool fargate = false;             // on demand
  bool fargate_spot = false;
};
Questions list_questions(const CloudOptions& cloud, const NamedTemplates& templates);

// Of a statement of a policy of our own (iam_policy.hpp): its actions on examples of its resources.
std::vector<Wish> list_wishes(const boost::json::value& policy);

// Fargate's quotas on vCPUs that run at once, in service quotas.
inline constexpr const char* kFargateQuota = "L-3032A538";
inline constexpr const char* kFargateSpotQuota = "L-36FBB829";

struct Survey {
  Known<CallerFacts> caller = not_asked();
  std::optional<Duration> clock_difference;  // AWS' clock minus ours
  Known<std::optional<ClusterFacts>> cluster = not_asked();
  Known<Texts> clusters = not_asked();  // asked only when there is no such one: names
  Known<std::vector<SubnetFacts>> subnets = not_asked();
  Known<std::vector<RouteTableFacts>> route_tables = not_asked();  // of the subnets' networks, as the next
  Known<std::vector<VpcEndpointFacts>> endpoints = not_asked();
  Known<std::vector<AclFacts>> acls = not_asked();
  Known<std::vector<GroupFacts>> groups = not_asked();
  Known<std::vector<InterfaceFacts>> interfaces = not_asked();  // with these addresses
  Known<std::vector<GroupFacts>> interface_groups = not_asked();
  std::map<std::string, Known<std::optional<RoleFacts>>> roles;    // by ARN
  std::map<std::string, Known<bool>> log_groups;                   // by name: is it there
  std::map<std::string, Known<std::optional<ImageFacts>>> images;  // of ECR
  std::map<std::string, Known<bool>> file_systems;
  Known<std::optional<QueueFacts>> event_queue = not_asked();
  std::map<std::string, Known<double>> quotas;                           // by code: vCPUs
  Known<std::vector<Decision>> permissions = not_asked();                // of the caller
  std::map<std::string, Known<std::vector<Decision>>> execution_rights;  // by the role's ARN
};

// All there is to choose from.
struct Landscape {
  Known<CallerFacts> caller = not_asked();
  Known<Texts> clusters = not_asked();
  Known<std::vector<SubnetFacts>> subnets = not_asked();
  Known<std::vector<RouteTableFacts>> route_tables = not_asked();
  Known<std::vector<GroupFacts>> groups = not_asked();
  Known<std::vector<RoleFacts>> roles = not_asked();  // those that ECS' tasks can have
  Known<std::vector<FileSystemFacts>> file_systems = not_asked();
  Known<Texts> log_groups = not_asked();
};

}  // namespace footman::ecs
