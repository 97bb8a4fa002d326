#include "jenkins/examine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>

#include "jenkins/health.hpp"
#include "model/findings.hpp"

namespace footman::jenkins {
namespace {

using List = std::vector<model::Finding>;
using model::Findings;

// The first whose agent.jar is told by -url and -name where to connect.
constexpr std::pair kOldest(2, 440);

std::pair<int, int> numbers_of(std::string_view version) {
  std::pair<int, int> out;
  const auto [dot, bad] = std::from_chars(version.begin(), version.end(), out.first);
  if (bad == std::errc() && dot != version.end()) std::from_chars(std::next(dot), version.end(), out.second);
  return out;
}

List examine_root(const JenkinsSettings& settings, const Survey& survey) {
  Findings out("address");
  if (!survey.root) {
    const auto& error = survey.root.error();
    out.fail(
        fmt::format("{}: {}", settings.url, error.message),
        error.hint.empty() ? "see that jenkins.url leads to Jenkins itself, from this machine" : error.hint);
    return out.take();
  }
  out.ok(fmt::format("{} answers, and knows {}", settings.url, settings.user));
  if (survey.root->is_quieting_down)
    out.warn("Jenkins is about to shut down and starts no builds",
             "cancel that there, or wait for its restart");
  return out.take();
}

List examine_version(const Survey& survey) {
  Findings out("version");
  if (survey.version.empty())
    out.unchecked("Jenkins does not tell its version: a proxy before it may take the header X-Jenkins away",
                  "");
  else if (numbers_of(survey.version) < kOldest)
    out.warn(
        fmt::format("Jenkins {} is older than {}.{}: its agent.jar may not understand how Footman starts it",
                    survey.version, kOldest.first, kOldest.second),
        "update Jenkins, or try one build before you rely on it");
  else
    out.ok(fmt::format("Jenkins {}", survey.version));
  return out.take();
}

List examine_session(const Survey& survey) {
  Findings out("session");
  if (survey.session.empty())
    out.warn(
        "Jenkins' answers lack X-Jenkins-Session: a restart of Jenkins is not noticed, and Jenkins may give "
        "up "
        "a pipeline that comes back from one",
        "let the proxy before it pass that header on");
  else
    out.ok("Jenkins tells one run of it from the next one");
  return out.take();
}

List examine_clock(const Survey& survey) {
  Findings out("clock");
  if (!survey.ahead) return {};
  const auto difference = std::chrono::abs(*survey.ahead);
  if (difference <= kClockDiffers)
    out.ok("Jenkins' clock is this machine's");
  else
    out.warn(fmt::format("Jenkins' clock is {} {} this machine's", format_duration(difference),
                         *survey.ahead > Duration(0) ? "ahead of" : "behind"),
             "set both by NTP: waiting times are told by Jenkins' clock");
  return out.take();
}

// One right that was tried.
void tell(Findings& out, std::string_view right, const std::optional<Status>& tried) {
  if (!tried)
    out.unchecked(fmt::format("{}: not tried, because of what is missing before it", right), "");
  else if (*tried)
    out.ok(std::string(right));
  else if (tried->error().code == Errc::permission_denied)
    out.fail(fmt::format("{} is missing: {}", right, tried->error().message), tried->error().hint);
  else
    out.unchecked(fmt::format("{}: {}", right, tried->error().message), tried->error().hint);
}

List examine_rights(const JenkinsSettings& settings, const Survey& survey) {
  Findings out("right");
  const auto& probe = survey.probe;
  tell(out, "Overall/Read", survey.queue);
  if (!survey.root->job.empty() || survey.shows_items)
    out.ok("Job/Read");
  else
    out.unchecked("Job/Read: no job is shown; either there is none, or the right is missing",
                  fmt::format("give {} Job/Read where the jobs are that get agents", settings.user));
  tell(out, "Agent/Create", probe.made);
  tell(out, "Agent/Disconnect", probe.held);
  tell(out, "Agent/Connect", probe.secret);
  tell(out, "Agent/Delete", probe.removed);
  if (probe.removed && !*probe.removed)
    out.warn(fmt::format("the node {}, made for this examination, could not be deleted", probe.node),
             "delete it in Jenkins");
  const auto tell_too_many = [&](std::string_view what, std::string_view right) {
    out.warn(fmt::format("{} has more rights than it needs: it reads the configuration of {} ({})",
                         settings.user, what, right),
             "give it Overall/Read, Agent/Create, Connect, Disconnect and Delete, and Job/Read alone");
  };
  if (probe.shows_configuration) tell_too_many("agents", "Agent/Configure or Agent/ExtendedRead");
  if (survey.shows_job_configuration) tell_too_many("jobs", "Job/Configure or Job/ExtendedRead");
  return out.take();
}

List examine_agent_port(const JenkinsSettings& settings, const Survey& survey) {
  Findings out("agent-port");
  if (!survey.agent_port) return {};
  const auto& port = *survey.agent_port;
  if (!port) {
    out.fail(port.error().message,
             "switch the TCP port for inbound agents on in Jenkins (Security), or use `connect: websocket`");
    return out.take();
  }
  if (!port->speaks_jnlp4)
    out.fail("Jenkins does not offer agents JNLP4-connect", "switch it on (Security, agent protocols)");
  if (!port->tells_identity)
    out.fail("Jenkins does not tell its identity, which agents of TCP want",
             "install the plugin instance-identity, or use `connect: websocket`");
  const auto where = settings.tunnel.empty() ? fmt::format("port {}", port->port) : settings.tunnel;
  if (!survey.port_open)
    out.unchecked(fmt::format("{}: not tried", where), "");
  else if (*survey.port_open)
    out.ok(fmt::format("{} can be reached from here", where));
  else
    out.fail(fmt::format("{} cannot be reached from here: {}", where, survey.port_open->error().message),
             "open it for agents; where only agents reach it, this says nothing");
  return out.take();
}

List examine_web_socket(const JenkinsSettings& settings, const Survey& survey) {
  Findings out("web-socket");
  if (settings.connection != AgentConnection::web_socket) return {};
  const auto& url = settings.url_for_agents();
  const auto& tried = survey.probe.web_socket;
  if (!tried)
    out.unchecked(fmt::format("{}: not tried without a node and its secret", url), "");
  else if (*tried)
    out.ok(fmt::format("an agent got through to {}", url));
  else
    out.fail(fmt::format("an agent does not get through to {}: {}", url, tried->error().message),
             "a proxy between must pass WebSocket upgrades on; or use `connect: tcp`");
  return out.take();
}

bool is_of_others(const std::string& node, const JenkinsSettings& settings) {
  return !node.starts_with(settings.prefix);
}

List examine_labels(const JenkinsSettings& settings, const Survey& survey) {
  Findings out("label");
  for (const auto& [label, use] : survey.labels) {
    if (!use) {
      out.unchecked(fmt::format("'{}': {}", label, use.error().message),
                    "see in Jenkins (Clouds) that no cloud there launches for it");
      continue;
    }
    const auto others = std::ranges::count_if(
        use->nodes, [&](const std::string& node) { return is_of_others(node, settings); });
    if (!use->clouds.empty())
      out.warn(fmt::format("'{}': a cloud in Jenkins launches for it, too: {}; builds get two agents", label,
                           fmt::join(use->clouds, ", ")),
               "take the label from that cloud, or from Footman's template");
    else if (others > 0)
      out.ok(fmt::format("'{}': also on {} of others; 'overflow' says when builds get an agent all the same",
                         label, others == 1 ? std::string("a node") : fmt::format("{} nodes", others)));
    else
      out.ok(fmt::format("'{}': Footman's alone", label));
  }
  if (std::ranges::any_of(settings.demand.served, &ServedLabels::is_default))
    out.unchecked("builds without a label: Jenkins does not tell which clouds of its own launch for them",
                  "see in Jenkins (Clouds) that none does: else such builds get two agents");
  if (settings.demand.served.empty())
    out.fail("no template serves this Jenkins", "name templates that exist in jenkins.templates");
  return out.take();
}

}  // namespace

List examine(const JenkinsSettings& settings, const Survey& survey) {
  auto out = examine_root(settings, survey);
  if (!survey.root) return out;
  for (auto&& more : {examine_version(survey), examine_session(survey), examine_clock(survey),
                      examine_rights(settings, survey), examine_agent_port(settings, survey),
                      examine_web_socket(settings, survey), examine_labels(settings, survey)})
    std::ranges::copy(more, std::back_inserter(out));
  return out;
}

}  // namespace footman::jenkins
