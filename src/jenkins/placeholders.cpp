#include "jenkins/placeholders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/ascii.hpp"
#include "base/digest.hpp"

namespace footman::jenkins {
namespace {

constexpr std::string_view kWord = "placeholder-";
constexpr std::size_t kShownLabels = 40;  // bytes of a name; the hash tells sets apart
constexpr std::size_t kHashDigits = 8;

std::string name_of(std::string_view prefix, const std::vector<std::string>& labels) {
  const auto joined = fmt::format("{}", fmt::join(labels, " "));
  std::string shown;
  for (const char c : joined) shown += is_alnum_or("._", c) ? c : '-';
  shown = shown.substr(0, kShownLabels);
  return fmt::format("{}{}{}{}{}", prefix, kWord, shown, shown.empty() ? "" : "-",
                     to_hex(sha256(joined)).substr(0, kHashDigits));
}

}  // namespace

std::vector<Placeholder> list_placeholders(std::string_view prefix, const std::vector<ServedLabels>& served) {
  std::set<std::vector<std::string>> sets;
  for (const auto& one : served) {
    auto labels = one.labels;
    std::ranges::sort(labels);
    labels.erase(std::ranges::unique(labels).begin(), labels.end());
    if (!labels.empty()) sets.insert(std::move(labels));
  }
  if (sets.empty()) sets.emplace();
  std::vector<Placeholder> all;
  for (const auto& labels : sets)
    for (const auto* number : {"-1", "-2"}) all.push_back({name_of(prefix, labels) + number, labels});
  return all;
}

bool is_placeholder_name(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return name.starts_with(kWord) && (name.ends_with("-1") || name.ends_with("-2"));
}

std::vector<PlaceholderTask> plan_placeholders(const std::vector<Placeholder>& wanted,
                                               std::string_view prefix, const Computers& computers,
                                               const std::function<bool(const Computer&)>& is_marked) {
  std::vector<PlaceholderTask> tasks;
  for (const auto& one : wanted) {
    const auto found = std::ranges::find(computers.all, one.name, &Computer::name);
    if (found == computers.all.end()) {
      tasks.push_back({PlaceholderStep::create, one});
      continue;
    }
    auto labels = one.labels;
    labels.push_back(one.name);
    std::ranges::sort(labels);
    if (!is_marked(*found)) continue;
    if (found->labels != labels)
      tasks.push_back({PlaceholderStep::erase, one});
    else if (!found->held)
      tasks.push_back({PlaceholderStep::hold, one});
  }
  for (const auto& computer : computers.all) {
    const bool is_wanted = std::ranges::count(wanted, computer.name, &Placeholder::name) > 0;
    if (!is_wanted && is_placeholder_name(prefix, computer.name) && is_marked(computer))
      tasks.push_back({PlaceholderStep::erase, {computer.name, {}}});
  }
  return tasks;
}

}  // namespace footman::jenkins
