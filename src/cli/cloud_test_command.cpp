// cloud test
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

#include "cli/context.hpp"
#include "cli/explain.hpp"
#include "cli/follow.hpp"
#include "cli/groups.hpp"
#include "cli/progress.hpp"
#include "model/nearest.hpp"
#include "runtime/wait.hpp"

namespace footman::cli {
namespace {

constexpr Duration kLookAtEnd = 500ms;
constexpr Duration kWaitForEnd = 5min;  // of an agent, after its build
constexpr Duration kTroubleFor = 15s;   // a cloud that answers no better for so long is given up
constexpr std::string_view kHello =
    "echo \"Hello from $(uname -n), $(uname -sm), as $(id -un 2>/dev/null || id -u)\"";

Result<json::value> find_named(const json::value& object, const char* field, const std::string& name,
                               const std::string& what) {
  std::vector<std::string> names;
  for (const auto& one : list_of(object, field)) {
    if (text_of(one, "name") == name) return one;
    names.push_back(text_of(one, "name"));
  }
  return fail(Errc::not_found, fmt::format("there is no {} '{}'", what, clean(name)), {},
              model::did_you_mean(name, names));
}

// The one that was named; else the one for builds without a label, else the first.
Result<json::value> choose_template(const json::value& cloud, const Arguments& arguments) {
  if (arguments.has("template"))
    return find_named(cloud, "templates", arguments.text("template"), "template in this cloud");
  const auto& all = list_of(cloud, "templates");
  if (all.empty()) return fail(Errc::not_found, "this cloud has no template");
  const auto plain = std::ranges::find_if(all, [](const auto& one) { return flag_of(one, "default"); });
  return plain != all.end() ? *plain : all.front();
}

// Asks for all that it offers, so that few others fit.
json::object make_request(const json::value& chosen) {
  std::string label;
  for (const auto& one : list_of(chosen, "labels")) {
    if (!one.is_string()) continue;
    label += fmt::format("{}\"{}\"", label.empty() ? "" : " && ", std::string(one.as_string()));
  }
  json::object spec{{"steps", json::array{json::object{{"name", "hello"}, {"script", kHello}}}}};
  if (!label.empty()) spec["label"] = label;
  return {{"spec", std::move(spec)}, {"cause", "footman cloud test"}};
}

// What does not pass by itself; empty: nothing.
std::string find_lasting_obstacle(const json::value& cloud, const json::value& chosen) {
  if (text_of(part_of(chosen, "breaker"), "state") == "disabled")
    return fmt::format("template '{}' is {}", clean(text_of(chosen, "name")),
                       clean(text_of(chosen, "trouble")));
  if (const auto paused = text_of(cloud, "paused"); !paused.empty())
    return fmt::format("the cloud is paused {}", clean(paused));
  return {};
}

struct Tested {
  Session& session;
  std::string cloud;
  std::string chosen;  // template
  std::optional<Duration> trouble_since = {};
};

// Why a build that waits does so in vain. The caller outlives it.
Awaitable<std::string> find_obstacle(Tested* tested) {
  const auto clouds = co_await tested->session.client.get("/clouds");
  if (!clouds) co_return std::string();  // the server is away: who follows the log sees to that
  const auto cloud = find_named(*clouds, "clouds", tested->cloud, "cloud");
  if (!cloud) co_return cloud.error().message;
  const auto chosen = find_named(*cloud, "templates", tested->chosen, "template in this cloud");
  if (!chosen) co_return chosen.error().message;
  auto lasting = find_lasting_obstacle(*cloud, *chosen);
  const auto now = tested->session.clock.steady();
  if (text_of(*cloud, "trouble").empty())
    tested->trouble_since.reset();
  else if (!tested->trouble_since)
    tested->trouble_since = now;
  const bool troubled = tested->trouble_since && now - *tested->trouble_since >= kTroubleFor;
  if (lasting.empty() && troubled)
    lasting = fmt::format("the cloud does not do what it is asked: {}", clean(text_of(*cloud, "trouble")));
  co_return lasting;
}

// An agent for one build is over when its cloud says so; others stay.
Awaitable<Result<json::value>> see_agent(Session& session, const std::string& id, bool ends) {
  Progress progress(session.err(), session.clock, session.executor,
                    fmt::format("waiting for the end of agent {}", clean(id)));
  const auto until = session.clock.steady() + kWaitForEnd;
  Patience patience(session.clock, kReconnectFor);
  while (true) {
    FOOTMAN_CO_TRY(auto told,
                   co_await get_patiently(session, fmt::format("/agents/{}/explain", net::percent_encode(id)),
                                          patience));
    const auto state = text_of(part_of(told, "agent"), "state");
    if (!ends || state == "terminated" || session.clock.steady() >= until) co_return told;
    co_await runtime::sleep_for(session.clock, kLookAtEnd);
  }
}

// Empty: all is well.
std::string find_fault(const json::value& agent, const std::string& cloud, const std::string& chosen,
                       bool ends) {
  if (text_of(agent, "cloud") != cloud || text_of(agent, "template") != chosen)
    return fmt::format(
        "the build went to template '{}' of cloud '{}', which fits, too, and comes before: give '{}' a label "
        "of "
        "its own, or a higher priority",
        clean(text_of(agent, "template")), clean(text_of(agent, "cloud")), clean(chosen));
  if (ends && text_of(agent, "state") != "terminated")
    return fmt::format("the agent has not ended within {}: see `footman explain {}`",
                       format_duration(kWaitForEnd), clean(text_of(agent, "id")));
  return {};
}

// No agent came.
int tell_obstacle(Session& session, const std::string& fault) {
  if (session.json)
    session.out().line(one_line({{"event", "tested"}, {"ok", false}, {"fault", fault}}));
  else
    session.out().line("This cloud does not work: " + fault);
  return exit_refused;
}

void tell(Session& session, const json::value& told, const std::string& fault) {
  if (session.json)
    return session.out().line(
        one_line({{"event", "tested"}, {"ok", fault.empty()}, {"fault", fault}, {"explanation", told}}));
  auto& out = session.out();
  out.write("\n");
  agent_facts(part_of(told, "agent")).print(out);
  print_timeline(out, told);
  out.write("\n");
  out.line(fault.empty() ? styled(out, Style::green, "This cloud works.")
                         : "This cloud was not tested: " + fault);
}

Awaitable<Result<int>> test_cloud(Session& session, const Arguments& arguments) {
  const auto name = arguments.text("CLOUD");
  FOOTMAN_CO_TRY(const auto clouds, co_await session.client.get("/clouds"));
  FOOTMAN_CO_TRY(const auto cloud, find_named(clouds, "clouds", name, "cloud"));
  FOOTMAN_CO_TRY(const auto chosen, choose_template(cloud, arguments));
  const auto template_name = text_of(chosen, "name");
  if (list_of(chosen, "labels").empty() && !flag_of(chosen, "default"))
    co_return fail(Errc::invalid_argument,
                   fmt::format("template '{}' takes no builds: it has no label, and is not the default",
                               clean(template_name)));
  if (const auto fault = find_lasting_obstacle(cloud, chosen); !fault.empty())
    co_return tell_obstacle(session, fault);
  Tested tested{session, name, template_name};
  FOOTMAN_CO_TRY(const auto watched,
                 co_await submit_and_see(session, make_request(chosen),
                                         {.cancel_on_interrupt = true,
                                          .find_obstacle = [&tested] { return find_obstacle(&tested); }}));
  if (!watched.obstacle.empty()) co_return tell_obstacle(session, watched.obstacle);
  if (watched.exit_code != exit_ok) co_return watched.exit_code;
  const bool ends = number_of(chosen, "max_builds").value_or(1) == 1;
  FOOTMAN_CO_TRY(const auto told, co_await see_agent(session, text_of(watched.build, "agent"), ends));
  const auto fault = find_fault(part_of(told, "agent"), name, template_name, ends);
  tell(session, told, fault);
  co_return fault.empty() ? exit_ok : exit_refused;
}

}  // namespace

Command cloud_test_command() {
  return {"test",
          "run one small build on an agent of a cloud, and show how it went",
          "Submits a build that asks for all labels of the template, follows it, waits for the end of its "
          "agent, and "
          "shows\n"
          "each moment of the agent's life and what it has cost. Ends with 1 when the build could not run, "
          "or not "
          "there,\n"
          "and as soon as it is clear that no agent comes: the template is disabled, the cloud is paused or "
          "refuses.",
          {{"footman cloud test aws", "the template for builds without a label, else the first one"},
           {"footman cloud test aws --template large", ""}},
          {{"template", 't', Value::text, "NAME", "of this cloud"}},
          {{"CLOUD", "its name in the configuration"}},
          {},
          {},
          test_cloud};
}

}  // namespace footman::cli
