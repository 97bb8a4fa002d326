// Every page as a pure function of what it shows. What is shown is gathered by the handlers.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/story.hpp"
#include "controller/views.hpp"
#include "fleet/views.hpp"
#include "model/work.hpp"
#include "ports/jenkins_desk.hpp"
#include "ports/log_store.hpp"
#include "store/cost_report.hpp"
#include "web/page.hpp"
#include "web/words.hpp"

namespace footman::web {

// --- overview

struct OverviewData {
  std::vector<model::Build> running;  // at most kOverviewRows
  std::size_t running_size = 0;
  std::vector<model::Build> recent;  // finished, newest first
  std::vector<controller::QueueEntry> queue;
  std::size_t queue_size = 0;
  std::vector<fleet::AgentView> agents;  // live ones
  std::vector<fleet::CloudView> clouds;
  bool storage_full = false;
};
Page overview_page(const OverviewData& data, const View& view);

// --- jobs

struct JobRow {
  model::Job job;
  std::optional<model::Build> last;
};
struct JobsData {
  std::vector<JobRow> rows;
  std::optional<Url> newest;
  std::optional<Url> older;
};
Page jobs_page(const JobsData& data, const View& view);

// What is wrong with a form that was sent, and where.
using FormTrouble = std::optional<Error>;

struct JobData {
  model::Job job;
  std::vector<model::Build> builds;
  std::optional<Url> newest;
  std::optional<Url> older;
  std::map<std::string, std::string> given;  // what was chosen when the form was sent
  FormTrouble trouble;
  std::string key;  // of the build that the form would start
};
Page job_page(const JobData& data, const View& view);

// --- builds

struct BuildsData {
  std::vector<model::Build> builds;
  std::string state;  // chosen filters; empty: all
  std::string result;
  std::optional<Url> newest;
  std::optional<Url> older;
};
Page builds_page(const BuildsData& data, const View& view);

// A part of a log.
struct LogPart {
  std::size_t attempt = 0;  // from 1; 0: there is no log yet
  std::uint64_t from = 0;   // the first byte shown
  std::string bytes;
  std::uint64_t size = 0;  // of the whole log
  bool finished = false;   // nothing more will come
  bool left_out = false;   // the page's script has it, or reads it by itself
};

struct BuildData {
  api::BuildStory story;
  LogPart log;
  bool of_job = false;  // its job is still there
  std::string key;      // of the build that "run again" would start
};
Page build_page(const BuildData& data, const View& view);

struct LogData {
  model::Build build;
  std::size_t attempts = 0;
  LogPart log;
};
Page log_page(const LogData& data, const View& view);

// --- queue, agents, clouds

struct QueueData {
  std::vector<controller::QueueEntry> entries;
  std::size_t total = 0;
  std::optional<Url> newest;
  std::optional<Url> older;
};
Page queue_page(const QueueData& data, const View& view);

struct AgentsData {
  std::vector<fleet::AgentView> agents;
  bool ended = false;  // also those that have ended
  std::optional<Url> newest;
  std::optional<Url> older;
};
Page agents_page(const AgentsData& data, const View& view);

struct AgentData {
  api::AgentStory story;
  std::optional<controller::NodeView> node;
};
Page agent_page(const AgentData& data, const View& view);

struct CloudsData {
  std::vector<fleet::CloudView> clouds;
  fleet::PlanView plan;
  fleet::ReconcileView reconcile;
  std::size_t doubtful_builds = 0;  // Controller::count_doubtful
};
Page clouds_page(const CloudsData& data, const View& view);

// --- a Jenkins that gets agents

Page jenkins_page(const std::vector<ports::JenkinsStatus>& all, const View& view);

// --- costs

struct CostView {
  store::CostGroup by;
  std::string_view word;  // in the address
  std::string_view name;
};
inline constexpr std::array<CostView, 5> kCostViews{
    {{store::CostGroup::day, "day", "Day"},
     {store::CostGroup::job, "job", "Job"},
     {store::CostGroup::label, "label", "Label"},
     {store::CostGroup::template_name, "template", "Template"},
     {store::CostGroup::cloud, "cloud", "Cloud"}}};
inline constexpr std::int64_t kCostDays = 30;  // that are shown when nobody asks for others
inline constexpr std::int64_t kMostCostDays = 365;

struct CostsData {
  store::CostReport report;
  store::CostGroup by = store::CostGroup::day;
  std::int64_t days = kCostDays;  // with the present one
};
Page costs_page(const CostsData& data, const View& view);

// --- pieces that several pages share

Markup build_table(const std::vector<model::Build>& builds, const View& view);
Markup agent_table(const std::vector<fleet::AgentView>& agents, const View& view);
Markup queue_table(const std::vector<controller::QueueEntry>& entries, const View& view);
Markup history_list(const std::vector<model::TimelineEntry>& entries, const View& view);
Markup filter_link(std::string_view word, const Url& url, bool chosen);  // of a list of filters
Markup unstable_note(const model::StepSpec& step);                       // behind its name; empty: never so
Markup log_box(const LogPart& log, BuildId build, bool follow);
Markup facts(const std::vector<std::pair<std::string_view, Markup>>& rows);  // empty ones are left out

}  // namespace footman::web
