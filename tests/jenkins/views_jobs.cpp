// Jobs and builds as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <limits>

#include "tests/jenkins/views.hpp"

namespace footman::fake_jenkins {

namespace json = boost::json;

namespace {

bool is_boolean(std::string_view value) { return value == "true" || value == "false"; }

json::value show_parameter_value(std::string_view value) {
  if (is_boolean(value)) return value == "true";
  return to_text(value);
}

std::string parameter_class(std::string_view value, std::string_view what) {
  return fmt::format("hudson.model.{}Parameter{}", is_boolean(value) ? "Boolean" : "String", what);
}

}  // namespace

std::vector<const Run*> Views::runs_of(const std::string& job) const {
  std::vector<const Run*> runs;
  for (auto it = jenkins_.runs_.lower_bound({job, 0}); it != jenkins_.runs_.end() && it->first.first == job;
       ++it) {
    runs.push_back(&it->second);
  }
  std::ranges::reverse(runs);
  return runs;
}

const QueueItem* Views::item_of(const std::string& job) const {
  for (const auto id : jenkins_.order_) {
    const auto& item = jenkins_.items_.at(id);
    const bool whole = item.task.kind != Task::Kind::block && item.task.kind != Task::Kind::cell;
    if (whole && item.task.job == job) return &item;
  }
  return nullptr;
}

std::string Views::color_of(const Job& job) const {
  std::string color = "notbuilt";
  bool building = false;
  for (const auto* run : runs_of(job.name)) {
    if (run->building) {
      building = true;
      continue;
    }
    color = *run->result == BuildResult::success    ? "blue"
            : *run->result == BuildResult::unstable ? "yellow"
            : *run->result == BuildResult::failure  ? "red"
            : *run->result == BuildResult::aborted  ? "aborted"
                                                    : "notbuilt";
    break;
  }
  if (!job.enabled) color = "disabled";
  return building ? color + "_anime" : color;
}

void Views::add_queue_members(Export& out, const Job& job) const {
  const auto* item = item_of(job.name);
  out.add("inQueue", item != nullptr);
  if (job.kind != Job::Kind::pipeline) out.add("keepDependencies", false);
}

json::value Views::show_run_or_null(const Run* run, const Selection& asked) const {
  return run == nullptr ? json::value() : show_run(*run, asked);
}

json::value Views::show_job(const Job& job, const Selection& asked) const {
  const bool pipeline = job.kind == Job::Kind::pipeline;
  const auto slash = job.name.rfind('/');
  const auto name = slash == std::string::npos ? job.name : job.name.substr(slash + 1);
  // The newest one that is wanted. Only looked for when it is shown: the queue shows a job for each item.
  const auto newest = [&](auto wanted) -> const Run* {
    const auto runs = runs_of(job.name);
    const auto found = std::ranges::find_if(runs, wanted);
    return found == runs.end() ? nullptr : *found;
  };
  const auto add_queue_item = [&](Export& out) {
    out.add_object("queueItem", [&](const Selection& member) -> json::value {
      const auto* item = item_of(job.name);
      return item == nullptr ? json::value() : show_item(*item, member);
    });
  };
  Export out(asked, class_of(job.kind));
  out.add("description", "").add("displayName", name).add("displayNameOrNull", nullptr);
  out.add("fullDisplayName", display_name_of(job.name)).add("fullName", job.name).add("name", name, 3);
  out.add("url", jenkins_.settings_.url + path_of(job.name), 2).add("buildable", job.enabled);
  out.add_object("builds", [&](const Selection& member) -> json::value {
    json::array builds;
    for (const auto* run : runs_of(job.name)) builds.push_back(show_run(*run, member));
    return builds;
  });
  out.add_object("color", [&](const Selection&) -> json::value { return to_text(color_of(job)); }, 2);
  if (!pipeline) add_queue_members(out, job);
  out.add_object("lastBuild", [&](const Selection& member) {
    return show_run_or_null(newest([](const Run*) { return true; }), member);
  });
  out.add_object("lastCompletedBuild", [&](const Selection& member) {
    return show_run_or_null(newest([](const Run* run) { return !run->building; }), member);
  });
  out.add("nextBuildNumber", job.next_number);
  out.add_object("property", [&](const Selection& member) -> json::value {
    if (job.parameters.empty()) return json::array();
    Export property(member, "hudson.model.ParametersDefinitionProperty");
    property.add_array(
        "parameterDefinitions", job.parameters, [&](const auto& parameter, const Selection& one) {
          const auto& [key, value] = parameter;
          Export definition(one, parameter_class(value, "Definition"));
          definition.add_object("defaultParameterValue", [&](const Selection& fallback) {
            return Export(fallback, parameter_class(value, "Value"))
                .add("value", show_parameter_value(value), 3)
                .done();
          });
          definition.add("description", "").add("name", key);
          return definition.add("type", parameter_class(value, "Definition").substr(13)).done();
        });
    return json::array{property.done()};
  });
  if (!pipeline) add_queue_item(out);
  out.add("concurrentBuild", pipeline ? !job.solo : job.concurrent);
  if (pipeline) {
    add_queue_members(out, job);
    add_queue_item(out);
    return out.done();
  }
  out.add("disabled", !job.enabled);
  out.add("labelExpression", job.label.empty() ? json::value() : to_text(job.label));
  return out.done();
}

json::value Views::show_actions(const std::vector<std::string>& users, const Fields& parameters,
                                const Selection& asked, bool of_run) const {
  json::array actions;
  if (!parameters.empty()) {
    Export action(asked, "hudson.model.ParametersAction");
    action.add_array(
        "parameters", parameters,
        [](const auto& parameter, const Selection& one) {
          const auto& [name, value] = parameter;
          Export shown(one, parameter_class(value, "Value"));
          return shown.add("name", name, 3).add("value", show_parameter_value(value), 3).done();
        },
        2);
    actions.push_back(action.done());
  }
  if (!users.empty()) {
    Export action(asked, "hudson.model.CauseAction");
    action.add_array(
        "causes", users,
        [](const std::string& user, const Selection& one) {
          Export cause(one, "hudson.model.Cause$UserIdCause");
          cause.add("shortDescription", "Started by user " + user, 3).add("userId", user, 3);
          return cause.add("userName", user, 3).done();
        },
        2);
    actions.push_back(action.done());
  }
  if (of_run) {
    actions.emplace_back(json::object());
    actions.emplace_back(
        json::object{{"_class", "org.jenkinsci.plugins.displayurlapi.actions.RunDisplayAction"}});
  }
  return actions;
}

json::value Views::show_run(const Run& run, const Selection& asked) const {
  const auto& job = jenkins_.jobs_.at(run.job);
  const bool pipeline = job.kind == Job::Kind::pipeline;
  const auto expected = jenkins_.estimate(run.job);
  const auto count_ms = [](base::Duration duration) { return duration.count() / 1000; };
  Export out(asked, run_class_of(job.kind));
  out.add_object(
      "actions",
      [&](const Selection& member) { return show_actions(run.users, run.parameters, member, true); }, 2);
  out.add("artifacts", json::array()).add("building", run.building).add("description", nullptr);
  out.add("displayName", fmt::format("#{}", run.number));
  out.add("duration", run.building ? 0 : count_ms(run.duration));
  out.add("estimatedDuration", expected ? count_ms(*expected) : -1);
  out.add_object("executor", [&](const Selection& member) -> json::value {
    if (!run.in_progress) return nullptr;
    Export executor(member, pipeline ? "hudson.model.OneOffExecutor" : "");
    return executor.add("idle", false).add("number", pipeline ? -1 : 0).done();
  });
  out.add("fullDisplayName", fmt::format("{} #{}", display_name_of(run.job), run.number));
  out.add("id", std::to_string(run.number));
  if (!pipeline) out.add("inProgress", run.in_progress);
  out.add("keepLog", false).add("number", run.number, 2).add("queueId", run.item);
  out.add("result", run.result ? to_text(to_string(*run.result)) : json::value());
  out.add("timestamp", ms(run.started));
  out.add("url", fmt::format("{}{}{}/", jenkins_.settings_.url, path_of(run.job), run.number), 2);
  if (pipeline) {
    out.add("changeSets", json::array()).add("culprits", json::array()).add("inProgress", run.in_progress);
    return out.add("nextBuild", nullptr).add("previousBuild", nullptr).done();
  }
  out.add("builtOn", run.built_on);
  out.add(
      "changeSet",
      json::object{{"_class", "hudson.scm.EmptyChangeLogSet"}, {"items", json::array()}, {"kind", nullptr}});
  return out.add("culprits", json::array()).done();
}

}  // namespace footman::fake_jenkins
