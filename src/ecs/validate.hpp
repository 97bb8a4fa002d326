// What is wrong with options, found without asking AWS. What needs AWS (do the subnets exist, are they of one
// network, may the role be passed) is another matter.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ecs/options.hpp"

namespace footman::ecs {

inline constexpr std::size_t kMaxContainers = 10;  // of a definition, the carrier of the agent included
inline constexpr std::size_t kMaxSubnets = 16;
inline constexpr std::size_t kMaxSecurityGroups = 5;
inline constexpr std::size_t kMaxProviders = 20;
inline constexpr std::uint32_t kMaxProviderWeight = 1000;
inline constexpr std::uint32_t kMaxProviderBase = 100'000;
inline constexpr std::size_t kMaxPlacementStrategies = 5;
inline constexpr std::size_t kMaxPlacementConstraints = 10;
inline constexpr std::size_t kMaxTags = 50;     // of a resource, Footman's own included
inline constexpr std::size_t kOwnTags = 8;      // as many are kept free for Footman's
inline constexpr std::size_t kMaxTagKey = 128;  // characters
inline constexpr std::size_t kMaxTagValue = 256;
inline constexpr std::size_t kMaxFallbacks = 16;  // of sizes and of capacities

// Names that belong to Footman where it injects the agent.
inline constexpr std::string_view kCarrierContainer = "footman-carrier";
inline constexpr std::string_view kAgentVolume = "footman-agent";
// Environment variables that begin like this are the agent's.
inline constexpr std::string_view kAgentVariables = "FOOTMAN_AGENT_";
// Like this those that ECS sets and an agent finds its task role's credentials by, to prove who it is.
inline constexpr std::string_view kCredentialVariables = "AWS_CONTAINER_";

struct Problem {
  std::string field;  // path of the options: "sidecars[1].log.driver"
  std::string message;
  bool fatal = true;  // false: it works, but hardly as meant
  bool operator==(const Problem&) const = default;
};

// In the order of the fields. Empty: nothing is wrong as far as can be told.
std::vector<Problem> validate(const CloudOptions& cloud);
// Of a cloud with a queue that is right: clouds that give the same text would take each other's events.
std::string identify_queue(const CloudOptions& cloud);
// `cloud`: the one that the template belongs to. The patch is checked when nothing else is wrong.
std::vector<Problem> validate(const TemplateOptions& options, const CloudOptions& cloud);

}  // namespace footman::ecs
