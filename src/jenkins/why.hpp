// Why an item waits, in Jenkins' own words. Pure.
//
// The sentence is the one place where Jenkins tells the label that an item of any kind waits for. It is made
// for people: it differs by language (always ask with `Accept-Language: en`), it names the node instead of
// the label where exactly one node would do, and neither where Jenkins has no agent nodes at all. It is as
// old as the last maintenance of the queue, which is up to five seconds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/label.hpp"

namespace footman::jenkins {

enum class WhyKind {
  label,          // waits for nodes with the label `name`
  label_or_node,  // the same, or for the one node called `name`
  node,           // one node would do: `name`
  any,            // no label is named: it has none, or there are no agent nodes
  no_label,       // has none: nodes are there that are only for items with one
  quiet_period,
  blocked,        // by a build of its own job
  shutting_down,  // Jenkins takes no new builds
  slot_taken,     // an executor was about to take it, and took another one
  unknown,
};

struct Why {
  WhyKind kind = WhyKind::unknown;
  std::string name;
  bool operator==(const Why&) const = default;
};

Why read_why(std::string_view text);
// The nodes with a free executor that take no items without a label, as the text of such an item names them.
std::vector<std::string> list_reserved(std::string_view text);

// The label named by `text`, as a label expression: what is no expression is one quoted label, as Jenkins
// shows those without their quotes. invalid_argument, resource_exhausted: see parse_label_expression().
base::Result<model::LabelExpr> parse_shown_label(std::string_view text);

}  // namespace footman::jenkins
