// Anything in any order: what must hold of the double after every step, whatever was done to it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <map>
#include <random>
#include <set>

#include "tests/jenkins/tests/story.hpp"

using namespace footman;
using namespace footman::fake_jenkins;
using namespace footman::fake_jenkins::test;

namespace {

class RandomWorld {
 public:
  explicit RandomWorld(unsigned seed) : random_(seed), story_(nullptr, diced()) {
    for (int i = 0; i < 3; ++i) {
      story_.jenkins.add_job({.name = fmt::format("fs-{}", i),
                              .label = i == 2 ? "" : kLabels[i],
                              .work = {.takes = base::Duration(2s) * i},
                              .concurrent = i == 1});
      std::vector<NodeBlock> blocks;
      for (int b = 0; b <= i; ++b) {
        blocks.push_back({.label = kLabels[b % 2], .work = {.takes = 3s}, .agent_retries = b});
      }
      story_.pipeline(fmt::format("pl-{}", i), std::move(blocks));
    }
  }

  void step() {
    auto& jenkins = story_.jenkins;
    switch (pick(0, 12)) {
      case 0:
        node();
        break;
      case 1:
      case 2:
        (void)jenkins.trigger(fmt::format("{}-{}", pick(0, 1) == 0 ? "fs" : "pl", pick(0, 2)), story_.now);
        break;
      case 3:
      case 4:
        connect();
        break;
      case 5:
        on_some_node([&](const std::string& name) { story_.hold(name, "x"); });
        break;
      case 6:
        on_some_node([&](const std::string& name) { story_.drop(name); });
        break;
      case 7:
        if (pick(0, 3) == 0) on_some_node([&](const std::string& name) { story_.remove(name); });
        break;
      case 8:
        if (const auto items = jenkins.waiting_items(); !items.empty() && pick(0, 3) == 0) {
          (void)jenkins.cancel(
              items[static_cast<std::size_t>(pick(0, static_cast<int>(items.size()) - 1))]->id, story_.now);
        }
        break;
      case 9:
        if (pick(0, 8) == 0) restart();
        break;
      case 10:
        story_.wait(base::Duration(1s) * pick(1, 400));
        break;
      default:
        story_.wait(base::Duration(1ms) * pick(1, 2000));
    }
    check();
  }

  // Everything that waits is served, in the end.
  void settle() {
    auto& jenkins = story_.jenkins;
    if (!jenkins.is_up()) wait_up();
    for (int i = 0; i < 2; ++i) {
      const auto name = fmt::format("last-{}", i);
      story_.node(name, "linux gpu", 8);
      story_.connect(name);
      jenkins.add_job({.name = "fs-2", .label = "linux", .work = {.takes = 1s}});
    }
    for (const auto& [name, computer] : std::map(jenkins.computers())) {
      if (!name.starts_with("last")) story_.remove(name);
    }
    story_.wait(1000s);
    check();
    for (const auto* item : jenkins.waiting_items()) {
      // What was there before has no label: only nodes that are not exclusive would take it.
      CHECK_MESSAGE(!item->label.has_value(), item->id, " ", item->task.job);
    }
    for (const auto& [name, computer] : jenkins.computers()) CHECK_MESSAGE(computer.is_idle(), name);
    for (const auto& start : jenkins.starts()) {
      CHECK_FALSE(jenkins.find_run(start.job, start.number)->building);
    }
  }

 private:
  static constexpr const char* kLabels[] = {"linux", "gpu"};

  Settings diced() {
    Settings settings;
    settings.dice = [this](base::Duration low, base::Duration high) {
      return base::Duration(std::uniform_int_distribution<std::int64_t>(low.count(), high.count())(random_));
    };
    return settings;
  }
  int pick(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }

  void node() {
    if (!story_.jenkins.is_up()) return;
    const auto name = fmt::format("n-{}", next_node_++);
    story_.node(name, kLabels[pick(0, 1)], pick(1, 2));
  }
  void connect() {
    auto& jenkins = story_.jenkins;
    on_some_node([&](const std::string& name) {
      (void)jenkins.connect_agent({name, jenkins.secret_of(name), pick(0, 1) == 0}, story_.now);
    });
  }
  template <class What>
  void on_some_node(What what) {
    const auto& computers = story_.jenkins.computers();
    if (computers.empty() || !story_.jenkins.is_up()) return;
    const auto name = std::next(computers.begin(), pick(0, static_cast<int>(computers.size()) - 1))->first;
    if (!computers.at(name).deleted) what(name);
  }
  void restart() {
    story_.jenkins.restart(pick(0, 1) == 0, base::Duration(1s) * pick(1, 20), story_.now);
    if (pick(0, 1) == 0) wait_up();
  }
  void wait_up() {
    while (!story_.jenkins.is_up()) story_.wait(1s);
  }

  void check() {
    auto& jenkins = story_.jenkins;
    const auto next = jenkins.next_event_at();
    CHECK((!next.is_set() || next >= story_.now));
    check_starts();
    std::set<std::int64_t> ids;
    for (const auto* item : jenkins.waiting_items()) {
      CHECK(ids.insert(item->id).second);
      CHECK(item->state != QueueItem::State::left);
    }
    // One place for each piece of work, and no more of it than executors.
    std::set<std::uint64_t> works;
    for (const auto& [name, computer] : jenkins.computers()) {
      CHECK(computer.slots.size() == static_cast<std::size_t>(computer.executors));
      for (const auto& slot : computer.slots) {
        if (slot) CHECK(works.insert(slot->work).second);
      }
      if (computer.deleted) CHECK_FALSE(computer.is_idle());
    }
    if (!jenkins.is_up()) return;
    check_answers(ids.size());
  }

  // What started since the last look started on a node of its label.
  void check_starts() {
    const auto& starts = story_.jenkins.starts();
    std::map<std::string, int> building;
    for (; seen_starts_ < starts.size(); ++seen_starts_) {
      const auto& start = starts[seen_starts_];
      CHECK(start.job != "fs-2");  // has no label, and every node is exclusive
      const auto computer = story_.jenkins.computers().find(start.node);
      if (!start.job.starts_with("fs") || computer == story_.jenkins.computers().end() ||
          computer->second.deleted) {
        continue;
      }
      CHECK(computer->second.labels.contains(start.job == "fs-0" ? "linux" : "gpu"));
    }
  }

  void check_answers(std::size_t items) {
    const auto queue = boost::json::parse(story_.call("GET", "/queue/api/json").body).as_object();
    CHECK(queue.at("items").as_array().size() == items);
    const auto nodes = boost::json::parse(story_.call("GET", "/computer/api/json?depth=2").body).as_object();
    CHECK(nodes.at("computer").as_array().size() == story_.jenkins.computers().size() + 1);
    for (const auto& node : nodes.at("computer").as_array()) {
      const auto& shown = node.as_object();
      const auto& executors = shown.at("executors").as_array();
      const bool idle = std::ranges::all_of(
          executors, [](const auto& one) { return one.as_object().at("idle").as_bool(); });
      if (shown.contains("absoluteRemotePath")) CHECK(shown.at("idle").as_bool() == idle);
    }
  }

  std::mt19937 random_;
  Story story_;
  int next_node_ = 0;
  std::size_t seen_starts_ = 0;
};

}  // namespace

TEST_CASE("whatever is done to it, the double stays a Jenkins") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    RandomWorld world(seed);
    for (int i = 0; i < 150; ++i) {
      CAPTURE(i);
      world.step();
    }
    world.settle();
  }
}
