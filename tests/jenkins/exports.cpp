#include "tests/jenkins/exports.hpp"

#include <fmt/format.h>

namespace footman::fake_jenkins {

namespace {

constexpr int kDeepest = 20;  // of brackets in a tree

class TreeParser {
 public:
  explicit TreeParser(std::string_view text) : rest_(text) {}

  base::Result<std::shared_ptr<Selection::Tree>> parse(int depth = 0) {
    auto tree = std::make_shared<Selection::Tree>();
    if (depth > kDeepest) return refuse();
    while (true) {
      const auto end = std::min(rest_.find_first_of(",[]{"), rest_.size());
      const std::string name(rest_.substr(0, end));
      rest_.remove_prefix(end);
      if (name.empty()) return refuse();
      auto member = std::make_shared<Selection::Tree>();
      if (rest_.starts_with('[')) {
        rest_.remove_prefix(1);
        FOOTMAN_TRY(member, parse(depth + 1));
        if (!rest_.starts_with(']')) return refuse();
        rest_.remove_prefix(1);
      }
      tree->members[name] = member;
      if (!rest_.starts_with(',')) break;
      rest_.remove_prefix(1);
    }
    if (depth == 0 && !rest_.empty()) return refuse();
    return tree;
  }

 private:
  std::unexpected<base::Error> refuse() const {
    return base::fail(base::Errc::invalid_argument, fmt::format("tree= cannot be read at '{}'", rest_));
  }
  std::string_view rest_;
};

}  // namespace

Selection Selection::by_depth(int depth) {
  Selection selection;
  selection.level_ = 1 - depth;
  return selection;
}

base::Result<Selection> Selection::by_tree(std::string_view tree) {
  Selection selection;
  FOOTMAN_TRY(selection.tree_, TreeParser(tree).parse());
  return selection;
}

std::optional<Selection> Selection::of(std::string_view name, int visibility, bool inlined) const {
  Selection member;
  if (tree_) {
    const auto found = tree_->members.find(name);
    if (found == tree_->members.end()) return std::nullopt;
    member.tree_ = found->second;
    return member;
  }
  if (visibility < level_) return std::nullopt;
  member.level_ = inlined ? level_ : level_ + 1;
  return member;
}

Export::Export(const Selection& asked, std::string_view class_name) : asked_(asked) {
  if (!class_name.empty()) object_["_class"] = to_text(class_name);
}

}  // namespace footman::fake_jenkins
