// As much of ECS as the provider's unit tests need, in memory and virtual time: it answers what the API
// answers and can be told to lose answers, to throttle, to refuse, and to list late. The strict one, for the
// wire, is in tests/aws.
#pragma once

#include <fmt/format.h>

#include <boost/json.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cloud/aws/tests/world.hpp"

namespace footman::cloud::ecs::testing {

namespace json = boost::json;
using namespace std::chrono_literals;

struct SmallEcs {
  struct Held {
    json::object task;
    json::object request;
    base::Duration created{0};
  };

  explicit SmallEcs(aws::test::World& around) : world(around) {
    world.services.script = [this](const net::HttpClientRequest& request) { return answer(request); };
  }

  aws::test::World& world;
  std::map<std::string, Held> tasks;             // by ARN
  std::map<std::string, std::string> by_token;   // client token → ARN, of the last one
  std::map<std::string, int> definitions;        // family → registrations
  std::map<std::string, json::object> contents;  // family → what was registered and is active
  std::map<std::string, json::object> inactive;  // the same, deregistered and not deleted
  std::vector<std::string> retired;              // families, as they were deregistered
  std::vector<std::string> deleted;
  std::map<std::string, std::vector<std::string>> logs;  // of CloudWatch: stream → lines
  std::string logs_refused;                              // code of the refusal of those who read them
  std::map<std::string, json::array> others;             // definitions that others made: name → containers
  std::set<std::string> gone_revisions;                  // ARNs: nothing is launched from them
  std::vector<std::string> queued;                       // bodies of the messages in the queue
  std::map<std::string, int> calls;                      // by operation
  std::vector<std::string> lose;      // operations whose next answer is lost after its effect
  std::vector<std::string> refusals;  // of the next RunTasks: reasons of failures[]
  // The Security Token Service.
  std::function<base::Result<net::HttpClientResponse>(const net::HttpClientRequest&)> sts;
  std::map<std::string, int> free_addresses;  // of subnets; none: nobody may ask
  base::Duration seen_after{0};               // eventual consistency: describe and list come later
  bool stops_when_looked_at = true;           // else whoever set on_stop ends what is to stop
  std::function<bool(const std::string& operation)> is_refused;  // with "rate exceeded"
  std::map<std::string, std::string> refused;                    // operation → the code of its refusal
  std::string refusal = "not now";                               // its words
  std::set<std::string> closed_clusters;                         // who asks for anything in them is refused
  std::set<std::string> deleted_clusters;                        // those that are not there any more
  std::function<void()> on_register;                             // a new revision
  base::Duration clock_ahead{0};                                 // of ours
  std::function<void(const std::string& arn)> on_run;            // a new task
  std::function<void(const std::string& arn)> on_stop;           // StopTask of a task that ran

  json::object& task(const std::string& arn) { return tasks.at(arn).task; }
  void stop(const std::string& arn, const std::string& code, const std::string& reason) {
    auto& one = task(arn);
    one["lastStatus"] = "STOPPED";
    one["desiredStatus"] = "STOPPED";
    one["stopCode"] = code;
    one["stoppedReason"] = reason;
    one["version"] = one.at("version").to_number<int>() + 1;
  }
  // Its agent's container has ended; the task goes on to stop().
  void end_agent(const std::string& arn, int exit_code) {
    auto& one = task(arn);
    one["startedAt"] = 1.0;
    one["lastStatus"] = "DEPROVISIONING";
    one["desiredStatus"] = "STOPPED";
    one["containers"] =
        json::array{json::object{{"name", "agent"}, {"lastStatus", "STOPPED"}, {"exitCode", exit_code}}};
    one["version"] = one.at("version").to_number<int>() + 1;
  }
  void set_status(const std::string& arn, const std::string& status) {
    auto& one = task(arn);
    one["lastStatus"] = status;
    one["version"] = one.at("version").to_number<int>() + 1;
  }
  std::size_t alive() const {
    std::size_t count = 0;
    for (const auto& [arn, held] : tasks) count += held.task.at("lastStatus") != "STOPPED";
    return count;
  }

 private:
  using Answer = base::Result<net::HttpClientResponse>;

  Answer ok(const json::object& body) const {
    const auto date = net::format_http_date(world.clock.now() + clock_ahead);
    return aws::test::answer(200, json::serialize(body), aws::test::header("Date", date));
  }

