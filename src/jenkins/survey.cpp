#include "jenkins/survey.hpp"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <utility>

#include "jenkins/requests.hpp"
#include "net/http.hpp"

namespace footman::jenkins {
namespace {

using runtime::Awaitable;

class Surveyor {
 public:
  Surveyor(SurveyParts parts, JenkinsSettings settings)
      : parts_(parts), settings_(std::move(settings)), requests_(settings_.user, settings_.token) {}

  Awaitable<Survey> ask(std::string probe) {
    co_await ask_root();
    if (!out_.root) co_return std::move(out_);
    co_await ask_queue();
    co_await ask_labels();
    if (!out_.root->job.empty())
      out_.shows_job_configuration = co_await is_shown(requests_.get_job_configuration(out_.root->job));
    if (settings_.connection == AgentConnection::tcp) co_await ask_agent_port();
    out_.probe.node = std::move(probe);
    co_await try_node();
    co_return std::move(out_);
  }

 private:
  // The answer, when it is a good one.
  Awaitable<Result<Answer>> read(Request request, std::string_view what) {
    FOOTMAN_CO_TRY(auto answer, co_await parts_.jenkins.send(std::move(request)));
    if (auto status = check_read(answer, what); !status) co_return std::unexpected(std::move(status).error());
    co_return answer;
  }

  Awaitable<Status> change(Request request, std::string_view what) {
    FOOTMAN_CO_TRY(const auto answer, co_await parts_.jenkins.send(std::move(request)));
    co_return check_change(answer, what);
  }

  Awaitable<bool> is_shown(Request request) {
    const auto answer = co_await parts_.jenkins.send(std::move(request));
    co_return answer && answer->status == 200;
  }

  Awaitable<void> ask_root() {
    const auto answer = co_await read(requests_.get_root(), "asking Jenkins");
    if (!answer) {
      out_.root = std::unexpected(answer.error());
      co_return;
    }
    out_.root = parse_root(answer->body);
    out_.version = find_version(*answer);
    out_.session = find_session(*answer);
    if (const auto date = find_date(*answer)) out_.ahead = *date - parts_.clock.now();
  }

  Awaitable<void> ask_queue() {
    const auto answer = co_await read(requests_.list_queue(), "listing the queue");
    const auto queue = answer ? parse_queue(answer->body) : std::unexpected(answer.error());
    out_.queue = queue ? Status() : std::unexpected(queue.error());
    out_.shows_items = queue && !queue->items.empty();
  }

  Awaitable<void> ask_labels() {
    std::set<std::string> labels;
    for (const auto& served : settings_.demand.served)
      labels.insert(served.labels.begin(), served.labels.end());
    for (const auto& label : labels) {
      const auto answer = co_await read(requests_.get_label(label), "asking for a label");
      out_.labels.emplace(label, answer ? parse_label_use(answer->body) : std::unexpected(answer.error()));
    }
  }

  Awaitable<Result<AgentPort>> find_port() {
    FOOTMAN_CO_TRY(const auto answer, co_await parts_.agents.send(find_agent_port()));
    if (auto status = check_read(answer, "asking for the agent port"); !status)
      co_return std::unexpected(std::move(status).error());
    AgentPort out;
    const auto port = answer.headers.value_or("X-Jenkins-JNLP-Port", "");
    const auto [end, bad] = std::from_chars(port.begin(), port.end(), out.port);
    if (bad != std::errc() || end != port.end() || out.port == 0)
      co_return fail(Errc::corrupt, "asking for the agent port: the answer names none");
    out.host = answer.headers.value_or("X-Jenkins-JNLP-Host", "");
    out.speaks_jnlp4 = answer.headers.value_or("X-Jenkins-Agent-Protocols", "").contains("JNLP4-connect");
    out.tells_identity = answer.headers.find("X-Instance-Identity").has_value();
    co_return out;
  }

  Awaitable<Status> try_port(AgentPort port) {
    if (!settings_.tunnel.empty()) {
      FOOTMAN_CO_TRY(const auto tunnel, net::parse_endpoint(settings_.tunnel));
      co_return co_await parts_.ways.try_port(tunnel.host, tunnel.port);
    }
    if (port.host.empty()) {
      FOOTMAN_CO_TRY(const auto url, net::parse_url(settings_.url_for_agents()));
      port.host = url.host;
    }
    co_return co_await parts_.ways.try_port(port.host, port.port);
  }

  Awaitable<void> ask_agent_port() {
    out_.agent_port = co_await find_port();
    if (*out_.agent_port) out_.port_open = co_await try_port(**out_.agent_port);
  }

  // Whatever happens in between: what was made is removed.
  Awaitable<void> try_node() {
    auto& probe = out_.probe;
    const auto answer = co_await parts_.jenkins.send(
        requests_.create_node({probe.node,
                               std::string(kProbeText),
                               {},
                               settings_.work_folder,
                               false,
                               settings_.connection == AgentConnection::web_socket}));
    probe.made = answer ? check_change(*answer, "making a node") : std::unexpected(answer.error());
    const bool is_refused = answer && answer->status < 500 && !*probe.made;
    if (is_refused) co_return;
    if (*probe.made) co_await use_node();
    probe.removed = co_await change(requests_.delete_node(probe.node), "deleting a node");
  }

  Awaitable<void> use_node() {
    auto& probe = out_.probe;
    probe.held = co_await change(requests_.toggle(probe.node, "footman doctor"), "taking a node offline");
    const auto page = co_await read(requests_.get_secret(probe.node), "reading the secret of an agent");
    const auto secret = page ? parse_agent_secret(page->body, probe.node) : std::unexpected(page.error());
    probe.secret = secret ? Status() : std::unexpected(secret.error());
    // Not while it would take builds, even without a label.
    if (secret && *probe.held && settings_.connection == AgentConnection::web_socket)
      probe.web_socket = co_await parts_.ways.try_web_socket(probe.node, *secret);
    probe.shows_configuration = co_await is_shown(requests_.get_node_configuration(probe.node));
  }

  SurveyParts parts_;
  JenkinsSettings settings_;
  Requests requests_;
  Survey out_;
};

}  // namespace

std::string probe_name(std::string_view prefix, std::string_view letters) {
  return fmt::format("{}doctor-{}", prefix, letters);
}

bool is_probe(std::string_view prefix, const Computer& computer) {
  return computer.is_agent && computer.name.starts_with(probe_name(prefix, {})) &&
         computer.description == kProbeText;
}

Awaitable<Survey> survey(SurveyParts parts, JenkinsSettings settings, std::string probe) {
  Surveyor surveyor(parts, std::move(settings));
  co_return co_await surveyor.ask(std::move(probe));
}

}  // namespace footman::jenkins
