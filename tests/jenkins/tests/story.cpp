#include "tests/jenkins/tests/story.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "base/ascii.hpp"
#include "base/digest.hpp"

namespace footman::fake_jenkins::test {

namespace json = boost::json;

namespace {

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

Headers headers_at(const json::object& object) {
  Headers headers;
  for (const auto& [name, value] : object.at("headers").as_object()) {
    headers.emplace_back(std::string(name), std::string(value.as_string()));
  }
  return headers;
}

bool is_time(std::string_view key) {
  return key == "inQueueSince" || key == "buildableStartMilliseconds" || key == "timestamp" ||
         key == "duration" || key == "estimatedDuration";
}

// Sets whose order is arbitrary in Jenkins.
bool is_unordered(std::string_view key) {
  return key == "assignedLabels" || key == "nodes" || key == "tiedJobs";
}

void mask(json::value& value) {
  if (value.is_array()) {
    for (auto& one : value.as_array()) mask(one);
  }
  if (!value.is_object()) return;
  for (auto& [key, member] : value.as_object()) {
    if (is_time(key) && member.is_int64() && member.as_int64() > 0) member = "a time";
    if (key == "monitorData") member = "monitors";
    if (key == "crumb") member = "a crumb";
    mask(member);
    if (is_unordered(key) && member.is_array()) {
      auto& array = member.as_array();
      std::ranges::sort(array, {}, [](const json::value& one) { return json::serialize(one); });
    }
  }
}

std::string read_page(const std::string& body, bool cut) {
  const auto inside = [&](std::string_view from, std::string_view to) {
    const auto start = body.find(from);
    if (start == std::string::npos) return std::string();
    const auto end = body.find(to, start);
    return body.substr(start, end == std::string::npos ? end : end - start);
  };
  auto text = inside("<title>", "</title>") + "\n" + inside("id=\"main-panel\"", "end of main content");
  text = std::regex_replace(text, std::regex("<!--[^>]*(>|$)|id=\"main-panel\"[^>]*>|<[^>]*>"), " ");
  text = std::regex_replace(text, std::regex("Logging ID=[-0-9a-f]+"), "Logging ID");
  text = std::regex_replace(text, std::regex("\\s+"), " ");
  return (cut ? "cut page: " : "page: ") + text;
}

std::string first_difference(const std::string& seen, const std::string& expected) {
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(seen, expected).in1 - seen.begin());
  const auto from = at > 60 ? at - 60 : 0;
  return fmt::format("\n  the double: …{}\n  recorded:   …{}", seen.substr(from, 200),
                     expected.substr(from, 200));
}

}  // namespace

Recorded load_capture(const std::string& name) {
  std::ifstream file(std::string(FOOTMAN_JENKINS_CAPTURES) + "/" + name + ".json");
  std::stringstream bytes;
  bytes << file.rdbuf();
  const auto parsed = json::parse(bytes.str()).as_object();
  const auto& request = parsed.at("request").as_object();
  const auto& answer = parsed.at("response").as_object();
  Recorded recorded;
  recorded.request = {text_at(request, "method"), text_at(request, "path"), headers_at(request),
                      text_at(request, "body")};
  recorded.answer = {static_cast<int>(answer.at("status").as_int64()), headers_at(answer),
                     text_at(answer, "body")};
  return recorded;
}

std::vector<std::string> capture_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(FOOTMAN_JENKINS_CAPTURES)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string comparable(const Answer& answer, bool recorded_is_cut) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : answer.headers) headers[base::lower_case(name)] = value;
  for (const auto* name : {"date", "content-length", "transfer-encoding"}) headers.erase(name);
  if (const auto cookie = headers.find("set-cookie"); cookie != headers.end()) {
    cookie->second = std::regex_replace(cookie->second, std::regex("JSESSIONID=[^;]*"), "JSESSIONID=x");
  }
  if (const auto size = headers.find("x-text-size"); size != headers.end()) size->second = "a size";
  std::string text = fmt::format("{}\n", answer.status);
  for (const auto& [name, value] : headers) text += fmt::format("{}: {}\n", name, value);
  const auto type = headers.contains("content-type") ? headers.at("content-type") : std::string();
  if (type.starts_with("application/json")) {
    auto body = json::parse(answer.body);
    mask(body);
    text += json::serialize(body);
  } else if (answer.body.contains("<table class=\"jenkins-table\"")) {
    const auto table = answer.body.find("<table class=\"jenkins-table\"");
    const auto end = answer.body.find("</table>", table) + 8;
    text += std::regex_replace(answer.body.substr(table, end - table),
                               std::regex("\\([0-9.]+ \\w+ in block\\)"), "(span)");
  } else if (answer.body.contains("id=\"main-panel\"")) {
    text += read_page(answer.body, recorded_is_cut);
  } else {
    const auto body = std::regex_replace(answer.body, std::regex("\x1b\\[8mha:[^\x1b]*\x1b\\[0m"), "(note)");
    text += std::regex_replace(body, std::regex("[0-9a-f]{64}|/static/[0-9a-f]{8}"), "a secret");
  }
  return text;
}

