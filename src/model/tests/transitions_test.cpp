#include "model/transitions.hpp"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

using namespace footman::model;

namespace {

// One row per state, in the enum's order; 'x' where the column's state may follow.
template <class State>
void check_table(const std::vector<std::string_view>& rows) {
  for (std::size_t from = 0; from < rows.size(); ++from) {
    REQUIRE(rows[from].size() == rows.size());
    for (std::size_t to = 0; to < rows.size(); ++to) {
      INFO(to_string(static_cast<State>(from)), " -> ", to_string(static_cast<State>(to)));
      CHECK(can_transition(static_cast<State>(from), static_cast<State>(to)) == (rows[from][to] == 'x'));
    }
    const bool has_next = rows[from].find('x') != std::string_view::npos;
    CHECK(is_final(static_cast<State>(from)) != has_next);
  }
}

}  // namespace

TEST_CASE("agent states, all pairs") {
  //           planned launching connecting online draining terminating terminated failed lost
  check_table<AgentState>({".x...xx..",    // planned
                           "..xxxx.xx",    // launching
                           "...xxx.xx",    // connecting
                           "....xx.xx",    // online
                           ".....x.xx",    // draining
                           "......x..",    // terminating
                           ".........",    // terminated
                           ".....xx..",    // failed
                           ".....xx.."});  // lost
}

TEST_CASE("assignment states, all pairs") {
  //                offered accepted started finished revoked lost
  check_table<AssignmentState>({".x..xx", "..x.xx", "...x.x", "......", "......", "......"});
}

TEST_CASE("build and item states, all pairs") {
  check_table<BuildState>({".xx", "..x", "..."});  // queued running finished
  check_table<ItemState>({".xx", "x.x", "..."});   // queued pending left
}

TEST_CASE("every agent can reach its end") {
  for (int i = 0; i <= static_cast<int>(AgentState::lost); ++i) {
    auto state = static_cast<AgentState>(i);
    if (can_transition(state, AgentState::terminating)) state = AgentState::terminating;
    if (state != AgentState::terminated) CHECK(can_transition(state, AgentState::terminated));
  }
}