  Answer answer(const net::HttpClientRequest& request) {
    if (request.url.host.starts_with("sts.")) {
      ++calls["GetCallerIdentity"];
      return sts(request);
    }
    if (request.url.host.starts_with("ec2.")) return describe_subnets();
    const auto& host = request.url.host;  // "ecs.eu-west-1.amazonaws.com"
    region_ = host.substr(4, host.find('.', 4) - 4);
    const std::string target(request.headers.value_or("X-Amz-Target", ""));
    const auto operation = target.substr(target.find('.') + 1);
    ++calls[operation];
    if (is_refused && is_refused(operation))
      return aws::test::json_error("ThrottlingException", "Rate exceeded");
    if (const auto code = refused.find(operation); code != refused.end())
      return aws::test::json_error(code->second, refusal);
    const auto body = json::parse(request.body).as_object();
    if (const auto* cluster = body.if_contains("cluster");
        cluster != nullptr && closed_clusters.contains(cluster_of(body)))
      return aws::test::json_error("AccessDeniedException", "not this cluster");
    if (body.contains("cluster") && deleted_clusters.contains(cluster_of(body)))
      return aws::test::json_error("ClusterNotFoundException", "The referenced cluster was inactive.");
    auto out = perform(operation, body);
    if (const auto lost = std::find(lose.begin(), lose.end(), operation); lost != lose.end()) {
      lose.erase(lost);
      return base::fail(base::Errc::io, "the connection was closed");
    }
    return out;
  }

  Answer describe_subnets() {
    ++calls["DescribeSubnets"];
    if (free_addresses.empty())
      return aws::test::answer(
          403, "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>");
    std::string items;
    for (const auto& [subnet, free] : free_addresses)
      items += fmt::format(
          "<item><subnetId>{}</subnetId><availableIpAddressCount>{}</availableIpAddressCount></item>", subnet,
          free);
    return aws::test::answer(
        200, "<DescribeSubnetsResponse><subnetSet>" + items + "</subnetSet></DescribeSubnetsResponse>");
  }

  Answer perform(const std::string& operation, const json::object& body) {
    if (operation == "RunTask") return run_task(body);
    if (operation == "StopTask") return stop_task(body);
    if (operation == "DescribeTasks") return describe(body);
    if (operation == "ListTasks") return list(body);
    if (operation == "ReceiveMessage") return receive();
    if (operation == "DeleteMessageBatch") return ok({});
    if (operation == "GetLogEvents") return get_log_events(body);
    if (operation == "DescribeTaskDefinition") {
      const std::string family(body.at("taskDefinition").as_string());
      if (const auto other = others.find(family); other != others.end())
        return ok({{"taskDefinition",
                    {{"taskDefinitionArn", find_arn(family)},
                     {"status", "ACTIVE"},
                     {"containerDefinitions", other->second}}}});
      return describe_definition(family);
    }
    if (operation == "ListTaskDefinitionFamilies") {
      json::array families;
      for (const auto& [family, content] : body.at("status") == "ACTIVE" ? contents : inactive)
        families.emplace_back(family);
      return ok({{"families", std::move(families)}});
    }
    if (operation == "ListTaskDefinitions") {
      const std::string family(body.at("familyPrefix").as_string());
      return ok(
          {{"taskDefinitionArns", inactive.contains(family) ? json::array{arn_of(family)} : json::array()}});
    }
    if (operation == "DeregisterTaskDefinition") return deregister(body);
    if (operation == "DeleteTaskDefinitions") {
      deleted.push_back(family_of(std::string(body.at("taskDefinitions").as_array().at(0).as_string())));
      inactive.erase(deleted.back());
      return ok({{"failures", json::array()}});
    }
    if (operation == "RegisterTaskDefinition") {
      const std::string family(body.at("family").as_string());
      ++definitions[family];
      contents[family] = body;
      contents[family]["registeredAt"] = static_cast<double>((world.now() - base::Instant{}) / 1ms) / 1000;
      if (on_register) on_register();
      return ok({{"taskDefinition", {{"taskDefinitionArn", arn_of(family)}, {"status", "ACTIVE"}}}});
    }
    FAIL_CHECK("not expected: " << operation);
    return aws::test::json_error("InvalidAction");
  }

