// What comes from a Jenkins, or from whatever stands where one is looked for, can be anything. Input: one
// byte (which parser), then the body.
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "base/utf8.hpp"
#include "jenkins/answers.hpp"
#include "jenkins/demand.hpp"
#include "jenkins/flow_graph.hpp"
#include "jenkins/why.hpp"

using namespace footman;
using namespace footman::jenkins;

namespace {

const DemandRules kRules{{{{"linux"}, false}, {{}, true}}, Overflow::when_busy, {}};

// Whatever waits: an agent is launched only for a buildable item whose label is known and served.
void fuzz_queue(const std::string& text) {
  const auto queue = parse_queue(text);
  if (!queue) return;
  const Computers none;
  const KnownLabels known;
  const auto judged =
      judge_items({*queue, none, kRules, known, [](const Computer&) { return false; }, true, {}});
  FOOTMAN_CHECK(judged.size() == queue->items.size(), "items");
  for (const auto& one : judged) {
    if (one.verdict != Verdict::wanted) continue;
    FOOTMAN_CHECK(one.item.state == ItemState::buildable && one.has_label && !one.item.task.empty(),
                  "wanted");
    const auto label = model::parse_label_expression(one.label);
    FOOTMAN_CHECK(label && label->text() == one.label, "a label that is not normalised");
    (void)find_started({&one}, one.item.task + "1/", {"linux"}, {});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      fuzz_queue(text);
      break;
    case 1:
      if (const auto list = parse_computers(text))
        for (const auto& one : list->all) FOOTMAN_CHECK(!one.name.empty(), "a node without a name");
      break;
    case 2:
      (void)parse_computer(text);
      (void)parse_item_fate(text);
      (void)parse_build(text);
      break;
    case 3:
      if (const auto secret = parse_agent_secret(text, "a1"))
        FOOTMAN_CHECK(secret->expose().size() == 64, "secret");
      break;
    case 4:
      if (const auto labels = parse_waiting_labels(text))
        FOOTMAN_CHECK(labels->size() <= kMaxFlowSteps, "steps");
      break;
    case 5:
      FOOTMAN_CHECK(base::is_utf8(find_page_text(text)), "the text of a page");
      break;
    case 6: {
      const auto why = read_why(text);
      FOOTMAN_CHECK(why.name.size() <= text.size(), "why");
      (void)parse_shown_label(text);
      break;
    }
    default:
      FOOTMAN_CHECK(task_path(text).empty() || task_path(task_path(text)) == task_path(text), "task path");
      break;
  }
  return 0;
}
