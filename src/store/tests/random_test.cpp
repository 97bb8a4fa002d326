// Random moves against a model of what the states allow, with restarts in between. What must always hold is
// checked after each one.
#include <algorithm>

#include "runtime/rng.hpp"
#include "store/tests/dump.hpp"
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;
using model::AssignmentState;
using model::BuildResult;
using model::BuildState;
using model::ItemState;

namespace {

constexpr int kSeeds = 12;
constexpr int kMovesPerSeed = 100;

// What the test believes.
struct Believed {
  model::Build build;  // as it was when it finished
  BuildState state = BuildState::queued;
  ItemState item = ItemState::queued;
  bool cancelled = false;
  std::vector<AssignmentId> assignments;
};
struct BelievedAssignment {
  BuildId build;
  std::string agent;
  std::uint64_t epoch = 0;
  AssignmentState state = AssignmentState::offered;
  bool open() const {
    return state == AssignmentState::offered || state == AssignmentState::accepted ||
           state == AssignmentState::started;
  }
};

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : rng_(runtime::make_seeded_rng(seed)) {
    f_.create_job("app");
    for (const auto* agent : {"a", "b"}) f_.get(f_.store->record_launch_intents({}, {new_node(agent)}));
  }

  void step() {
    ++now_;
    switch (pick(10)) {
      case 0:
        return submit();
      case 1:
      case 2:
        return offer();
      case 3:
      case 4:
        return accept();
      case 5:
        return start();
      case 6:
        return give_back();
      case 7:
        return finish();
      case 8:
        return cancel();
      default:
        return pick(3) == 0 ? forget() : restart();
    }
  }

  void check() {
    const auto state = f_.get(f_.store->load_open_state());
    std::size_t open_builds = 0;
    for (const auto& [id, one] : builds_) {
      CAPTURE(id.value());
      check_build(id, one);
      open_builds += one.state != BuildState::finished ? 1 : 0;
    }
    CHECK(state.builds.size() == open_builds);
    CHECK(state.items.size() == open_builds);
    std::size_t open_assignments = 0;
    for (const auto& [id, one] : assignments_) open_assignments += one.open() ? 1 : 0;
    CHECK(state.assignments.size() == open_assignments);
    CHECK(state.streams.size() == open_assignments);
    for (const auto& node : state.nodes) CHECK(node.builds_done == done_[node.agent.str()]);
    CHECK(state.jobs.at(0).next_number == next_number_);
  }

 private:
  std::uint64_t pick(std::uint64_t below) { return rng_->next() % below; }
  Instant now() const { return at(now_); }

  // One of those there ever were, mostly a late one; 0 or beyond the last, too.
  template <class Map>
  std::int64_t any_of(const Map& map) {
    const auto newest = map.empty() ? 0 : map.rbegin()->first.value();
    return newest + 1 - static_cast<std::int64_t>(pick(6));
  }
  Believed* find_build(BuildId id) {
    const auto it = builds_.find(id);
    return it == builds_.end() ? nullptr : &it->second;
  }
  BelievedAssignment* find_assignment(AssignmentId id) {
    const auto it = assignments_.find(id);
    return it == assignments_.end() ? nullptr : &it->second;
  }

  // The answer is what was expected, a refused move has changed nothing, and a repeated one changes nothing
  // more.
  template <class Call>
  bool try_move(std::optional<Errc> expected, Call call) {
    const bool look = pick(5) == 0;  // it takes its time
    const auto before = look ? dump_now() : std::string();
    const auto result = f_.call(call());
    if (expected) {
      REQUIRE(!result);
      CHECK(result.error().code == *expected);
      if (look) CHECK(dump_now() == before);
      return false;
    }
    if (!result) FAIL(describe(result.error()));
    const auto after = look ? dump_now() : std::string();
    CHECK(f_.call(call()));
    if (look) CHECK(dump_now() == after);
    return true;
  }
  std::string dump_now() {
    const auto path = directory_.path("copy-" + std::to_string(++copies_));
    f_.get(f_.store->back_up(path));
    auto database = Database::open(path);
    REQUIRE(database);
    auto text = dump(*database);
    std::filesystem::remove(path);
    return text;
  }

