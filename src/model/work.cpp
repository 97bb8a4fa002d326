#include "model/work.hpp"

#include "model/words.hpp"

namespace footman::model {
namespace {

constexpr Word<BuildState> kBuildStates[] = {
    {BuildState::queued, "queued"}, {BuildState::running, "running"}, {BuildState::finished, "finished"}};

constexpr Word<BuildResult> kBuildResults[] = {{BuildResult::none, ""},
                                               {BuildResult::success, "SUCCESS"},
                                               {BuildResult::unstable, "UNSTABLE"},
                                               {BuildResult::failure, "FAILURE"},
                                               {BuildResult::not_built, "NOT_BUILT"},
                                               {BuildResult::aborted, "ABORTED"}};

constexpr Word<ItemState> kItemStates[] = {
    {ItemState::queued, "queued"}, {ItemState::pending, "pending"}, {ItemState::left, "left"}};

constexpr Word<ItemView> kItemViews[] = {{ItemView::waiting, "waiting"},
                                         {ItemView::blocked, "blocked"},
                                         {ItemView::buildable, "buildable"},
                                         {ItemView::pending, "pending"},
                                         {ItemView::left, "left"}};

constexpr Word<AssignmentState> kAssignmentStates[] = {
    {AssignmentState::offered, "offered"}, {AssignmentState::accepted, "accepted"},
    {AssignmentState::started, "started"}, {AssignmentState::finished, "finished"},
    {AssignmentState::revoked, "revoked"}, {AssignmentState::lost, "lost"}};

}  // namespace

std::string_view to_string(BuildState state) { return get_word(kBuildStates, state); }
std::string_view to_string(BuildResult result) { return get_word(kBuildResults, result); }
std::string_view to_string(ItemState state) { return get_word(kItemStates, state); }
std::string_view to_string(ItemView view) { return get_word(kItemViews, view); }
std::string_view to_string(AssignmentState state) { return get_word(kAssignmentStates, state); }

std::optional<BuildState> find_build_state(std::string_view text) { return find_value(kBuildStates, text); }
std::optional<BuildResult> find_build_result(std::string_view text) {
  return find_value(kBuildResults, text);
}
std::optional<ItemState> find_item_state(std::string_view text) { return find_value(kItemStates, text); }
std::optional<AssignmentState> find_assignment_state(std::string_view text) {
  return find_value(kAssignmentStates, text);
}

}  // namespace footman::model
