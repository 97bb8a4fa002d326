#include "jenkins/requests.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/digest.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"
#include "jenkins/answers.hpp"
#include "jenkins/console.hpp"
#include "net/http.hpp"

namespace footman::jenkins {
namespace {

namespace json = boost::json;
using net::percent_encode;

constexpr std::string_view kItemFields =
    "items[id,why,blocked,buildable,pending,inQueueSince,buildableStartMilliseconds,"
    "task[_class,name,url,labelExpression]]";
constexpr std::string_view kComputerFields =
    "_class,displayName,description,offline,temporarilyOffline,offlineCauseReason,idle,absoluteRemotePath,"
    "assignedLabels[name],executors[idle,currentExecutable[_class,url]]";
constexpr std::size_t kMaxSession = 100;

std::string node_path(std::string_view node, std::string_view rest) {
  return fmt::format("/computer/{}/{}", percent_encode(node), rest);
}

std::string tree(std::string_view path, std::string_view fields) {
  return fmt::format("{}/api/json?tree={}", path, percent_encode(fields));
}

std::string join(const std::vector<std::string>& labels) { return fmt::format("{}", fmt::join(labels, " ")); }

std::unexpected<Error> refused(Errc code, std::string_view what, std::string_view why,
                               std::string hint = {}) {
  return fail(code, fmt::format("{}: {}", what, why), {}, std::move(hint));
}

// Its page's words, or the plain status.
std::string words_of(const Answer& answer) {
  if (const auto said = answer.headers.find("X-Error"))
    return std::string(cut_utf8(*said, kMaxOfflineMessage));
  const auto page = find_page_text(answer.body);
  return page.empty() ? fmt::format("HTTP {}", answer.status)
                      : fmt::format("{} (HTTP {})", page, answer.status);
}

std::unexpected<Error> refused_right(const Answer& answer, std::string_view what) {
  const auto right = answer.headers.find("X-Required-Permission");
  if (!right)
    return refused(Errc::unauthenticated, what, words_of(answer),
                   "Jenkins does not know who asks: are user and API token right?");
  const auto user = answer.headers.value_or("X-You-Are-Authenticated-As", "the user");
  return refused(
      Errc::permission_denied, what, fmt::format("{} is missing the permission {}", user, *right),
      "Give it to the user in Jenkins: Overall/Read, Agent/Create, Agent/Connect, Agent/Disconnect, "
      "Agent/Delete and Job/Read are needed, and nothing else.");
}

std::unexpected<Error> refused_otherwise(const Answer& answer, std::string_view what) {
  const auto status = answer.status;
  if (status == 401)
    return refused(
        Errc::unauthenticated, what, "user and API token are not taken (HTTP 401)",
        "Make a new API token in Jenkins (the user's page, Security), if this lasts; in the file of "
        "`token: file:…` it is used at once.");
  if (status == 403) return refused_right(answer, what);
  if (status == 404) return refused(Errc::not_found, what, "there is none (HTTP 404)");
  if (status == 400) {
    const auto said = words_of(answer);
    return refused(said.contains("already exists") ? Errc::already_exists : Errc::invalid_argument, what,
                   said);
  }
  if (status == 429 || status >= 500) return refused(Errc::unavailable, what, words_of(answer));
  if (status >= 300 && status < 400)
    return refused(
        Errc::corrupt, what,
        fmt::format("it leads to {} (HTTP {})",
                    cut_utf8(answer.headers.value_or("Location", "nowhere"), kMaxOfflineMessage), status),
        "Is this the address of Jenkins itself, without a page for signing in before it?");
  return refused(Errc::corrupt, what, words_of(answer));
}

}  // namespace

Requests::Requests(const std::string& user, const Secret& token)
    : authorization_("Basic " + to_base64(fmt::format("{}:{}", user, token.expose()))) {}

Request Requests::get(std::string path) const {
  Request request{"GET", std::move(path), {}, {}};
  request.headers.add("Authorization", std::string(authorization_.expose()));
  request.headers.add("Accept-Language", "en");
  return request;
}

Request Requests::post(std::string path, std::string body) const {
  auto request = get(std::move(path));
  request.method = "POST";
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = std::move(body);
  return request;
}

Request Requests::list_queue() const { return get(tree("/queue", kItemFields)); }

Request Requests::list_computers() const {
  return get(tree("/computer", fmt::format("computer[{}]", kComputerFields)));
}

Request Requests::get_computer(std::string_view node) const {
  return get(fmt::format("{}?tree={}", node_path(node, "api/json"), percent_encode(kComputerFields)));
}

Request Requests::get_secret(std::string_view node) const {
  return get(node_path(node, "jenkins-agent.jnlp"));
}

Request Requests::create_node(const NewNode& node) const {
  json::object launcher{{"stapler-class", "hudson.slaves.JNLPLauncher"}};
  if (node.web_socket) launcher["webSocket"] = true;
  const json::object form{
      {"nodeDescription", node.description},
      {"numExecutors", 1},
      {"remoteFS", node.work_folder},
      {"labelString", join(node.labels)},
      {"mode", node.takes_unlabelled ? "NORMAL" : "EXCLUSIVE"},
      {"launcher", std::move(launcher)},
      {"retentionStrategy", {{"stapler-class", "hudson.slaves.RetentionStrategy$Always"}}},
      {"nodeProperties", {{"stapler-class-bag", "true"}}}};
  return post("/computer/doCreateItem",
              fmt::format("name={}&type=hudson.slaves.DumbSlave&json={}", percent_encode(node.name),
                          percent_encode(json::serialize(form))));
}

Request Requests::toggle(std::string_view node, std::string_view message) const {
  return post(node_path(node, "toggleOffline"),
              fmt::format("offlineMessage={}", percent_encode(cut_utf8(message, kMaxOfflineMessage))));
}

Request Requests::delete_node(std::string_view node) const { return post(node_path(node, "doDelete"), {}); }

Request Requests::get_item(std::int64_t id) const {
  return get(tree(fmt::format("/queue/item/{}", id), "_class,cancelled,executable[url]"));
}

Request Requests::get_build(std::string_view build) const {
  return get(fmt::format("/{}api/json?tree={}", build,
                         percent_encode("building,inProgress,result,timestamp,duration,builtOn")));
}

Request Requests::get_steps(std::string_view run) const {
  return get(fmt::format("/{}flowGraphTable/", run));
}

Request Requests::get_console(std::string_view run, std::size_t start) const {
  auto request = get(fmt::format("/{}logText/progressiveText?start={}", run, start));
  request.most_bytes = kMaxConsoleBytes;
  return request;
}

Request Requests::get_root() const { return get(tree("", "quietingDown,jobs[url]")); }

Request Requests::get_label(std::string_view expression) const {
  return get(tree(fmt::format("/label/{}", percent_encode(expression)), "nodes[nodeName],clouds[_class]"));
}

Request Requests::get_node_configuration(std::string_view node) const {
  return get(node_path(node, "config.xml"));
}

Request Requests::get_job_configuration(std::string_view job) const {
  return get(fmt::format("/{}config.xml", job));
}

Request find_agent_port() { return {"GET", "/tcpSlaveAgentListener/", {}, {}}; }

Status check_read(const Answer& answer, std::string_view what) {
  if (answer.status == 200) return {};
  return refused_otherwise(answer, what);
}

Status check_change(const Answer& answer, std::string_view what) {
  if (answer.status == 302) {
    auto place = answer.headers.value_or("Location", "");
    place = place.substr(0, place.find_first_of("?#"));
    if (place.contains("/computer/")) return {};
  }
  return refused_otherwise(answer, what);
}

std::string find_session(const Answer& answer) {
  return std::string(cut_utf8(answer.headers.value_or("X-Jenkins-Session", ""), kMaxSession));
}

std::string find_version(const Answer& answer) {
  return std::string(cut_utf8(answer.headers.value_or("X-Jenkins", ""), kMaxSession));
}

std::optional<std::size_t> find_text_size(const Answer& answer) {
  return find_number<std::size_t>(answer.headers.value_or("X-Text-Size", ""));
}

std::optional<Instant> find_date(const Answer& answer) {
  const auto date = answer.headers.find("Date");
  const auto at = date ? net::parse_http_date(*date) : fail(Errc::not_found, "");
  return at ? std::optional(*at) : std::nullopt;
}

}  // namespace footman::jenkins