  void submit() {
    auto request = new_build(pick(2) == 0 ? "app" : "");
    request.idempotency_key = "key " + std::to_string(++keys_);
    const bool of_job = !request.job.empty();
    try_move({}, [&] { return f_.store->submit_build(request); });
    const auto made = f_.get(f_.store->submit_build(request));
    CHECK(made.existed);
    CHECK(made.build.id.value() == ++newest_build_);
    CHECK(made.item.id.value() == newest_build_);
    if (of_job) CHECK(made.build.number == next_number_++);
    builds_[made.build.id] = {};
  }

  void offer() {
    const QueueItemId item(any_of(builds_));
    auto* one = find_build(BuildId(item.value()));  // items and builds count alike here
    const std::string agent = pick(2) == 0 ? "a" : "b";
    const auto epoch = pick(3);
    std::optional<Errc> expected;
    if (one == nullptr)
      expected = Errc::not_found;
    else if (one->item == ItemState::left)
      expected = Errc::conflict;
    else if (one->item == ItemState::pending) {
      const auto& open = assignments_.at(one->assignments.back());
      const bool same = open.state == AssignmentState::offered && open.agent == agent && open.epoch == epoch;
      if (!same) expected = Errc::conflict;
    }
    const bool fresh = one != nullptr && one->item == ItemState::queued;
    if (!try_move(expected, [&] { return f_.store->offer_assignment(item, AgentId(agent), epoch, now()); }))
      return;
    if (!fresh) return;
    const AssignmentId id(++newest_assignment_);
    assignments_[id] = {BuildId(item.value()), agent, epoch, AssignmentState::offered};
    one->assignments.push_back(id);
    one->item = ItemState::pending;
  }

  void accept() {
    const AssignmentId id(any_of(assignments_));
    auto* one = find_assignment(id);
    std::optional<Errc> expected;
    if (one == nullptr)
      expected = Errc::not_found;
    else if (one->state != AssignmentState::offered && one->state != AssignmentState::accepted)
      expected = Errc::conflict;
    if (try_move(expected, [&] { return f_.store->accept_assignment(id, now()); }))
      one->state = AssignmentState::accepted;
  }

  void start() {
    const AssignmentId id(any_of(assignments_));
    auto* one = find_assignment(id);
    std::optional<Errc> expected;
    if (one == nullptr)
      expected = Errc::not_found;
    else if (one->state != AssignmentState::accepted && one->state != AssignmentState::started)
      expected = Errc::conflict;
    if (!try_move(expected, [&] { return f_.store->start_assignment(id, now()); })) return;
    one->state = AssignmentState::started;
    builds_.at(one->build).state = BuildState::running;
  }

  void give_back() {
    const AssignmentId id(any_of(assignments_));
    auto* one = find_assignment(id);
    std::optional<Errc> expected;
    if (one == nullptr)
      expected = Errc::not_found;
    else if (one->state != AssignmentState::revoked &&
             (!one->open() || one->state == AssignmentState::started))
      expected = Errc::conflict;
    const bool was_open = one != nullptr && one->open();
    if (!try_move(expected, [&] { return f_.store->return_assignment(id, "back", now()); }) || !was_open)
      return;
    one->state = AssignmentState::revoked;
    builds_.at(one->build).item = ItemState::queued;
  }

