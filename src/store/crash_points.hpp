// The store's crash points: "before-commit:<move>" and "after-commit:<move>" for each move that writes, hit
// on the store's executor around the commit that holds the move. Crash tests enumerate this list.
#pragma once

#include <array>
#include <string_view>

namespace footman::store {

// The moves of store::Store that write, by the names of its functions. (back_up writes another file: a crash
// leaves only a ".partial" one behind.)
inline constexpr std::array<std::string_view, 24> kWritingMoves = {
    "record_shutdown",  "settle_doubt",      "release_items",         "create_job",
    "save_job",         "delete_job",        "submit_build",          "request_cancel",
    "offer_assignment", "accept_assignment", "start_assignment",      "return_assignment",
    "record_step",      "finish_build",      "record_launch_intents", "change_agent",
    "redeem_node",      "change_node",       "count_refused",         "remove_node",
    "add_timeline",     "save_setting",      "forget_builds",         "confirm_removed_streams",
};

inline constexpr std::string_view kBeforeCommit = "before-commit:";
inline constexpr std::string_view kAfterCommit = "after-commit:";

}  // namespace footman::store