  // All there are, at once: who wants it to wait gives `services` a delay.
  Answer receive() {
    json::array messages;
    for (auto& body : std::exchange(queued, {}))
      messages.push_back(json::object{{"ReceiptHandle", "r"}, {"Body", std::move(body)}});
    return ok({{"Messages", std::move(messages)}});
  }

  // By a family its active revision alone, by a revision also one that is not active.
  Answer describe_definition(const std::string& name) const {
    const bool by_revision = name.find(':') != std::string::npos;
    const auto family = by_revision ? family_of(name) : name;
    const bool is_active = contents.contains(family);
    if (!is_active && !(by_revision && inactive.contains(family)))
      return aws::test::json_error("ClientException", "Unable to describe task definition.");
    auto definition = (is_active ? contents : inactive).at(family);
    definition["taskDefinitionArn"] = arn_of(family);
    definition["enableFaultInjection"] = false;  // as AWS shows it, though nobody said it
    definition["ofTheFuture"] = false;
    definition["status"] = is_active ? "ACTIVE" : "INACTIVE";
    return ok({{"taskDefinition", definition}, {"tags", definition.at("tags")}});
  }

  Answer run_task(const json::object& body) {
    const std::string token(body.at("clientToken").as_string());
    // In another cluster a token says nothing.
    if (const auto known = by_token.find(token);
        known != by_token.end() && is_in(cluster_of(body), known->second)) {
      if (tasks.at(known->second).request != body)
        return aws::test::json_error("ConflictException", "the token was used with other parameters");
      return ok({{"tasks", json::array{tasks.at(known->second).task}}, {"failures", json::array()}});
    }
    const std::string definition(body.at("taskDefinition").as_string());
    const bool is_gone =
        inactive.contains(family_of(definition)) && !contents.contains(family_of(definition));
    if (is_gone || gone_revisions.contains(definition))
      return aws::test::json_error("ClientException", "TaskDefinition is inactive");
    if (!refusals.empty()) {
      const auto reason = refusals.front();
      refusals.erase(refusals.begin());
      return ok({{"tasks", json::array()}, {"failures", json::array{json::object{{"reason", reason}}}}});
    }
    const auto arn = fmt::format("arn:aws:ecs:{}:123456789012:task/{}/{:032x}", region_, cluster_of(body),
                                 tasks.size() + 1);
    json::object task{{"taskArn", arn},
                      {"lastStatus", "PROVISIONING"},
                      {"desiredStatus", "RUNNING"},
                      {"version", 1},
                      {"taskDefinitionArn", find_arn(std::string(body.at("taskDefinition").as_string()))},
                      {"createdAt", static_cast<double>((world.now() - base::Instant{}) / 1ms) / 1000},
                      {"startedBy", body.at("startedBy")},
                      {"tags", body.at("tags")}};
    tasks[arn] = {task, body, world.clock.steady()};
    by_token[token] = arn;
    if (on_run) on_run(arn);
    return ok({{"tasks", json::array{task}}, {"failures", json::array()}});
  }

  // Of the newest revision.
  std::string arn_of(const std::string& family) const {
    const auto known = definitions.find(family);
    return fmt::format("arn:aws:ecs:eu-west-1:123456789012:task-definition/{}:{}", family,
                       known == definitions.end() ? 1 : known->second);
  }
  std::string find_arn(const std::string& definition) const {
    if (definition.starts_with("arn:")) return definition;
    const bool names_revision = definition.find(':') != std::string::npos;
    return names_revision ? "arn:aws:ecs:eu-west-1:123456789012:task-definition/" + definition
                          : arn_of(definition);
  }
  static std::string family_of(const std::string& arn) {
    const auto begin = arn.rfind('/') + 1;
    return arn.substr(begin, arn.rfind(':') - begin);
  }

  Answer deregister(const json::object& body) {
    const auto family = family_of(std::string(body.at("taskDefinition").as_string()));
    const auto active = contents.extract(family);
    if (active.empty())
      return aws::test::json_error("ClientException", "The specified task definition is inactive.");
    inactive[family] = active.mapped();
    retired.push_back(family);
    return ok({{"taskDefinition", json::object()}});
  }