  void finish() {
    FinishBuild end;
    end.build = BuildId(any_of(builds_));
    end.result = pick(2) == 0 ? BuildResult::success : BuildResult::failure;
    end.reason = "because";
    end.log_bytes = pick(100);
    end.now = now();
    constexpr AssignmentState kEnds[] = {AssignmentState::finished, AssignmentState::lost,
                                         AssignmentState::revoked};
    end.assignment_state = kEnds[pick(3)];
    auto* one = find_build(end.build);
    BelievedAssignment* open = nullptr;
    if (one != nullptr && !one->assignments.empty()) {
      open = &assignments_.at(one->assignments.back());
      if (!open->open()) open = nullptr;
      if (open != nullptr && pick(8) != 0) end.assignment = one->assignments.back();
    }
    std::optional<Errc> expected;
    if (one == nullptr)
      expected = Errc::not_found;
    else if (one->state != BuildState::finished && open != nullptr) {
      const bool had_started = open->state == AssignmentState::started;
      const bool fits = end.assignment_state == AssignmentState::lost ||
                        (end.assignment_state == AssignmentState::finished) == had_started;
      if (end.assignment.empty() || !fits) expected = Errc::conflict;
    }
    if (!try_move(expected, [&] { return f_.store->finish_build(end); })) return;
    if (one->state == BuildState::finished) return;
    if (open != nullptr) {
      done_[open->agent] += open->state == AssignmentState::started ? 1 : 0;
      open->state = end.assignment_state;
    }
    one->state = BuildState::finished;
    one->item = ItemState::left;
    one->build = f_.get(f_.store->get_build(end.build));
    CHECK(one->build.result == end.result);
  }

  void cancel() {
    const BuildId id(any_of(builds_));
    auto* one = find_build(id);
    std::optional<Errc> expected;
    if (one == nullptr)
      expected = Errc::not_found;
    else if (one->state == BuildState::finished)
      expected = Errc::conflict;
    if (try_move(expected, [&] { return f_.store->request_cancel(id, "stop", now()); }))
      one->cancelled = true;
  }

  void forget() {
    const JobPath job(pick(2) == 0 ? "app" : "");
    const auto keep = static_cast<std::uint32_t>(1 + pick(3));
    std::vector<std::pair<Instant, BuildId>> over;
    for (const auto& [id, one] : builds_)
      if (one.state == BuildState::finished && one.build.job == job)
        over.emplace_back(one.build.finished, id);
    std::sort(over.rbegin(), over.rend());
    over.erase(over.begin(),
               over.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(keep, over.size())));
    std::size_t streams = 0;
    for (const auto& [finished, id] : over) streams += builds_.at(id).assignments.size();
    CHECK(f_.get(f_.store->forget_builds(job, keep, {})).size() == streams);
    for (const auto& [finished, id] : over) {
      for (const auto assignment : builds_.at(id).assignments) assignments_.erase(assignment);
      builds_.erase(id);
    }
  }

  void restart() { f_.reopen(); }

  void check_build(BuildId id, const Believed& one) {
    const auto build = f_.get(f_.store->get_build(id));
    CHECK(build.state == one.state);
    CHECK(build.cancel_requested == one.cancelled);
    CHECK(build.attempts == one.assignments.size());
    const auto item = f_.get(f_.store->get_item(QueueItemId(id.value())));
    CHECK(item.state == one.item);
    CHECK(item.since == at(1));
    CHECK(item.assignment == (one.item == ItemState::pending ? one.assignments.back() : AssignmentId()));
    const auto assignments = f_.get(f_.store->list_assignments(id));
    REQUIRE(assignments.size() == one.assignments.size());
    for (std::size_t i = 0; i < assignments.size(); ++i) {
      CHECK(assignments[i].id == one.assignments[i]);
      CHECK(assignments[i].state == assignments_.at(one.assignments[i]).state);
    }
    if (one.state != BuildState::finished) return;
    CHECK(build.result == one.build.result);  // never changes
    CHECK(build.finished == one.build.finished);
    CHECK(build.reason == one.build.reason);
  }

  TemporaryDirectory directory_;
  Fixture f_{{directory_.path()}};
  std::unique_ptr<runtime::Rng> rng_;
  std::map<BuildId, Believed> builds_;
  std::map<AssignmentId, BelievedAssignment> assignments_;
  std::map<std::string, std::uint32_t> done_;
  std::int64_t now_ = 10;
  std::int64_t newest_build_ = 0;
  std::int64_t newest_assignment_ = 0;
  std::int64_t next_number_ = 1;
  int keys_ = 0;
  int copies_ = 0;
};

}  // namespace

TEST_CASE("random moves keep what must always hold") {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Walk walk(seed);
    for (int move = 0; move < kMovesPerSeed; ++move) {
      CAPTURE(move);
      walk.step();
      walk.check();
    }
  }
}
