// footman doctor: whether what is configured is there, and whether agents can be launched with it. The
// program examines (Programs::doctor); here it is told.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/config_file.hpp"
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/json.hpp"
#include "model/nearest.hpp"

namespace footman::cli {
namespace {

using model::Finding;
using model::FindingState;

std::size_t count_of(const std::vector<Finding>& findings, FindingState state) {
  return static_cast<std::size_t>(std::ranges::count(findings, state, &Finding::state));
}

json::object to_json(const Finding& finding) {
  json::object out{{"of", finding.place},
                   {"check", finding.check},
                   {"state", get_word(model::kFindingStates, finding.state)},
                   {"text", finding.text}};
  if (!finding.advice.empty()) out["advice"] = finding.advice;
  if (!finding.permission.empty()) out["permission"] = finding.permission;
  return out;
}

void tell_json(Output& out, const std::vector<Finding>& findings) {
  json::array list;
  for (const auto& finding : findings) list.push_back(to_json(finding));
  out.write(pretty(
      json::object{{"ok", count_of(findings, FindingState::failed) == 0}, {"findings", std::move(list)}}));
}

struct Look {
  std::string_view word;
  Style style;
};
Look look_of(FindingState state) {
  switch (state) {
    case FindingState::ok:
      return {"ok", Style::green};
    case FindingState::warning:
      return {"warning", Style::yellow};
    case FindingState::failed:
      return {"FAILED", Style::red};
    case FindingState::unchecked:
      break;
  }
  return {"unchecked", Style::dim};
}

void tell(Output& out, const Finding& finding) {
  constexpr std::size_t kWord = 11;
  const auto look = look_of(finding.state);
  const std::string gap(kWord - look.word.size(), ' ');
  out.line(fmt::format("  {}{}{}: {}", styled(out, look.style, look.word), gap, finding.check,
                       clean(finding.text)));
  const std::string indent(kWord + 2, ' ');
  if (!finding.permission.empty())
    out.line(fmt::format("{}it needs the permission {}", indent, clean(finding.permission)));
  if (!finding.advice.empty()) out.line(fmt::format("{}-> {}", indent, clean(finding.advice)));
}

void tell_all(Output& out, const std::vector<Finding>& findings) {
  std::string place;
  for (const auto& finding : findings) {
    if (finding.place != place) out.line(styled(out, Style::bold, clean(finding.place)));
    place = finding.place;
    tell(out, finding);
  }
  out.line(fmt::format("{} ok, {} warnings, {} failed, {} could not be checked",
                       count_of(findings, FindingState::ok), count_of(findings, FindingState::warning),
                       count_of(findings, FindingState::failed),
                       count_of(findings, FindingState::unchecked)));
}

// That the configuration has one of that name, where one is given.
template <class List>
Status check_name(const List& list, std::string_view what, const std::string& name, const char* option) {
  std::vector<std::string> known;
  known.reserve(list.size());
  for (const auto& one : list) known.push_back(one.name);
  if (name.empty() || std::ranges::find(known, name) != known.end()) return {};
  return fail(Errc::invalid_argument, fmt::format("the configuration has no {} '{}'", what, name), option,
              model::did_you_mean(name, known));
}

Result<int> doctor(Context& context, const Arguments& arguments) {
  FOOTMAN_TRY(const auto file, find_config_argument(arguments));
  auto loaded = load_config(file);
  if (!loaded) {
    for (const auto& error : loaded.error()) context.err.line(clean(config::describe(error)));
    return exit_usage;
  }
  const auto cloud = arguments.text("cloud");
  FOOTMAN_TRY_STATUS(check_name(loaded->config.clouds, "cloud", cloud, "--cloud"));
  const auto jenkins = arguments.text("jenkins");
  FOOTMAN_TRY_STATUS(check_name(loaded->config.jenkins, "Jenkins", jenkins, "--jenkins"));
  if (!jenkins.empty() && !cloud.empty())
    return fail(Errc::invalid_argument, "--cloud and --jenkins exclude each other", "--jenkins");
  const auto warnings = list_warnings(*loaded).size();
  FOOTMAN_TRY(const auto findings, context.programs.doctor({std::move(loaded->config), loaded->file, cloud,
                                                            jenkins, arguments.text("data"), warnings}));
  if (arguments.has("json"))
    tell_json(context.out, findings);
  else
    tell_all(context.out, findings);
  return count_of(findings, FindingState::failed) == 0 ? exit_ok : exit_refused;
}

}  // namespace

Command doctor_command() {
  return {
      "doctor",
      "examine whether agents can be launched: this machine, the clouds, and Jenkins",
      "Looks at what the configuration names: data directory, ports, the agent's program; in AWS "
      "credentials,\n"
      "cluster, subnets, routes, security groups, roles, log groups, images and quotas. Says of each what "
      "was\n"
      "found and what to do. What the credentials may not ask is told with the permission that lacks\n"
      "(`footman iam-policy --doctor`). Of each Jenkins: version, clock, the user's rights, the way that "
      "agents\n"
      "take, other clouds with the same labels. For the rights a node PREFIXdoctor-… without labels is made "
      "there,\n"
      "held and removed again; else nothing is changed. Needs no server. Ends with 1 when something has "
      "failed,\n"
      "and with 0 with warnings alone, or what could not be checked.",
      {{"footman doctor footman.yaml", "before the first `footman up`"},
       {"footman doctor --cloud fargate", "one cloud alone"},
       {"footman doctor --jenkins ci", "one Jenkins alone"},
       {"footman doctor --json | jq '.findings[] | select(.state == \"failed\")'", "for programs"}},
      {config_option(),
       {"cloud", 0, Value::text, "NAME", "only this one, and nothing of the server"},
       {"jenkins", 0, Value::text, "NAME", "only this one of jenkins:, and nothing else"},
       {"data", 0, Value::directory, "DIR",
        "data directory; else data: of the configuration, FOOTMAN_DATA, the default"}},
      {config_argument()},
      {},
      doctor};
}

}  // namespace footman::cli
