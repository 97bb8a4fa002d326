#include "jenkins/why.hpp"

#include <fmt/format.h>

#include <optional>

namespace footman::jenkins {
namespace {

constexpr std::string_view kOpen = "\xe2\x80\x98";   // ‘
constexpr std::string_view kClose = "\xe2\x80\x99";  // ’
constexpr std::string_view kReserved = " is reserved for jobs with matching label expression";
constexpr std::string_view kBetween = "; ";

// Of `head ‘name’ tail`: the name.
std::optional<std::string> find_quoted(std::string_view text, std::string_view head, std::string_view tail) {
  if (!text.starts_with(head)) return std::nullopt;
  text.remove_prefix(head.size());
  if (!text.ends_with(tail)) return std::nullopt;
  text.remove_suffix(tail.size());
  if (!text.starts_with(kOpen) || !text.ends_with(kClose)) return std::nullopt;
  if (text.size() <= kOpen.size() + kClose.size()) return std::nullopt;
  text.remove_prefix(kOpen.size());
  text.remove_suffix(kClose.size());
  if (text.contains(kOpen) || text.contains(kClose)) return std::nullopt;
  return std::string(text);
}

Why read_one(std::string_view text) {
  if (text == "Waiting for next available executor") return {WhyKind::any, {}};
  if (text == "Jenkins is about to shut down") return {WhyKind::shutting_down, {}};
  if (text == "Executor slot already in use") return {WhyKind::slot_taken, {}};
  if (text.starts_with("In the quiet period")) return {WhyKind::quiet_period, {}};
  if (text.starts_with("Build #") && text.contains(" is already in progress")) return {WhyKind::blocked, {}};
  if (auto name = find_quoted(text, "There are no nodes with the label ", "")) return {WhyKind::label, *name};
  if (auto name = find_quoted(text, "All nodes of label ", " are offline")) return {WhyKind::label, *name};
  if (auto name = find_quoted(text, "Waiting for next available executor on ", ""))
    return {WhyKind::label_or_node, *name};
  if (auto name = find_quoted(text, "", " is offline")) return {WhyKind::node, *name};
  if (auto name = find_quoted(text, "", " is not accepting tasks")) return {WhyKind::node, *name};
  if (find_quoted(text, "", kReserved)) return {WhyKind::no_label, {}};
  return {};
}

bool says_more(WhyKind kind, WhyKind than) {
  const auto rank = [](WhyKind one) {
    switch (one) {
      case WhyKind::shutting_down:
        return 5;
      case WhyKind::quiet_period:
      case WhyKind::blocked:
        return 4;
      case WhyKind::label:
      case WhyKind::label_or_node:
      case WhyKind::no_label:
        return 3;
      case WhyKind::any:
        return 2;
      case WhyKind::node:
      case WhyKind::slot_taken:
        return 1;
      case WhyKind::unknown:
        break;
    }
    return 0;
  };
  return rank(kind) > rank(than);
}

}  // namespace

// Where idle executors of several nodes refuse it, each node has its own reason in one text.
Why read_why(std::string_view text) {
  auto why = read_one(text);
  if (why.kind != WhyKind::unknown) return why;
  while (!text.empty()) {
    const auto end = text.find(kBetween);
    auto part = read_one(text.substr(0, end));
    if (says_more(part.kind, why.kind)) why = std::move(part);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + kBetween.size());
  }
  return why;
}

std::vector<std::string> list_reserved(std::string_view text) {
  std::vector<std::string> nodes;
  while (!text.empty()) {
    const auto end = text.find(kBetween);
    if (auto name = find_quoted(text.substr(0, end), "", kReserved)) nodes.push_back(std::move(*name));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + kBetween.size());
  }
  return nodes;
}

base::Result<model::LabelExpr> parse_shown_label(std::string_view text) {
  auto expression = model::parse_label_expression(text);
  if (expression && !expression->empty()) return expression;
  if (text.contains('"')) return expression;
  auto quoted = model::parse_label_expression(fmt::format("\"{}\"", text));
  return quoted ? quoted : expression;
}

}  // namespace footman::jenkins
