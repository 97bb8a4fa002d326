// Findings as they are collected: for the files of the examination only.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "ecs/examine.hpp"

namespace footman::ecs {

class Findings {
 public:
  explicit Findings(std::string check) : check_(std::move(check)) {}

  void ok(std::string text) { add(model::FindingState::ok, std::move(text), {}); }
  void warn(std::string text, std::string advice) {
    add(model::FindingState::warning, std::move(text), std::move(advice));
  }
  void fail(std::string text, std::string advice) {
    add(model::FindingState::failed, std::move(text), std::move(advice));
  }
  void unchecked(std::string text, std::string advice) {
    add(model::FindingState::unchecked, std::move(text), std::move(advice));
  }
  // `what`: "the subnets".
  void unknown(const std::string& what, const NotKnown& why) {
    auto advice = why.denied ? std::string("`footman iam-policy --doctor` prints what the examination needs")
                             : std::string();
    add(model::FindingState::unchecked, fmt::format("{}: {}", what, why.why), std::move(advice));
    if (why.denied) list_.back().permission = why.permission;
  }
  std::vector<model::Finding> take() { return std::move(list_); }

 private:
  void add(model::FindingState state, std::string text, std::string advice) {
    list_.push_back({state, check_, std::move(text), std::move(advice), {}, {}});
  }
  std::string check_;
  std::vector<model::Finding> list_;
};

std::vector<model::Finding> examine_subnets(const Examined& examined, const Survey& survey);
std::vector<model::Finding> examine_ways_out(const Examined& examined, const Survey& survey);
std::vector<model::Finding> examine_groups(const Examined& examined, const Survey& survey);
std::vector<model::Finding> examine_reach(const Examined& examined, const Survey& survey);

}  // namespace footman::ecs
