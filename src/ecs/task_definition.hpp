// A template's options as a task definition. Its family's name holds a hash of its content, so that the same
// content is registered once, by whatever server and however often it restarts, and any other is another
// family. Nothing of a single agent stands in it, and so no secret of one.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "ecs/options.hpp"

namespace footman::ecs {

inline constexpr std::size_t kMaxDefinitionBytes = 64 * 1024;  // AWS' limit
inline constexpr std::string_view kFamilyPrefix = "footman-";
inline constexpr std::size_t kHashDigitsInFamily = 16;
// Log streams of containers without a log of their own: "footman/<container>/<task id>".
inline constexpr std::string_view kLogStreamPrefix = "footman";
// The carrier image has /footman-agent, run as "/footman-agent install <directory>": it puts itself there as
// footman-agent (mode 0755), makes <directory>/work, which everybody may write, and ends.
inline constexpr std::string_view kInstallCommand = "install";
inline constexpr std::string_view kAgentProgram = "footman-agent";

// Where the agent is in its container; empty: the image's own entry point is the agent.
std::string find_agent_path(const AgentOptions& agent);
// Where it works; empty: its own default.
std::string find_work_directory(const AgentOptions& agent);

struct DefinitionScope {
  InstallationId installation;  // a tag; others' definitions are never shared, so never deleted under them
  TemplateName template_name;
  std::string region;  // of the log group; where CloudOptions::region is empty, what was found at start
};

struct TaskDefinition {
  std::string family;   // "footman-<template>-<first 16 digits of the hash>"
  std::string hash;     // SHA-256, hex, of the normal form without family; also a tag ("footman:definition")
  std::string request;  // of RegisterTaskDefinition, JSON
  std::string container;  // the agent's
};

// Of options that validate() finds right; not of an existing definition. Errors: invalid_argument with the
// field "task_definition_patch" (not JSON, not what ECS takes, changes what keys of the template say);
// resource_exhausted above kMaxDefinitionBytes. Same input, same bytes.
//
// The patch is an RFC 7396 merge patch of the request, which adds to it. As that replaces lists as a whole,
// `containerDefinitions` and `volumes` may also be objects with the names as keys:
//   {"containerDefinitions": {"agent": {"dockerLabels": {"team": "ci"}}}}
Result<TaskDefinition> make_task_definition(const TemplateOptions& options, const CloudOptions& cloud,
                                            const DefinitionScope& scope);

// What stays the same when AWS stores a definition: lists whose order means nothing are sorted, what AWS
// fills in by default or leaves empty is there or gone in both, what it adds itself (revision, status …) is
// gone. normalise(what DescribeTaskDefinition answers) == normalise(what was registered, without tags).
boost::json::value normalise(const boost::json::value& definition);
std::string hash_definition(const boost::json::value& definition);  // of the normal form, without the family
// Whether a definition as AWS shows it runs what the request says. Tags run nothing, nor does a member that
// the request does not have and that is false, 0 or empty: AWS shows such ones unasked, and more of them with
// time.
bool runs_the_same(const boost::json::value& shown, const boost::json::value& request);

}  // namespace footman::ecs
