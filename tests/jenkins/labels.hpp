// Jenkins' label expressions: `linux && (big || !arm)`, `a -> b`, `a <-> b`, `"quoted atom"`.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::fake_jenkins {

using LabelSet = std::set<std::string, std::less<>>;

class Label {
 public:
  static base::Result<Label> parse(std::string_view expression);

  // Of a node with these labels; its name counts as one, too.
  bool matches(const LabelSet& labels, std::string_view name = {}) const;
  // As `why` has it: without spaces and quotes, with the parentheses that were written.
  const std::string& name() const { return name_; }
  // hudson.model.labels.…
  std::string class_name() const;

  struct Node;  // of the expression; the implementation's

 private:
  std::shared_ptr<const Node> root_;
  std::string name_;
};

LabelSet split_labels(std::string_view words);  // "linux docker"

}  // namespace footman::fake_jenkins
