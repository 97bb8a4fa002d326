// Findings of one check, as an examination collects them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/finding.hpp"

namespace footman::model {

class Findings {
 public:
  explicit Findings(std::string check) : check_(std::move(check)) {}

  void ok(std::string text) { add(FindingState::ok, std::move(text), {}); }
  void warn(std::string text, std::string advice) {
    add(FindingState::warning, std::move(text), std::move(advice));
  }
  void fail(std::string text, std::string advice) {
    add(FindingState::failed, std::move(text), std::move(advice));
  }
  // `permission`: what the credentials lack; empty: it is not that.
  void unchecked(std::string text, std::string advice, std::string permission = {}) {
    add(FindingState::unchecked, std::move(text), std::move(advice));
    list_.back().permission = std::move(permission);
  }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  void add(FindingState state, std::string text, std::string advice) {
    list_.push_back({state, check_, std::move(text), std::move(advice), {}, {}});
  }
  std::string check_;
  std::vector<Finding> list_;
};

}  // namespace footman::model
