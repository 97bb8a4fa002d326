#include "jenkins/demand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/ascii.hpp"
#include "jenkins/why.hpp"

namespace footman::jenkins {
namespace {

struct LabelFound {
  std::optional<model::LabelExpr> label;
  Verdict otherwise = Verdict::not_understood;
  std::string text;
  std::string node;  // as of JudgedItem
};

LabelFound not_told(Verdict verdict, std::string text) { return {{}, verdict, std::move(text), {}}; }

LabelFound from_text(base::Result<model::LabelExpr> parsed) {
  if (parsed) return {std::move(*parsed), {}, {}, {}};
  return not_told(Verdict::not_understood,
                  fmt::format("Its label cannot be read: {}.", parsed.error().message));
}

std::string unknown_why(const QueueItem& item) {
  return fmt::format("Why it waits is not understood, so nothing is launched: '{}'.",
                     item.why.empty() ? "no text" : item.why);
}

class Judge {
 public:
  explicit Judge(const DemandInput& input) : in_(input) {
    for (const auto& computer : in_.computers.all) {
      names_.insert(computer.name);
      if (in_.is_own(computer)) own_.insert(computer.name);
      if (computer.is_ghost() || in_.is_own(computer) || computer.executors.empty()) continue;
      Foreign one{&computer, 0};
      if (!computer.offline)
        one.idle = static_cast<std::size_t>(std::ranges::count_if(computer.executors, &Executor::idle));
      foreign_.push_back(one);
    }
  }

  JudgedItem judge(const QueueItem& item) {
    JudgedItem judged{item, Verdict::not_understood, false, {}, {}, {}};
    if (const auto known = in_.known.find(item.key()); known != in_.known.end()) {
      judged.has_label = true;
      judged.label = known->second;
    }
    if (judge_state(judged)) return judged;
    auto found = find_label(item);
    if (!found.label) {
      judged.verdict = found.otherwise;
      judged.text = std::move(found.text);
      judged.node = std::move(found.node);
      return judged;
    }
    judged.has_label = true;
    judged.label = found.label->text();
    judge_label(judged, *found.label);
    return judged;
  }

 private:
  struct Foreign {
    const Computer* computer;
    std::size_t idle;  // executors that no older item is about to take
  };

  static void say(JudgedItem& judged, Verdict verdict, std::string text) {
    judged.verdict = verdict;
    judged.text = std::move(text);
  }

  // False: it is buildable, and wants an agent if its label says so.
  static bool judge_state(JudgedItem& judged) {
    const auto& item = judged.item;
    const auto why = read_why(item.why).kind;
    if (item.state == ItemState::waiting)
      say(judged, Verdict::quiet_period, "Its quiet period is not over.");
    else if (why == WhyKind::shutting_down)
      say(judged, Verdict::shutting_down, "Jenkins is about to shut down and starts no builds.");
    else if (item.state == ItemState::blocked)
      say(judged, Verdict::blocked, fmt::format("More agents do not help it: {}.", item.why));
    else if (item.state == ItemState::pending)
      say(judged, Verdict::pending, "An executor is about to start it.");
    else if (item.state != ItemState::buildable)
      say(judged, Verdict::not_understood, "Its state is none that is known, so nothing is launched.");
    else if (item.kind == TaskKind::pipeline)
      say(judged, Verdict::needs_no_agent,
          "A pipeline itself runs on the controller; its node steps want agents.");
    else if (item.task.empty())
      say(judged, Verdict::not_understood, "It names no job, so nothing is launched.");
    else
      return false;
    return true;
  }

  LabelFound find_label(const QueueItem& item) const {
    const auto why = read_why(item.why);
    const bool is_node_name = why.kind == WhyKind::label_or_node && names_.contains(why.name);
    if (why.kind == WhyKind::label || (why.kind == WhyKind::label_or_node && !is_node_name))
      return from_text(parse_shown_label(why.name));
    if (why.kind == WhyKind::no_label) return {model::LabelExpr(), {}, {}, {}};
    if (why.kind == WhyKind::slot_taken) return find_known_label(item);
    if (why.kind != WhyKind::any && why.kind != WhyKind::node && !is_node_name)
      return not_told(Verdict::not_understood, unknown_why(item));
    if (item.kind == TaskKind::freestyle)
      return from_text(model::parse_label_expression(item.label_expression.value_or("")));
    if (item.kind == TaskKind::node_step) return find_label_of_step(item, why);
    return not_told(Verdict::label_not_told, fmt::format("Jenkins does not tell its label: '{}'.", item.why));
  }

  LabelFound find_known_label(const QueueItem& item) const {
    const auto known = in_.known.find(item.key());
    if (known != in_.known.end()) return from_text(model::parse_label_expression(known->second));
    return not_told(Verdict::pending, "An executor was about to start it.");
  }

  // The text names no label, or a node. Where a node is called as a label that is served, it may mean either.
  LabelFound find_label_of_step(const QueueItem& item, const Why& why) const {
    if (why.kind == WhyKind::any && in_.placeholders_stand) return {model::LabelExpr(), {}, {}, {}};
    if (const auto known = in_.known.find(item.key()); known != in_.known.end())
      return from_text(model::parse_label_expression(known->second));
    const bool names_one_node = why.kind == WhyKind::node || (why.kind == WhyKind::label_or_node &&
                                                              !is_served(parse_shown_label(why.name)));
    // A step that goes on after a restart of Jenkins waits for the node that it had.
    if (names_one_node && own_.contains(why.name))
      return {{}, Verdict::label_not_told, fmt::format("It waits for node {}.", why.name), why.name};
    if (names_one_node && in_.placeholders_stand)
      return not_told(Verdict::not_served, fmt::format("No template here has its label: '{}'.", item.why));
    return not_told(Verdict::ask_flow_graph, "Its label is not told yet.");
  }

