#include "tests/jenkins/program/control.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <utility>

#include "tests/jenkins/program/agents.hpp"

namespace footman::fake_jenkins {

namespace json = boost::json;

namespace {

// The members of a request. What nobody asks for is a mistake of the test.
class Members {
 public:
  explicit Members(json::object object) : object_(std::move(object)) {}

  std::string text(std::string_view key, std::string_view fallback = {}) {
    const auto* value = take(key);
    if (value == nullptr) return std::string(fallback);
    if (!value->is_string()) return complain(key, "a text"), std::string(fallback);
    return std::string(value->as_string());
  }
  bool yes(std::string_view key, bool fallback) {
    const auto* value = take(key);
    if (value == nullptr) return fallback;
    if (!value->is_bool()) return complain(key, "true or false"), fallback;
    return value->as_bool();
  }
  std::int64_t number(std::string_view key, std::int64_t fallback) {
    const auto* value = take(key);
    if (value == nullptr) return fallback;
    if (!value->is_int64()) return complain(key, "a whole number"), fallback;
    return value->as_int64();
  }
  // Nothing for null and for what is not there.
  std::optional<base::Duration> seconds(std::string_view key) {
    const auto* value = take(key);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (!value->is_number()) return complain(key, "a number"), std::nullopt;
    return base::Duration(static_cast<std::int64_t>(value->to_number<double>() * 1e6));
  }
  json::array list(std::string_view key) {
    const auto* value = take(key);
    if (value == nullptr) return {};
    if (!value->is_array()) return complain(key, "a list"), json::array();
    return value->as_array();
  }
  BuildResult result() {
    const auto word = text("result", "SUCCESS");
    const auto found = find_result(word);
    if (!found) complain("result", "SUCCESS, UNSTABLE, FAILURE, NOT_BUILT or ABORTED");
    return found.value_or(BuildResult::success);
  }
  base::Status end() const {
    if (!problem_.empty()) return base::fail(base::Errc::invalid_argument, problem_);
    for (const auto& [key, value] : object_) {
      if (!taken_.contains(std::string(key))) {
        return base::fail(base::Errc::invalid_argument,
                          fmt::format("nobody knows '{}'", std::string_view(key)));
      }
    }
    return {};
  }

