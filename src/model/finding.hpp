// What an examination found: one line for people and programs. Values.
#pragma once

#include <string>
#include <string_view>

#include "model/words.hpp"

namespace footman::model {

enum class FindingState {
  ok,
  warning,    // it works, or may; not as it should
  failed,     // agents cannot be launched like this, or not safely
  unchecked,  // nobody could be asked
};
inline constexpr Word<FindingState> kFindingStates[] = {{FindingState::ok, "ok"},
                                                        {FindingState::warning, "warning"},
                                                        {FindingState::failed, "failed"},
                                                        {FindingState::unchecked, "unchecked"}};

struct Finding {
  FindingState state = FindingState::ok;
  std::string check;       // a stable word: "subnet", "task-role"
  std::string text;        // one sentence without a full stop: what was found, with its name
  std::string advice;      // what to do; empty: nothing
  std::string permission;  // of unchecked: what the credentials lack, "iam:GetRole"; empty: it is not that
  std::string place;       // "server", or the cloud's name
  bool operator==(const Finding&) const = default;
};

}  // namespace footman::model