  bool is_served(const base::Result<model::LabelExpr>& label) const {
    return label && std::ranges::any_of(in_.rules.served, [&](const ServedLabels& one) {
             return model::fits(*label, one.labels, one.is_default);
           });
  }

  void judge_label(JudgedItem& judged, const model::LabelExpr& label) {
    if (own_.contains(label.text())) {
      judged.node = label.text();
      return say(judged, Verdict::label_not_told, fmt::format("It waits for node {}.", label.text()));
    }
    if (!is_served(label))
      return say(judged, Verdict::not_served,
                 label.empty() ? "It has no label, and no template here takes such items."
                               : fmt::format("No template here has the label {}.", label.text()));
    judge_foreign(judged, label);
  }

  void judge_foreign(JudgedItem& judged, const model::LabelExpr& label) {
    std::vector<Foreign*> fitting;
    const auto& item = judged.item;
    const auto reserved = label.empty() ? list_reserved(item.why) : std::vector<std::string>();
    for (auto& one : foreign_)
      if (label.matches(one.computer->labels) && std::ranges::count(reserved, one.computer->name) == 0)
        fitting.push_back(&one);
    const Instant since{item.waits_since() * 1000};
    const auto waited = in_.jenkins_now - since;
    const auto idle = std::ranges::find_if(fitting, [](const Foreign* one) { return one->idle > 0; });
    if (idle != fitting.end() && waited < kQueueBeat) {
      --(*idle)->idle;
      return say(judged, Verdict::idle_executor,
                 fmt::format("An idle executor of node {} {} about to take it.", (*idle)->computer->name,
                             label.empty() ? "may be" : "is"));
    }
    // Jenkins does not tell which nodes take no builds without a label.
    const auto left_to = [&] {
      return fmt::format("It is left to node {}, which {} and is not Footman's",
                         fitting.front()->computer->name,
                         label.empty() ? "may take builds without a label" : "has its label");
    };
    if (!fitting.empty() && in_.rules.overflow == Overflow::never)
      return say(judged, Verdict::foreign_nodes, left_to() + ".");
    if (!fitting.empty() && in_.rules.overflow == Overflow::after && waited < in_.rules.overflow_after)
      return say(
          judged, Verdict::foreign_nodes,
          fmt::format("{}, for {} more.", left_to(), format_duration(in_.rules.overflow_after - waited)));
    say(judged, Verdict::wanted, {});
  }

  const DemandInput& in_;
  std::set<std::string, std::less<>> names_;
  std::set<std::string, std::less<>> own_;
  std::vector<Foreign> foreign_;
};

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::wanted:
      return "wanted";
    case Verdict::quiet_period:
      return "quiet_period";
    case Verdict::blocked:
      return "blocked";
    case Verdict::pending:
      return "pending";
    case Verdict::shutting_down:
      return "shutting_down";
    case Verdict::idle_executor:
      return "idle_executor";
    case Verdict::foreign_nodes:
      return "foreign_nodes";
    case Verdict::not_served:
      return "not_served";
    case Verdict::needs_no_agent:
      return "needs_no_agent";
    case Verdict::label_not_told:
      return "label_not_told";
    case Verdict::ask_flow_graph:
      return "ask_flow_graph";
    case Verdict::not_understood:
      return "not_understood";
  }
  return "not_understood";
}

std::vector<JudgedItem> judge_items(const DemandInput& input) {
  Judge judge(input);
  std::vector<JudgedItem> judged;
  judged.reserve(input.queue.items.size());
  for (const auto& item : input.queue.items) judged.push_back(judge.judge(item));
  return judged;
}

KnownLabels assign_flow_labels(const std::vector<std::string>& waiting, const Queue& queue,
                               const std::string& task, const std::string& prefix) {
  std::vector<const QueueItem*> items;
  for (const auto& item : queue.items)
    if (item.kind == TaskKind::node_step && item.task == task && !read_why(item.why).name.starts_with(prefix))
      items.push_back(&item);
  // One of them came or went between the two looks: the next ones will agree.
  if (items.size() != waiting.size()) return {};
  std::ranges::sort(items, {}, &QueueItem::id);
  KnownLabels labels;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto label = model::parse_label_expression(waiting[i]);
    if (label) labels.emplace(items[i]->key(), label->text());
  }
  return labels;
}

bool is_build_of(const QueueItem& item, const std::string& build) {
  if (item.task.empty() || !build.starts_with(item.task)) return false;
  auto rest = std::string_view(build).substr(item.task.size());
  if (item.kind == TaskKind::node_step) return rest.empty();
  if (rest.size() < 2 || !rest.ends_with('/')) return false;
  rest.remove_suffix(1);
  return std::ranges::all_of(rest, is_digit);
}

const JudgedItem* find_started(const std::vector<const JudgedItem*>& items, const std::string& build,
                               const std::vector<std::string>& labels, const std::string& preferred) {
  const JudgedItem* best = nullptr;
  for (const auto* one : items) {
    if (!is_build_of(one->item, build)) continue;
    if (one->item.key() == preferred) return one;
    const auto label = model::parse_label_expression(one->label);
    if (one->has_label && label && !label->matches(labels)) continue;
    if (best == nullptr) best = one;
  }
  return best;
}

}  // namespace footman::jenkins
