#include "jenkins/flow_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/ascii.hpp"
#include "base/number.hpp"
#include "jenkins/html.hpp"

namespace footman::jenkins {
namespace {

using base::Errc;
using base::fail;

constexpr std::size_t kMaxCellBytes = 4096;

struct Step {
  std::uint64_t id = 0;     // grows with the steps of a run
  std::uint64_t depth = 0;  // how far it is indented
  std::string name;         // "node", "node block", "sh"
  std::string arguments;
  bool in_progress = false;
};

// The number after `before` in `text`.
std::optional<std::uint64_t> find_number_after(std::string_view text, std::string_view before) {
  const auto at = text.find(before);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + before.size());
  const auto end = std::ranges::find_if_not(text, base::is_digit) - text.begin();
  return base::find_number<std::uint64_t>(text.substr(0, static_cast<std::size_t>(end)));
}

// Of a row: its first cell holds depth, id and "node - (31 ms in block)", the second one the arguments.
std::optional<Step> read_step(std::string_view row) {
  const auto what = find_element(row, "td");
  if (!what.found()) return std::nullopt;
  const auto arguments = find_element(row, "td", what.end);
  const auto link = find_element(what.content, "a");
  if (!arguments.found() || !link.found()) return std::nullopt;
  const auto id = find_number_after(link.attributes, "ID: ");
  const auto depth = find_number_after(what.attributes, "--table-padding) * ");
  if (!id || !depth) return std::nullopt;
  Step step{*id, *depth, html_text(link.content, kMaxCellBytes), html_text(arguments.content, kMaxCellBytes),
            false};
  step.name = step.name.substr(0, step.name.find(" - ("));
  step.in_progress = row.substr(arguments.end).contains("In progress");
  return step;
}

}  // namespace

base::Result<std::vector<std::string>> parse_waiting_labels(std::string_view page) {
  if (page.size() > kMaxFlowPageBytes) return fail(Errc::corrupt, "the page of steps is too long");
  const auto table = page.find("<table");
  if (table == std::string_view::npos) return fail(Errc::corrupt, "the page holds no table of steps");
  std::vector<Step> steps;
  for (auto row = find_element(page, "tr", table); row.found(); row = find_element(page, "tr", row.end)) {
    if (steps.size() == kMaxFlowSteps)
      return fail(Errc::corrupt, fmt::format("the run has more than {} steps", kMaxFlowSteps));
    if (auto step = read_step(row.content)) steps.push_back(std::move(*step));
  }
  if (steps.empty()) return fail(Errc::corrupt, "the page holds no steps");
  std::vector<std::pair<std::uint64_t, std::string>> waiting;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& step = steps[i];
    const bool has_begun = i + 1 < steps.size() && steps[i + 1].depth > step.depth;
    if (step.name == "node" && step.in_progress && !has_begun) waiting.emplace_back(step.id, step.arguments);
  }
  std::ranges::sort(waiting);
  std::vector<std::string> labels;
  labels.reserve(waiting.size());
  for (auto& [id, label] : waiting) labels.push_back(std::move(label));
  return labels;
}

}  // namespace footman::jenkins