  Answer get_log_events(const json::object& body) const {
    if (!logs_refused.empty()) return aws::test::json_error(logs_refused);
    const auto found = logs.find(std::string(body.at("logStreamName").as_string()));
    if (body.at("logGroupName") != "/footman" || found == logs.end())
      return aws::test::json_error("ResourceNotFoundException", "The specified log stream does not exist.");
    json::array events;
    for (const auto& line : found->second) events.push_back(json::object{{"message", line}});
    return ok({{"events", std::move(events)}});
  }

  bool is_seen(const Held& held) const { return world.clock.steady() >= held.created + seen_after; }

  // Its name, where a call names it by its ARN.
  static std::string cluster_of(const json::object& body) {
    const auto* said = body.if_contains("cluster");
    const std::string given(said == nullptr ? boost::json::string("default") : said->as_string());
    return given.substr(given.rfind('/') + 1);
  }
  // And in the region that is asked.
  bool is_in(const std::string& cluster, const std::string& arn) const {
    return arn.find(region_ + ":123456789012:task/" + cluster + "/") != std::string::npos;
  }
  static Answer refuse_identifier(const std::string& cluster) {
    return aws::test::json_error("InvalidParameterException",
                                 "Invalid identifier: Identifier is for another. Your cluster is " + cluster);
  }

  Answer stop_task(const json::object& body) {
    const auto found = tasks.find(std::string(body.at("task").as_string()));
    if (!is_in(cluster_of(body), std::string(body.at("task").as_string())))
      return refuse_identifier(cluster_of(body));
    if (found == tasks.end() || !is_seen(found->second))
      return aws::test::json_error("InvalidParameterException", "The referenced task was not found.");
    auto& task = found->second.task;
    if (task.at("lastStatus") != "STOPPED" && task.at("desiredStatus") != "STOPPED") {
      task["desiredStatus"] = "STOPPED";
      task["version"] = task.at("version").to_number<int>() + 1;
      if (on_stop) on_stop(found->first);
    }
    return ok({{"task", task}});
  }

  // A task that is to stop has done so by the time it is looked at.
  Answer describe(const json::object& body) {
    json::array found, failures;
    for (const auto& one : body.at("tasks").as_array()) {
      const std::string arn(one.as_string());
      if (!is_in(cluster_of(body), arn)) return refuse_identifier(cluster_of(body));
      const auto held = tasks.find(arn);
      if (held == tasks.end() || !is_seen(held->second)) {
        failures.push_back(json::object{{"arn", arn}, {"reason", "MISSING"}});
        continue;
      }
      auto& task = held->second.task;
      if (stops_when_looked_at && task.at("desiredStatus") == "STOPPED" &&
          task.at("lastStatus") != "STOPPED" && task.at("lastStatus") != "DEPROVISIONING")
        stop(arn, "UserInitiated", "Footman ends it");
      found.push_back(task);
    }
    return ok({{"tasks", std::move(found)}, {"failures", std::move(failures)}});
  }

  // A hundred on each page; a page's token is the number of the first one of the next.
  Answer list(const json::object& body) {
    const auto* starter = body.if_contains("startedBy");
    const auto* desired = body.if_contains("desiredStatus");
    if (starter != nullptr && desired != nullptr)
      return aws::test::json_error("InvalidParameterException",
                                   "Cannot specify startedBy with another filter.");
    const auto wanted = desired == nullptr ? json::value("RUNNING") : *desired;
    const auto* from = body.if_contains("nextToken");
    const std::size_t begin = from == nullptr ? 0 : std::stoul(std::string(from->as_string()));
    std::size_t number = 0;
    json::object page{{"taskArns", json::array()}};
    for (const auto& [arn, held] : tasks) {
      if (!is_in(cluster_of(body), arn) || !is_seen(held) || held.task.at("desiredStatus") != wanted ||
          (starter != nullptr && held.task.at("startedBy") != *starter))
        continue;
      if (number >= begin && number < begin + kPage) page.at("taskArns").as_array().emplace_back(arn);
      if (++number == begin + kPage + 1) page["nextToken"] = std::to_string(begin + kPage);
    }
    return ok(page);
  }

  static constexpr std::size_t kPage = 100;
  std::string region_;  // of the call
};

}  // namespace footman::cloud::ecs::testing
