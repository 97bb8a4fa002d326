#include "tests/jenkins/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <limits>
#include <ranges>

namespace footman::fake_jenkins {

namespace json = boost::json;

namespace {

constexpr std::string_view kPlaceholderTask =
    "org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask";
constexpr std::string_view kPlaceholderExecutable =
    "org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask$"
    "PlaceholderExecutable";

std::string_view last_part(std::string_view job) {
  const auto slash = job.rfind('/');
  return slash == std::string_view::npos ? job : job.substr(slash + 1);
}

json::value show_null_monitors() {
  json::object monitors;
  for (const auto* name :
       {"SwapSpace", "TemporarySpace", "DiskSpace", "Architecture", "ResponseTime", "Clock"}) {
    monitors[fmt::format("hudson.node_monitors.{}Monitor", name)] = nullptr;
  }
  return monitors;
}

}  // namespace

bool has_right(const Rights& rights, Right right) {
  if (rights.contains(right) || rights.contains(Right::administer)) return true;
  return right == Right::agent_connect && rights.contains(Right::agent_disconnect);
}

std::int64_t Views::ms(base::Instant instant) const {
  return (instant + jenkins_.settings_.clock_offset).us / 1000;
}

std::string Views::path_of(std::string_view job) {
  std::string path;
  for (const auto part : std::views::split(job, '/')) {
    path += "job/" + encode_segment(std::string_view(part.begin(), part.end())) + "/";
  }
  return path;
}

std::string Views::display_name_of(std::string_view job) {
  std::string name;
  for (const char c : job) name += c == '/' ? std::string(" » ") : std::string(1, c);
  return name;
}

std::string Views::class_of(Job::Kind kind) {
  return kind == Job::Kind::freestyle ? "hudson.model.FreeStyleProject"
         : kind == Job::Kind::matrix  ? "hudson.matrix.MatrixProject"
                                      : "org.jenkinsci.plugins.workflow.job.WorkflowJob";
}

std::string Views::run_class_of(Job::Kind kind) {
  return kind == Job::Kind::freestyle ? "hudson.model.FreeStyleBuild"
         : kind == Job::Kind::matrix  ? "hudson.matrix.MatrixBuild"
                                      : "org.jenkinsci.plugins.workflow.job.WorkflowRun";
}

json::value Views::show_root(const Selection& asked) const {
  Export out(asked, "hudson.model.Hudson");
  out.add("mode", "NORMAL").add("nodeDescription", "the Jenkins controller's built-in node");
  out.add("nodeName", "").add("numExecutors", 0);
  out.add_object("jobs", [&](const Selection& member) -> json::value {
    json::array jobs;
    std::string folder;
    for (const auto& [name, job] : jenkins_.jobs_) {
      if (!has_right(rights_, Right::job_read)) break;
      const auto slash = name.find('/');
      if (slash == std::string::npos) {
        jobs.push_back(show_job(job, member));
      } else if (name.substr(0, slash) != folder) {
        folder = name.substr(0, slash);
        Export shown(member, "com.cloudbees.hudson.plugins.folder.Folder");
        shown.add("name", folder, 3).add("url", jenkins_.settings_.url + path_of(folder), 2);
        jobs.push_back(shown.done());
      }
    }
    return jobs;
  });
  out.add("quietingDown", jenkins_.quieting_).add("slaveAgentPort", jenkins_.settings_.agent_port);
  out.add("url", jenkins_.settings_.url).add("useCrumbs", true).add("useSecurity", true);
  return out.done();
}

// Waiting ones, blocked ones, then what can be built: each the newest first.
json::value Views::show_queue(const Selection& asked) const {
  const bool readable = has_right(rights_, Right::job_read);
  std::vector<const QueueItem*> items;
  using State = QueueItem::State;
  for (const auto state : {State::waiting, State::blocked, State::buildable, State::pending}) {
    for (const auto id : std::views::reverse(jenkins_.order_)) {
      const auto& item = jenkins_.items_.at(id);
      if (item.state == state) items.push_back(&item);
    }
  }
  Export out(asked, "hudson.model.Queue");
  std::vector<const QueueItem*> hidden;
  if (!readable && has_right(rights_, Right::job_discover)) {
    std::ranges::copy_if(items, std::back_inserter(hidden),
                         [](const auto* item) { return item->task.kind == Task::Kind::freestyle; });
  }
  out.add_array(
      "discoverableItems", hidden,
      [&](const QueueItem* item, const Selection& member) {
        Export stub(member);
        stub.add_object("task", [&](const Selection& task) {
          return Export(task).add("name", last_part(item->task.job), 3).done();
        });
        return stub.done();
      },
      1, true);
  if (!readable) items.clear();
  out.add_array(
      "items", items,
      [&](const QueueItem* item, const Selection& member) { return show_item(*item, member); }, 1, true);
  return out.done();
}

json::value Views::show_item(const QueueItem& item, const Selection& asked) const {
  using State = QueueItem::State;
  const bool left = item.state == State::left;
  const bool buildable = item.state == State::buildable || item.state == State::pending;
  const std::string_view kind = left                           ? "hudson.model.Queue$LeftItem"
                                : item.state == State::waiting ? "hudson.model.Queue$WaitingItem"
                                : item.state == State::blocked ? "hudson.model.Queue$BlockedItem"
                                                               : "hudson.model.Queue$BuildableItem";
  Export out(asked, kind);
  out.add_object(
      "actions",
      [&](const Selection& member) { return show_actions(item.users, item.parameters, member, false); }, 2);
  out.add("blocked", item.state == State::blocked).add("buildable", buildable).add("id", item.id);
  out.add("inQueueSince", ms(item.since));
  std::string parameters;
  for (const auto& [name, value] : item.parameters) parameters += fmt::format("\n{}={}", name, value);
  out.add("params", parameters).add("stuck", jenkins_.is_stuck(item));
  out.add_object("task", [&](const Selection& member) { return show_task(item, member); });
  out.add("url", fmt::format("queue/item/{}/", item.id));
  out.add("why", left ? json::value() : to_text(describe(item.cause, jenkins_.now_, language_)));
  if (item.state == State::blocked || buildable) out.add("buildableStartMilliseconds", ms(item.buildable));
  if (buildable) out.add("pending", item.state == State::pending);
  if (item.state == State::waiting) out.add("timestamp", ms(item.due));
  if (left) {
    out.add("cancelled", item.cancelled);
    out.add_object("executable", [&](const Selection& member) -> json::value {
      const bool is_block = item.task.kind == Task::Kind::block;
      return item.cancelled ? json::value()
                            : show_executable(item.task, is_block ? item.task.number : item.number, member);
    });
  }
  return out.done();
}

json::value Views::show_task(const QueueItem& item, const Selection& asked) const {
  const auto& task = item.task;
  if (task.kind == Task::Kind::block) {
    const auto name = fmt::format("part of {} #{}", display_name_of(task.job), task.number);
    Export out(asked, kPlaceholderTask);
    if (item.state == QueueItem::State::left) return out.done();
    out.add("fullDisplayName", name).add("name", name);
    out.add("url", fmt::format("{}{}/", path_of(task.job), task.number));
    return out.done();
  }
  const auto& job = jenkins_.jobs_.at(task.job);
  if (task.kind == Task::Kind::cell) {
    const auto& cell = job.cells[task.index].first;
    Export out(asked, "hudson.matrix.MatrixConfiguration");
    out.add("name", cell, 3);
    out.add("url", jenkins_.settings_.url + path_of(task.job) + encode_segment(cell) + "/", 2);
    // A cell's label comes from its axis; the exported one is the project's own, which it has not.
    out.add("color", color_of(job), 2).add("labelExpression", nullptr);
    return out.done();
  }
  return show_job(job, asked);
}

json::value Views::show_executable(const Task& task, int number, const Selection& asked) const {
  const auto url = fmt::format("{}{}{}/", jenkins_.settings_.url, path_of(task.job), number);
  if (task.kind == Task::Kind::block) {
    return Export(asked, kPlaceholderExecutable).add("number", number).add("url", url).done();
  }
  const auto& job = jenkins_.jobs_.at(task.job);
  if (task.kind == Task::Kind::cell) {
    const auto cell = fmt::format("{}{}{}/{}/", jenkins_.settings_.url, path_of(task.job),
                                  encode_segment(job.cells[task.index].first), number);
    return Export(asked, "hudson.matrix.MatrixRun").add("number", number, 2).add("url", cell, 2).done();
  }
  return Export(asked, run_class_of(job.kind)).add("number", number, 2).add("url", url, 2).done();
}

json::value Views::show_computers(const Selection& asked) const {
  int busy = 0;
  int total = 0;
  std::vector<const Computer*> computers;
  for (const auto& [name, computer] : jenkins_.computers_) {
    computers.push_back(&computer);
    if (computer.is_offline()) continue;
    total += computer.executors;
    busy += static_cast<int>(
        std::ranges::count_if(computer.slots, [](const auto& slot) { return slot.has_value(); }));
  }
  Export out(asked, "hudson.model.ComputerSet");
  out.add("busyExecutors", busy);
  out.add_object(
      "computer",
      [&](const Selection& member) -> json::value {
        json::array shown;
        shown.push_back(show_built_in(member));
        for (const auto* computer : computers) shown.push_back(show_computer(*computer, member));
        return shown;
      },
      1, true);
  out.add("displayName", "Nodes").add("totalExecutors", total);
  return out.done();
}

json::value Views::show_built_in(const Selection& asked) const {
  std::vector<const Run*> flyweights;
  for (const auto& key : jenkins_.open_) {
    const auto& run = jenkins_.runs_.at(key);
    if (run.building && jenkins_.jobs_.at(run.job).kind != Job::Kind::freestyle) flyweights.push_back(&run);
  }
  Export out(asked, "hudson.model.Hudson$MasterComputer");
  out.add("actions", json::array());
  out.add_object("assignedLabels", [](const Selection& member) -> json::value {
    return json::array{Export(member).add("name", "built-in", 2).done()};
  });
  out.add("description", "the Jenkins controller's built-in node").add("displayName", "Built-In Node");
  out.add("executors", json::array()).add("icon", "symbol-computer").add("iconClassName", "symbol-computer");
  out.add("idle", flyweights.empty()).add("jnlpAgent", false).add("launchSupported", true);
  out.add("loadStatistics", json::object{{"_class", "hudson.model.Label$1"}});
  out.add("manualLaunchAllowed", true).add("monitorData", show_null_monitors());
  out.add("numExecutors", 0).add("offline", false).add("offlineCause", nullptr).add("offlineCauseReason", "");
  out.add_array("oneOffExecutors", flyweights, [&](const Run* run, const Selection& member) {
    const auto kind =
        jenkins_.jobs_.at(run->job).kind == Job::Kind::matrix ? Task::Kind::matrix : Task::Kind::pipeline;
    Export executor(member);
    executor.add_object("currentExecutable", [&](const Selection& executable) -> json::value {
      if (!has_right(rights_, Right::job_read)) return nullptr;
      return show_executable({kind, run->job}, run->number, executable);
    });
    return executor.add("idle", false).done();
  });
  out.add("temporarilyOffline", false);
  return out.done();
}

json::value Views::show_executor(const std::optional<Execution>& slot, std::size_t number,
                                 const Selection& asked) const {
  Export executor(asked);
  executor.add_object("currentExecutable", [&](const Selection& member) -> json::value {
    if (!slot || !slot->visible || !has_right(rights_, Right::job_read)) return nullptr;
    return show_executable(slot->task, slot->number, member);
  });
  return executor.add("idle", !slot.has_value()).add("number", number).done();
}

json::value Views::show_computer(const Computer& computer, const Selection& asked) const {
  const auto cause = computer.held ? *computer.held : computer.cause;
  using Why = OfflineCause::Kind;
  const std::string reason = cause.kind == Why::channel ? "Connection was broken" : cause.message;
  Export out(asked, "hudson.slaves.SlaveComputer");
  out.add("actions", json::array());
  out.add_object("assignedLabels", [&](const Selection& member) -> json::value {
    json::array labels;
    if (!computer.deleted) labels.push_back(Export(member).add("name", computer.name, 2).done());
    for (const auto& label : computer.labels) labels.push_back(Export(member).add("name", label, 2).done());
    return labels;
  });
  out.add("description", computer.description.empty() ? json::value() : to_text(computer.description));
  out.add("displayName", computer.name);
  out.add_object("executors", [&](const Selection& member) -> json::value {
    json::array executors;
    for (std::size_t i = 0; i < computer.slots.size(); ++i) {
      executors.push_back(show_executor(computer.slots[i], i, member));
    }
    return executors;
  });
  const auto* icon = computer.is_offline() ? "symbol-computer-offline" : "symbol-computer";
  out.add("icon", icon).add("iconClassName", icon).add("idle", computer.is_idle());
  out.add("jnlpAgent", true).add("launchSupported", false);
  out.add("loadStatistics", json::object{{"_class", "hudson.model.Label$1"}});
  out.add("manualLaunchAllowed", true).add("monitorData", show_null_monitors());
  out.add("numExecutors", computer.deleted ? 0 : computer.executors).add("offline", computer.is_offline());
  out.add_object("offlineCause", [&](const Selection& member) -> json::value {
    if (cause.kind == Why::none) return nullptr;
    if (cause.kind == Why::channel) {
      return Export(member, "hudson.slaves.OfflineCause$ChannelTermination")
          .add("timestamp", ms(cause.at))
          .done();
    }
    const auto by = cause.message.empty() ? fmt::format("Disconnected by {}", cause.user)
                                          : fmt::format("Disconnected by {} : {}", cause.user, cause.message);
    Export shown(member, cause.kind == Why::user ? "hudson.slaves.OfflineCause$UserCause"
                                                 : "hudson.slaves.OfflineCause$SimpleOfflineCause");
    return shown.add("timestamp", ms(cause.at))
        .add("description", cause.kind == Why::user ? by : cause.message)
        .done();
  });
  out.add("offlineCauseReason", reason).add("oneOffExecutors", json::array());
  out.add("temporarilyOffline", computer.held.has_value());
  const bool shown_path = computer.online && has_right(rights_, Right::agent_connect);
  out.add("absoluteRemotePath", shown_path ? to_text(computer.remote_fs) : json::value());
  return out.done();
}

json::value Views::show_label(const Label& label, const Selection& asked) const {
  int busy = 0;
  int total = 0;
  const auto nodes = jenkins_.nodes_with(label);
  const bool built_in = label.matches({"built-in"});
  bool offline = !built_in;
  for (const auto* node : nodes) {
    if (node->is_offline()) continue;
    offline = false;
    total += node->executors;
    busy += static_cast<int>(
        std::ranges::count_if(node->slots, [](const auto& slot) { return slot.has_value(); }));
  }
  Export out(asked, label.class_name());
  out.add("busyExecutors", busy);
  std::vector<std::string> clouds;
  for (const auto& [name, labels] : jenkins_.clouds_)
    if (label.matches(labels)) clouds.push_back(name);
  out.add_array("clouds", clouds,
                [](const std::string& name, const Selection& member) { return Export(member, name).done(); });
  out.add("idleExecutors", total - busy).add("name", label.name(), 2);
  out.add_array("nodes", nodes, [](const Computer* node, const Selection& member) {
    return Export(member, "hudson.slaves.DumbSlave").add("nodeName", node->name, 2).done();
  });
  out.add("offline", offline);
  std::vector<const Job*> tied;
  for (const auto& [name, job] : jenkins_.jobs_) {
    if (job.kind == Job::Kind::freestyle && job.label == label.name()) tied.push_back(&job);
  }
  out.add_array("tiedJobs", tied,
                [&](const Job* job, const Selection& member) { return show_job(*job, member); });
  out.add("totalExecutors", total);
  return out.done();
}

}  // namespace footman::fake_jenkins