std::string Story::authorization() const {
  const auto secret = user_ == "bad token" ? "scaler:no-token"
                      : by_password_       ? user_ + ":" + user_ + "-password"
                                           : user_ + ":" + user_ + "-token";
  return "Basic " + base::to_base64(secret);
}

void Story::check(const std::string& name) {
  INFO("capture ", name);
  replayed_->insert(name);
  auto recorded = load_capture(name);
  if (const auto session = find_header(recorded.answer.headers, "X-Jenkins-Session")) {
    jenkins.set_session(std::string(*session));
  }
  for (auto& [header, value] : recorded.request.headers) {
    if (header == "Authorization") value = authorization();
    if (header == "Jenkins-Crumb") value = crumb_;
    if (header == "Cookie") value = cookie_;
  }
  const auto answer = jenkins.handle(recorded.request, now);
  if (name.starts_with("crumbIssuer")) {
    crumb_ = json::parse(answer.body).at("crumb").as_string();
    cookie_ = find_header(answer.headers, "Set-Cookie").value_or("");
  }
  // A page whose main panel itself is cut: the beginning must be the same.
  const bool cut = recorded.answer.body.contains("start of main content") &&
                   !recorded.answer.body.contains("end of main content");
  auto expected = comparable(recorded.answer, cut);
  const auto seen = comparable(answer, cut);
  if (cut) expected.resize(std::min(expected.size(), seen.size()));
  const bool same = seen == expected;
  CHECK_MESSAGE(same, first_difference(seen, expected));
}

Answer Story::call(std::string method, std::string target, std::string body) {
  Request request{std::move(method), std::move(target), {}, std::move(body)};
  request.headers = {{"Authorization", authorization()}, {"Accept-Language", "en"}};
  return jenkins.handle(request, now);
}

void Story::node(const std::string& name, const std::string& labels, int executors) {
  const auto text =
      fmt::format(R"({{"numExecutors":{},"remoteFS":"/home/jenkins","labelString":"{}","mode":"EXCLUSIVE",)"
                  R"("launcher":{{"stapler-class":"hudson.slaves.JNLPLauncher"}},)"
                  R"("retentionStrategy":{{"stapler-class":"hudson.slaves.RetentionStrategy$Always"}}}})",
                  executors, labels);
  std::string encoded;
  for (const char c : text) encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  const auto answer = call("POST", "/computer/doCreateItem",
                           fmt::format("name={}&type=hudson.slaves.DumbSlave&json={}", name, encoded));
  REQUIRE(answer.status == 302);
  wait(10ms);
}

void Story::hold(const std::string& name, const std::string& message) {
  REQUIRE(call("POST", fmt::format("/computer/{}/toggleOffline", name), "offlineMessage=" + message).status ==
          302);
  wait(10ms);
}

std::uint64_t Story::connect(const std::string& name) {
  const auto connection = jenkins.connect_agent({name, jenkins.secret_of(name)}, now);
  REQUIRE(connection.has_value());
  wait(100ms);
  return *connection;
}

void Story::drop(const std::string& name) {
  jenkins.disconnect_agent(jenkins.computers().at(name).connection, now);
}

void Story::remove(const std::string& name) {
  REQUIRE(call("POST", fmt::format("/computer/{}/doDelete", name)).status == 302);
  wait(10ms);
}

void Story::freestyle(const std::string& name, const std::string& label, Work work) {
  jenkins.add_job({.name = name, .label = label, .work = std::move(work)});
}

void Story::pipeline(const std::string& name, std::vector<NodeBlock> blocks) {
  jenkins.add_job({.name = name, .kind = Job::Kind::pipeline, .stages = {std::move(blocks)}});
}

void Story::trigger(const std::string& job, std::int64_t id, base::Duration delay) {
  jenkins.set_next_item(id);
  REQUIRE(jenkins.trigger(job, now, delay).has_value());
  wait(10ms);
}

void Story::queue(const std::string& job, std::int64_t id) {
  // A pipeline's run gets a number that is in nobody's way.
  const auto runs_at = jenkins.trigger(job, now, 1h);
  REQUIRE(runs_at.has_value());
  const bool pipeline = jenkins.find_item(*runs_at)->task.kind == Task::Kind::pipeline;
  REQUIRE(jenkins.cancel(*runs_at, now).has_value());
  trigger(job, pipeline ? 100'000 + id : id);
  if (pipeline) jenkins.set_next_item(id);
  wait(60ms);
}

void Story::clear() {
  for (int round = 0; round < 3; ++round) {
    for (const auto* item : jenkins.waiting_items()) (void)jenkins.cancel(item->id, now);
    for (const auto& start : jenkins.starts()) (void)jenkins.stop(start.job, start.number, now);
    wait(200ms);
  }
}

NodeBlock block(std::string label, std::string branch) {
  return {.label = std::move(label), .work = {.takes = std::nullopt}, .branch = std::move(branch)};
}

}  // namespace footman::fake_jenkins::test
