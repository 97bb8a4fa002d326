// The model as JSON in the API's words (docs/openapi.yaml): one function a schema, used by the API, its event
// stream and the pages. Times that never were and optional values that are not there are left out.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth.hpp"
#include "controller/views.hpp"
#include "fleet/views.hpp"
#include "model/agent.hpp"
#include "model/change.hpp"
#include "model/work.hpp"
#include "ports/jenkins_desk.hpp"
#include "store/store.hpp"

namespace footman::api {

namespace json = boost::json;

// Bytes that are not UTF-8 become U+FFFD: what agents and clouds say may be anything.
json::string utf8(std::string_view text);
json::array texts(const std::vector<std::string>& list);
std::string to_text(const json::object& object);

json::object to_json(const model::BuildSpec& spec);
json::object to_json(const model::Job& job);
json::object to_json(const model::Build& build, Instant now);
json::object to_json(const model::StepRecord& step);
json::object to_json(const model::TimelineEntry& entry);
json::object to_json(const model::Cost& cost);
json::object to_json(const model::Change& change);
// `number`: of the attempt, from 1. `streams`: of the build.
json::object to_json(const model::Assignment& assignment, std::size_t number,
                     const std::vector<model::LogStream>& streams);
// What an agent was given: as an attempt, with the build instead of agent and number.
json::object work_to_json(const model::Assignment& assignment);

json::object to_json(const ports::WaitReason& reason);
json::object to_json(const controller::QueueEntry& entry);
// An item that has left the queue, or of which nothing more is known.
json::object to_json(const model::QueueItem& item, const model::Build& build);
// BuildDetail.
json::object to_json(const model::Build& build, const std::optional<controller::QueueEntry>& queue,
                     const AgentId& agent, Instant now);

// `node`: what the built-in controller knows of it.
json::object to_json(const fleet::AgentView& agent, const std::optional<controller::NodeView>& node);
json::object launch_to_json(const model::Agent& agent);     // why it was launched; reads its frozen request
json::object line_to_json(const store::CostLine& line);     // a build that an agent has had
json::object work_to_json(const ports::JenkinsNode& node);  // a build that it has
json::object to_json(const fleet::CloudView& cloud);
json::object to_json(const fleet::Consideration& consideration);
json::object to_json(const fleet::PlanView& plan);
json::object to_json(const fleet::ReconcileView& reconcile);

json::object to_json(const TokenView& token);

template <class Range, class... More>
json::array to_array(const Range& range, const More&... more) {
  json::array out;
  out.reserve(range.size());
  for (const auto& one : range) out.push_back(to_json(one, more...));
  return out;
}

}  // namespace footman::api
