// Anything at any time, from a seed: builds, cancellations, deaths of agents, of the server and of Jenkins,
// lost answers, pages of proxies, people who delete nodes. When it is calm again, all builds are over, and
// nothing is left on either side.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "jenkins/tests/fake_world.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

namespace {

class Soak {
 public:
  Soak(std::uint32_t seed, bool gentle)
      : dice_(seed), gentle_(gentle), world_({{{"linux", "big"}, false}, {{"gpu"}, false}}) {
    world_.launch_time = between(100ms, 4s);
    world_.add_freestyle("short", "linux", 0s);
    world_.add_freestyle("long", "linux && big", 20s);
    world_.add_freestyle("gpu", "gpu", 3s);
    world_.add_freestyle("windows", "windows", 3s);
    world_.add_pipeline("pipe", {"linux"}, 5s);
    world_.add_pipeline("wide", {"linux", "gpu", "big"}, 2s);
  }

  void run() {
    world_.start();
    world_.run(10s);
    const auto until = world_.now() + 3min;
    while (world_.now() < until) {
      step();
      world_.run(between(50ms, 2s));
    }
    world_.jenkins->clear_faults();
    world_.jenkins->set_quieting_down(false, world_.now());
    const bool is_calm = world_.run_until([&] { return is_over(); }, 1h);
    if (!is_calm) tell();
    REQUIRE(is_calm);
    for (const auto& text : world_.jenkins->violations())
      if (!is_excused(text)) FAIL_CHECK(text);
    if (!gentle_) return;
    for (const auto& text : world_.controller->overview().violations()) FAIL_CHECK(text);
    for (const auto& one : world_.jenkins->starts()) CHECK(world_.starts_on(one.node) == 1);
  }

 private:
  Duration between(Duration low, Duration high) {
    return Duration(std::uniform_int_distribution<std::int64_t>(low.count(), high.count())(dice_));
  }
  std::size_t pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(dice_);
  }
  bool chance(double of) { return std::uniform_real_distribution<>()(dice_) < of; }

  void step() {
    if (chance(0.6)) {
      constexpr const char* kJobs[] = {"short", "long", "gpu", "windows", "pipe", "wide"};
      (void)world_.jenkins->trigger(kJobs[pick(6)], world_.now(), chance(0.3) ? Duration(1s) : Duration(0));
    }
    if (chance(0.1)) cancel();
    if (gentle_) return;
    if (chance(0.05)) kill();
    if (chance(0.05)) world_.restart(between(0s, 10s));
    if (chance(0.02)) world_.jenkins->restart(chance(0.5), between(2s, 20s), world_.now());
    if (chance(0.1)) add_fault();
    if (chance(0.03)) delete_node();
    if (chance(0.05)) world_.jenkins->set_quieting_down(chance(0.3), world_.now());
  }

  void cancel() {
    const auto items = world_.jenkins->waiting_items();
    if (!items.empty()) (void)world_.jenkins->cancel(items[pick(items.size())]->id, world_.now());
  }

  void kill() {
    if (world_.machines.empty()) return;
    auto it = world_.machines.begin();
    std::advance(it, pick(world_.machines.size()));
    excused_.insert(it->second.node);
    world_.kill_machine(AgentId(it->first));
  }

  void add_fault() {
    constexpr Fault::Kind kKinds[] = {Fault::Kind::proxy_page, Fault::Kind::lost_request,
                                      Fault::Kind::lost_answer, Fault::Kind::slow};
    constexpr const char* kPaths[] = {"",     "doCreateItem", "toggleOffline", "doDelete",
                                      "jnlp", "/queue/",      "/computer/api"};
    constexpr int kStatus[] = {502, 200, 403, 302};
    world_.jenkins->add_fault({kKinds[pick(4)],
                               {},
                               kPaths[pick(7)],
                               static_cast<int>(pick(4)) + 1,
                               kStatus[pick(4)],
                               between(0s, 5s)});
  }

  void delete_node() {
    const auto nodes = world_.agent_nodes();
    if (nodes.empty()) return;
    const auto& node = nodes[pick(nodes.size())];
    excused_.insert(node);
    const auto path = fmt::format("/computer/{}/doDelete", node);
    (void)world_.jenkins->handle({"POST", path, {{"Authorization", "Basic YWRtaW46YWRtaW4tdG9rZW4="}}, {}},
                                 world_.now());
  }

  // It names a node whose end was not Footman's doing.
  bool is_excused(const std::string& text) const {
    return std::ranges::any_of(excused_, [&](const std::string& node) {
      return text.starts_with(node + " ") || text.starts_with("the name " + node + " ") ||
             text.contains("\u2018" + node + "\u2019");
    });
  }

  // A run that was resumed waits for its own node, and for no other one.
  bool is_over() const {
    const bool serves_all = std::ranges::all_of(world_.controller->overview().items(), [&](const auto& one) {
      return one.item.task.starts_with("job/windows/") || is_excused(one.item.why);
    });
    return serves_all && world_.agents.empty() && world_.agent_nodes().empty() &&
           world_.book.records.empty() && world_.machines.empty() && world_.placeholders_stand();
  }

  void tell() const {
    MESSAGE(world_.controller->trouble());
    for (const auto& [id, node] : world_.controller->overview().nodes()) {
      const auto& one = node->record;
      MESSAGE(one.node << " " << to_string(one.phase) << " link " << static_cast<int>(one.link) << " build "
                       << one.build.path << " for " << one.released_key << " " << one.detail
                       << (one.drained ? " drained" : ""));
    }
    for (const auto& one : world_.controller->overview().items())
      MESSAGE(one.item.key() << " " << to_string(one.verdict) << " " << one.item.why);
    for (const auto& [id, one] : world_.agents)
      MESSAGE(id.str() << " for " << one.item << " launched " << one.launched << " acting " << one.acting
                       << " ending " << one.ending << " activity " << static_cast<int>(one.seen.activity));
    for (const auto& [name, one] : world_.jenkins->computers())
      MESSAGE(name << " held " << one.held.has_value() << " online " << one.online << " idle "
                   << one.is_idle() << " deleted " << one.deleted);
  }

  std::mt19937 dice_;
  bool gentle_;
  std::set<std::string> excused_;
  FakeWorld world_;
};

}  // namespace

TEST_CASE("anything at any time: nothing breaks") {
  for (std::uint32_t seed = 1; seed <= 2; ++seed) {
    CAPTURE(seed);
    Soak(seed, true).run();
  }
}

TEST_CASE("anything at any time: everything breaks") {
  for (std::uint32_t seed = 1; seed <= 2; ++seed) {
    CAPTURE(seed);
    Soak(seed, false).run();
  }
}
