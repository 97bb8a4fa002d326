// What waits in the queue of a Jenkins, and what of it wants an agent.
#include <algorithm>
#include <utility>

#include "jenkins/overview.hpp"

namespace footman::jenkins {
namespace {

// It has a build that is not named yet, and was opened for it: that is only likely.
bool may_have_taken(const NodeRecord& record, const std::string& key) {
  return record.phase == NodePhase::working && record.build.item.empty() && record.released_key == key;
}

// It is at work on it, or was.
bool has_taken(const NodeRecord& record, const std::string& key) {
  return record.build.item == key || may_have_taken(record, key);
}

// It is not open yet, and will be.
bool is_coming(const NodeRecord& record) {
  return (record.phase == NodePhase::planned || record.phase == NodePhase::held) && !record.drained;
}

// One of these takes builds with that label.
bool is_any_for(const std::vector<const NodeRecord*>& records, const std::string& label) {
  const auto parsed = model::parse_label_expression(label);
  return parsed && std::ranges::any_of(records, [&](const NodeRecord* one) {
           return model::fits(*parsed, one->labels, one->is_default);
         });
}

}  // namespace

// Answers with what has left the queue.
std::vector<JudgedItem> Overview::judge(const Reading& reading) {
  auto judged = judge_items({queue_, computers_, settings_.demand, known_,
                             [this](const Computer& one) { return is_own(one); },
                             placeholders_stand(reading.now), reading.now + reading.ahead});
  keys_.clear();
  for (const auto& one : judged) {
    const auto key = one.item.key();
    keys_.insert(key);
    if (one.has_label) known_[key] = one.label;
  }
  std::erase_if(missing_, [this](const auto& one) { return keys_.contains(one.first); });
  auto gone = std::exchange(items_, std::move(judged));
  std::erase_if(gone, [this](const JudgedItem& one) { return keys_.contains(one.item.key()); });
  for (const auto& one : gone) left_.emplace_back(reading.now, one);
  while (!left_.empty() &&
         (left_.size() > kRecentlyLeftKept || reading.now - left_.front().first > kRecentlyLeft))
    left_.pop_front();
  if (is_settled(reading.now))
    std::erase_if(known_, [&](const auto& one) { return !keys_.contains(one.first); });
  return gone;
}

// --- what waits

// An agent is at work on it, or was.
bool Overview::is_taken(const std::string& key, const NodeRecord* by_other_than) const {
  return std::ranges::any_of(nodes_, [&](const auto& one) {
    const auto& record = one.second->record;
    return &record != by_other_than && has_taken(record, key);
  });
}

// By its name, on another node.
bool Overview::is_known_elsewhere(const std::string& key, const NodeRecord& than) const {
  return std::ranges::any_of(nodes_, [&](const auto& one) {
    const auto& record = one.second->record;
    return &record != &than && record.build.item == key;
  });
}

// The same as is_taken(), by what was seen since that look began. That a node has what it was opened for is
// likely only, until the next look.
Overview::Taken Overview::taken_since(const std::string& key, std::uint64_t look) const {
  auto taken = Taken::no;
  for (const auto& [id, node] : nodes_) {
    const auto& record = node->record;
    const bool is_news = !node->is_free() || look <= node->fresh_after;
    if (!is_news || !has_taken(record, key) || may_wait_on(record, key)) continue;
    if (record.released_key != key || (!record.build.path.empty() && look > node->named_after))
      return Taken::yes;
    taken = Taken::likely;
  }
  return taken;
}

// It was open when it was last looked at, and this look began too early to tell what it has by now.
bool Overview::is_unclear(const LiveNode& node) const {
  return node.record.phase == NodePhase::open && !is_given(node.record) &&
         (!node.is_free() || look_ <= node.fresh_after);
}

// Agents enough are on their way, or there, for all that is in `demand`, and one more for this label.
bool Overview::has_agent_to_spare(const std::string& wanted_label,
                                  const std::vector<ports::DemandItem>& demand) const {
  const auto label = model::parse_label_expression(wanted_label);
  std::vector<const NodeRecord*> free;
  for (const auto& [id, node] : nodes_) {
    const auto& one = node->record;
    const bool is_free = is_coming(one) || is_unclear(*node);
    if (is_free && label && model::fits(*label, one.labels, one.is_default)) free.push_back(&one);
  }
  const auto wanted = std::ranges::count_if(demand, [&](const ports::DemandItem& one) {
    return one.label == wanted_label || is_any_for(free, one.label);
  });
  return std::ssize(free) > wanted;
}

// That this node has it is a guess: it may have another one of the same job or run - where it was opened for
// none, also one that was never seen to wait - and the last look showed it waiting. The agent that is on its
// way for it is not ended for that; the next look tells.
bool Overview::may_wait_on(const NodeRecord& record, const std::string& key) const {
  if (record.released_key == key || !keys_.contains(key)) return false;
  const auto alike = std::ranges::count_if(
      items_, [&](const JudgedItem& one) { return is_build_of(one.item, record.build.path); });
  const bool is_guess = alike > 1 || record.released_key.empty();
  return is_guess && std::ranges::any_of(nodes_, [&](const auto& one) {
           return is_coming(one.second->record) && one.second->record.item.key == key;
         });
}

// It has left the queue, for the node that was opened for it most likely: that one is told to be busy with
// it.
bool Overview::is_given(const NodeRecord& record) const {
  return record.phase == NodePhase::open && !record.released_key.empty() && has_read_ &&
         !keys_.contains(record.released_key);
}

// It has left the queue a moment ago while its own agent was on its way: another node here has it most
// likely, and does not say so yet. Until that is known that agent is not ended: what the other one was opened
// for may need it.
bool Overview::is_untold(const ports::DemandItem& item, Instant now) const {
  const auto at = std::ranges::find_if(left_.rbegin(), left_.rend(),
                                       [&](const auto& one) { return one.second.item.key() == item.key; });
  if (at == left_.rend() || now - at->first > kMissedAfter || is_taken(item.key)) return false;
  std::vector<const NodeRecord*> silent;
  bool has_agent = false;
  for (const auto& [id, node] : nodes_) {
    const auto& record = node->record;
    has_agent = has_agent || (is_coming(record) && record.item.key == item.key);
    if (is_unclear(*node) || is_unnamed(record)) silent.push_back(&record);
  }
  return has_agent && is_any_for(silent, item.label);
}

// Jenkins was restarted a moment ago.
void Overview::keep_unsettled(const std::map<std::string, ports::DemandItem>& before) {
  const auto is_given_away = [this](const std::string& key) {
    return std::ranges::any_of(nodes_, [&](const auto& one) {
      return one.second->record.released_key == key && is_given(one.second->record);
    });
  };
  // A node for several builds is opened for nobody: which of them it has is told in a moment.
  const bool is_any_unnamed = std::ranges::any_of(nodes_, [](const auto& one) {
    const auto& record = one.second->record;
    return record.phase == NodePhase::working && record.build.item.empty() && record.released_key.empty();
  });
  const auto has_own_agent = [this](const std::string& key) {
    return std::ranges::any_of(nodes_, [&](const auto& one) { return one.second->record.item.key == key; });
  };
  // Jenkins hands out ids anew: what waits now may be the same.
  const auto is_back_anew = [&](const ports::DemandItem& item) {
    return std::ranges::any_of(wanted_, [&](const auto& one) {
      return one.second.title == item.title && one.second.label == item.label && !has_own_agent(one.first);
    });
  };
  for (const auto& [key, item] : before)
    if (!keys_.contains(key) && !is_taken(key) && !is_given_away(key))
      (is_back_anew(item) ? guesses_ : is_any_unnamed ? aside_ : sure_).push_back(item);
  std::ranges::stable_sort(sure_, {}, &ports::DemandItem::since);
}

// True: it has changed.
bool Overview::update_demand(const Reading& reading) {
  std::map<std::string, ports::DemandItem> before;
  for (auto* items : {&sure_, &guesses_, &aside_})
    for (auto& item : std::exchange(*items, {})) before.emplace(item.key, std::move(item));
  wanted_.clear();
  for (const auto& one : items_) {
    const auto key = one.item.key();
    if (one.verdict == Verdict::wanted && serves()) {
      const ports::DemandItem item{key, one.label, to_local(one.item.waits_since(), reading.ahead),
                                   one.item.title()};
      const auto taken = taken_since(key, reading.number);
      if (taken != Taken::yes) (taken == Taken::no ? sure_ : guesses_).push_back(item);
      wanted_.emplace(key, item);
    } else if (one.verdict == Verdict::pending && before.contains(key) && !is_taken(key)) {
      sure_.push_back(before.at(key));  // it may yet lose its executor to another one
      wanted_.emplace(key, before.at(key));
    }
  }
  if (!is_settled(reading.now))
    keep_unsettled(before);
  else
    for (const auto& [key, item] : before)
      if (!keys_.contains(key) && is_untold(item, reading.now)) guesses_.push_back(item);
  auto now = demand();
  return std::exchange(told_, now) != now;
}

// It is at work on one of those that the last look still showed waiting, or was; which one may be a guess.
void Overview::take_from_demand(const NodeRecord& record) {
  const auto take = [](std::vector<ports::DemandItem>& from, const std::string& key) {
    return std::erase_if(from, [&](const ports::DemandItem& one) { return one.key == key; });
  };
  const auto& item = record.build.item;
  if (!item.empty() && !may_wait_on(record, item)) {
    take(sure_, item);
    take(guesses_, item);
  }
  const auto released = wanted_.find(record.released_key);
  const bool has_one = !item.empty() || record.phase == NodePhase::working;
  if (has_one && released != wanted_.end() && item != released->first) {
    take(sure_, released->first);
    take(guesses_, released->first);
    if (item.empty() || !is_taken(released->first)) guesses_.push_back(released->second);
  }
}

// Jenkins may have given a node to another item than it was opened for. Until that is known no agent on its
// way is ended for it, and none is launched: what is a guess is there as long as an agent is to spare for it.
// Not there is what a node was opened for just as it left the queue.
std::vector<ports::DemandItem> Overview::demand() const {
  std::set<std::string> given;
  for (const auto& [id, node] : nodes_)
    if (is_given(node->record)) given.insert(node->record.released_key);
  auto demand = sure_;
  std::erase_if(demand, [&](const ports::DemandItem& one) { return given.contains(one.key); });
  std::set<std::string> lacking;  // labels
  for (const auto& one : guesses_)
    if (!lacking.contains(one.label) && has_agent_to_spare(one.label, demand))
      demand.push_back(one);
    else
      lacking.insert(one.label);
  return demand;
}

bool Overview::waits(const std::string& key) const { return keys_.contains(key); }

void Overview::learn_labels(const KnownLabels& labels) {
  for (const auto& [key, label] : labels) known_[key] = label;
}

KnownLabels Overview::assign_labels(const std::vector<std::string>& waiting, const std::string& run) const {
  return assign_flow_labels(waiting, queue_, run, settings_.prefix);
}

}  // namespace footman::jenkins
