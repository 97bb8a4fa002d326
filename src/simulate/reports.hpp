// What people and programs are shown of one simulation, or of two side by side: the second one is compared
// with the first. Pure: the same reports give the same bytes.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "simulate/goal.hpp"
#include "simulate/statistics.hpp"

namespace footman::simulate {

// What was simulated.
struct Setting {
  std::string trace;  // "trace.csv", "steady, 60 builds an hour"
  Instant start;
  std::uint64_t builds = 0;
  std::uint64_t seed = 1;
  std::string cloud;  // the model of the cloud, in words
};

// A table; cells may hold what the trace and the configuration say and must be cleaned for a terminal.
struct Sheet {
  std::string title;
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};
// `reports`: one or two, as in all of these.
std::vector<Sheet> make_sheets(const std::vector<Report>& reports);

// Times in seconds, money in dollars. Fields are only ever added.
boost::json::object make_json(const Setting& setting, const std::vector<Report>& reports);

// The pools that were found for a goal.
Sheet make_goal_sheet(const Goal& goal, const GoalAnswer& answer);
boost::json::object make_goal_json(const Goal& goal, const GoalAnswer& answer);

// One page that needs nothing else: no scripts, no other files, light and dark.
std::string make_html(const Setting& setting, const std::vector<Report>& reports);

}  // namespace footman::simulate