 private:
  const json::value* take(std::string_view key) {
    taken_[std::string(key)] = true;
    return object_.if_contains(key);
  }
  void complain(std::string_view key, std::string_view what) {
    if (problem_.empty()) problem_ = fmt::format("'{}' must be {}", key, what);
  }
  json::object object_;
  std::map<std::string, bool> taken_;
  std::string problem_;
};

Work read_work(Members& members) {
  Work work;
  work.command = members.text("command");
  work.takes = members.seconds("seconds");
  if (!work.takes && work.command.empty()) work.takes = base::Duration(0);
  work.result = members.result();
  return work;
}

base::Status check_label(const std::string& label) {
  if (label.empty()) return {};
  FOOTMAN_TRY(const auto parsed, Label::parse(label));
  (void)parsed;
  return {};
}

base::Result<NodeBlock> read_block(const json::value& value) {
  if (!value.is_object()) return base::fail(base::Errc::invalid_argument, "a block must be an object");
  Members members(value.as_object());
  NodeBlock block;
  block.label = members.text("label");
  block.branch = members.text("branch");
  block.agent_retries = static_cast<int>(members.number("retries", 0));
  block.work = read_work(members);
  FOOTMAN_TRY_STATUS(members.end());
  return block;
}

base::Result<Job> read_job(Members& members) {
  Job job;
  job.name = members.text("name");
  const auto kind = members.text("kind", "freestyle");
  if (kind == "pipeline") job.kind = Job::Kind::pipeline;
  if (kind == "matrix") job.kind = Job::Kind::matrix;
  if (job.name.empty() || (kind != "pipeline" && kind != "matrix" && kind != "freestyle")) {
    return base::fail(base::Errc::invalid_argument,
                      "a job needs a name and a kind: freestyle, pipeline, matrix");
  }
  job.label = members.text("label");
  job.concurrent = members.yes("concurrent", false);
  job.solo = members.yes("solo", false);
  std::vector<NodeBlock> blocks;
  for (const auto& one : members.list("blocks")) {
    FOOTMAN_TRY(auto block, read_block(one));
    blocks.push_back(std::move(block));
  }
  if (!blocks.empty()) job.stages.push_back(std::move(blocks));
  for (const auto& one : members.list("cells")) {
    const auto name = one.is_string() ? std::string(one.as_string()) : std::string();
    const auto equals = name.find('=');
    if (equals == std::string::npos)
      return base::fail(base::Errc::invalid_argument, "a cell is a text like OS=linux");
    job.cells.emplace_back(name, name.substr(equals + 1));
  }
  job.work = read_work(members);
  FOOTMAN_TRY_STATUS(members.end());
  for (const auto& stage : job.stages) {
    for (const auto& block : stage) {
      FOOTMAN_TRY_STATUS(check_label(block.label));
    }
  }
  FOOTMAN_TRY_STATUS(check_label(job.label));
  return job;
}

base::Result<Fault> read_fault(Members& members) {
  const std::map<std::string, Fault::Kind> kinds = {{"proxy-page", Fault::Kind::proxy_page},
                                                    {"lost-request", Fault::Kind::lost_request},
                                                    {"lost-answer", Fault::Kind::lost_answer},
                                                    {"slow", Fault::Kind::slow}};
  Fault fault;
  const auto kind = kinds.find(members.text("kind"));
  if (kind == kinds.end()) {
    return base::fail(base::Errc::invalid_argument, "kind is proxy-page, lost-request, lost-answer or slow");
  }
  fault.kind = kind->second;
  fault.method = members.text("method");
  fault.path = members.text("path");
  fault.times = static_cast<int>(members.number("times", 1));
  fault.status = static_cast<int>(members.number("status", 502));
  fault.takes = members.seconds("seconds").value_or(base::Duration(0));
  FOOTMAN_TRY_STATUS(members.end());
  return fault;
}

base::Result<Rights> read_rights(const json::array& names) {
  const std::map<std::string, Right> known = {{"Overall/Read", Right::overall_read},
                                              {"Overall/Administer", Right::administer},
                                              {"Agent/Create", Right::agent_create},
                                              {"Agent/Connect", Right::agent_connect},
                                              {"Agent/Disconnect", Right::agent_disconnect},
                                              {"Agent/Delete", Right::agent_delete},
                                              {"Agent/Configure", Right::agent_configure},
                                              {"Job/Read", Right::job_read},
                                              {"Job/Discover", Right::job_discover},
                                              {"Job/Build", Right::job_build},
                                              {"Job/Cancel", Right::job_cancel}};
  Rights rights;
  for (const auto& name : names) {
    const auto found = known.find(name.is_string() ? std::string(name.as_string()) : std::string());
    if (found == known.end()) return base::fail(base::Errc::invalid_argument, "an unknown right");
    rights.insert(found->second);
  }
  return rights;
}

json::object show_state(const FakeJenkins& jenkins) {
  json::array nodes;
  for (const auto& [name, computer] : jenkins.computers()) {
    nodes.push_back(json::object{{"name", name},
                                 {"deleted", computer.deleted},
                                 {"held", computer.held.has_value()},
                                 {"message", computer.held ? computer.held->message : std::string()},
                                 {"online", computer.online},
                                 {"idle", computer.is_idle()},
                                 {"description", computer.description},
                                 {"creator", computer.creator}});
  }
  json::array items;
  for (const auto* item : jenkins.waiting_items()) {
    items.push_back(json::object{{"id", item->id},
                                 {"job", item->task.job},
                                 {"why", describe(item->cause, item->since, Language::english)},
                                 {"buildable", item->state == QueueItem::State::buildable},
                                 {"pending", item->state == QueueItem::State::pending}});
  }
  json::array starts;
  for (const auto& start : jenkins.starts()) {
    const auto* run = jenkins.find_run(start.job, start.number);
    starts.push_back(
        json::object{{"node", start.node},
                     {"job", start.job},
                     {"number", start.number},
                     {"at", static_cast<double>(start.at.us) / 1e6},
                     {"result", run->result ? json::value(json::string(std::string(to_string(*run->result))))
                                            : json::value()}});
  }
  return {{"up", jenkins.is_up()}, {"nodes", nodes}, {"items", items}, {"starts", starts}};
}

}  // namespace

base::Result<std::string> ask_control(const FakeJenkins& jenkins, std::string_view name) {
  json::object answer;
  if (name == "state") {
    answer = show_state(jenkins);
  } else if (name == "violations") {
    json::array sentences;
    for (const auto& one : jenkins.violations()) sentences.emplace_back(json::string(one));
    answer["violations"] = std::move(sentences);
  } else if (name == "calls") {
    for (const auto& [kind, count] : jenkins.calls()) answer[kind] = count;
  } else {
    return base::fail(base::Errc::invalid_argument, fmt::format("there is no GET /fake/{}", name));
  }
  return json::serialize(answer);
}

base::Result<std::string> tell_control(FakeJenkins& jenkins, std::string_view name, std::string_view body,
                                       base::Instant now) {
  boost::system::error_code error;
  const auto parsed = json::parse(
      body.empty() ? json::string_view("{}") : json::string_view(body.data(), body.size()), error);
  if (error || !parsed.is_object())
    return base::fail(base::Errc::invalid_argument, "the body must be a JSON object");
  Members members(parsed.as_object());
  json::object answer;
  if (name == "job") {
    FOOTMAN_TRY(auto job, read_job(members));
    jenkins.add_job(std::move(job));
  } else if (name == "trigger") {
    auto jobs = members.list("jobs");
    if (jobs.empty()) jobs.emplace_back(members.text("job"));
    const auto delay = members.seconds("delay").value_or(base::Duration(0));
    FOOTMAN_TRY_STATUS(members.end());
    for (const auto& job : jobs) {
      if (!job.is_string()) return base::fail(base::Errc::invalid_argument, "jobs are names of jobs");
      FOOTMAN_TRY(answer["item"], jenkins.trigger(std::string(job.as_string()), now, delay));
    }
  } else if (name == "cancel") {
    FOOTMAN_TRY_STATUS(jenkins.cancel(members.number("item", 0), now));
  } else if (name == "stop") {
    const auto job = members.text("job");
    FOOTMAN_TRY_STATUS(jenkins.stop(job, static_cast<int>(members.number("number", 0)), now));
  } else if (name == "finish") {
    const auto job = members.text("job");
    const auto number = static_cast<int>(members.number("number", 0));
    jenkins.finish(job, number, members.result(), now);
  } else if (name == "restart") {
    const bool clean = members.yes("clean", true);
    jenkins.restart(clean, members.seconds("down").value_or(std::chrono::seconds(1)), now);
  } else if (name == "quiet") {
    jenkins.set_quieting_down(members.yes("on", true), now);
  } else if (name == "user") {
    User user;
    const auto who = members.text("name");
    user.token = members.text("token");
    user.password = members.text("password", user.token + "-password");
    FOOTMAN_TRY(user.rights, read_rights(members.list("rights")));
    if (user.rights.empty()) user.rights = FakeJenkins::least_rights();
    jenkins.add_user(who, std::move(user));
  } else if (name == "cloud") {
    auto class_name = members.text("class");
    jenkins.add_cloud(std::move(class_name), members.text("labels"));
  } else if (name == "fault") {
    FOOTMAN_TRY(auto fault, read_fault(members));
    jenkins.add_fault(std::move(fault));
  } else if (name == "clear-faults") {
    jenkins.clear_faults();
  } else {
    return base::fail(base::Errc::invalid_argument, fmt::format("there is no POST /fake/{}", name));
  }
  FOOTMAN_TRY_STATUS(members.end());
  return json::serialize(answer);
}

}  // namespace footman::fake_jenkins
