// Nodes that never have an agent, so that Jenkins names the label of every item in the reason why it waits.
// Pure.
//
// With no node of a label Jenkins names it; with one it names the node instead; with two or more it names the
// label again. So two held placeholders stand for each set of labels that a template offers, and where there
// are no labels at all two without any, as Jenkins names no label while it has no nodes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "jenkins/answers.hpp"
#include "jenkins/demand.hpp"

namespace footman::jenkins {

inline constexpr std::string_view kPlaceholderMessage =
    "Footman: placeholder, never connects; it makes Jenkins tell which labels builds wait for";

struct Placeholder {
  std::string name;  // "footman-placeholder-big-linux-5e1f09-1"
  std::vector<std::string> labels;
  bool operator==(const Placeholder&) const = default;
};
// Two for each distinct set, the same ones for the same sets whatever their order.
std::vector<Placeholder> list_placeholders(std::string_view prefix, const std::vector<ServedLabels>& served);
bool is_placeholder_name(std::string_view prefix, std::string_view name);

enum class PlaceholderStep { create, hold, erase };
struct PlaceholderTask {
  PlaceholderStep step;
  Placeholder placeholder;
};
// What is to be done so that these stand and no others of this prefix do. `is_marked`: it was made by this
// installation; others are left alone.
std::vector<PlaceholderTask> plan_placeholders(const std::vector<Placeholder>& wanted,
                                               std::string_view prefix, const Computers& computers,
                                               const std::function<bool(const Computer&)>& is_marked);

}  // namespace footman::jenkins
