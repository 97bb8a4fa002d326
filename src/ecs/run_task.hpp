// The RunTask request of one agent: frozen in its row before the call and sent unchanged, with the same
// token, until the answer is definite. All that differs between agents stands here, so that they share a
// definition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/secret.hpp"
#include "ecs/options.hpp"

namespace footman::ecs {

inline constexpr std::size_t kMaxOverridesChars = 8192;  // AWS' limit, of the JSON as it is sent
// What certificates may take of it; all else takes less than 2 KiB, unless URLs are very long.
inline constexpr std::size_t kMaxAuthorityChars = 6144;
inline constexpr std::size_t kMaxClientTokenBytes = 64;
inline constexpr std::size_t kMaxStartedByBytes = 36;  // AWS takes 128 today, and took these before

// Of PEM text, as it stands in the overrides.
std::size_t count_authority_chars(std::string_view pem);

// Tags of every task, behind CloudOptions::tag_prefix. A task is found again by them.
inline constexpr std::string_view kInstallationTag = "installation";
inline constexpr std::string_view kAgentTag = "agent";
inline constexpr std::string_view kTemplateTag = "template";
inline constexpr std::string_view kGenerationTag = "generation";
inline constexpr std::string_view kTokenTag = "token";  // the client token

// What the agent's container runs: a session with Footman; Footman's agent in front of Jenkins', in any image
// with Java; or the image's own entry point, which is Jenkins' agent ("jenkins/inbound-agent").
enum class AgentRole : std::uint8_t { session, supervisor, stock_jenkins };

struct RunTaskInput {
  InstallationId installation;
  AgentId agent;
  TemplateName template_name;
  std::uint64_t generation = 0;
  std::string client_token;     // ≤ 64 characters from ! to ~
  std::string task_definition;  // family, family:revision or ARN
  std::string container;        // the agent's, in that definition
  Capacity capacity;            // one of the template's
  TaskSize size;                // one of the template's, as it says it; rounded here
  Texts subnets;                // some of the template's; empty: all of them
  TextMap variables;  // FOOTMAN_AGENT_…: its name, the attempt, how it reaches the server; or JENKINS_…
  TextMap own_tags;   // more of Footman's own: {"job": "team/app"}; what AWS does not take is replaced
  // Of stock_jenkins: whom it trusts to be its Jenkins, besides its own; a certificate each, in PEM.
  Texts authorities = {};
  AgentRole role = AgentRole::session;
  // Of the container, in an existing definition; nothing: not known. In our own it is the template's.
  std::optional<Duration> stop_timeout = {};
};

// A Jenkins' agent in such a container: without a path to Footman's agent it is the image's own.
AgentRole find_jenkins_role(const AgentOptions& agent);

// Same input, same bytes. Errors: invalid_argument, resource_exhausted (overrides beyond the limit). The
// variables hold no secret: one that is called so is refused.
Result<std::string> make_run_task(const TemplateOptions& options, const CloudOptions& cloud,
                                  const RunTaskInput& input);

// With the agent's one-time secret in its environment: the request as it is sent, never as it is stored.
// Errors: resource_exhausted; corrupt when it is no request of make_run_task.
Result<Secret> add_secret(const std::string& request, const Secret& secret, AgentRole role);

// What ListTasks finds this installation's tasks by: its id where that has the form (≤ 36 letters, digits,
// - and _), else a hash of it.
std::string make_started_by(const InstallationId& installation);

// What AWS does not take in a tag's value becomes '_', and what is too long is cut.
std::string clean_tag_value(std::string_view text);

}  // namespace footman::ecs
