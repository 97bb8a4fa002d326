#include "fleet/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace footman::fleet {

using model::AgentState;
using ports::Resource;
using ports::ResourceState;

namespace {

bool is_alive(const RowFacts& row) {
  return row.state != AgentState::terminating && row.state != AgentState::failed &&
         row.state != AgentState::lost && row.state != AgentState::terminated;
}

class Comparer {
 public:
  Comparer(const CloudName& cloud, Duration lag) : cloud_(cloud), lag_(lag) {}

  void compare_listed(const RowFacts& row, Resource resource) {
    if (resource.state == ResourceState::gone) {
      if (is_alive(row)) find(Verdict::resource_gone, row, resource.handle, describe_end(resource));
      result.ended.push_back({row.agent, std::move(resource)});
      return;
    }
    if (!is_alive(row) || !row.handle.empty() || row.calling) {
      ++result.matched;
      return;
    }
    find(Verdict::handle_learned, row, resource.handle, "The answer to its launch was lost.");
    result.learned.push_back({row.agent, std::move(resource)});
  }

  void compare_unlisted(const RowFacts& row) {
    if (!is_alive(row) || !row.asked || row.calling) return;  // nothing is expected in the list
    if (row.since_call < Duration(0)) return;                 // the list is older than the launch
    if (row.handle.empty() && row.state == AgentState::launching) return;  // it is still being asked for
    if (row.since_call < lag_)
      find(Verdict::not_listed_yet, row, row.handle,
           fmt::format("Launched {} ago; the list may lag by {}.", format_duration(row.since_call),
                       format_duration(lag_)));
    else if (row.connected)  // a build may run there: its session is the better witness
      find(Verdict::not_listed_yet, row, row.handle, "It is not listed, but its session stands.");
    else
      result.missing.push_back(row.agent);
  }

  void find_foreign(const Resource& resource) {
    const auto whose = resource.installation.empty()
                           ? std::string("The cloud lists it with ours, but it does not say whose it is.")
                           : fmt::format("It belongs to installation '{}'.", resource.installation.str());
    result.findings.push_back({Verdict::foreign, resource.agent, cloud_, resource.handle, whose});
  }

  Comparison result;

 private:
  void find(Verdict verdict, const RowFacts& row, const std::string& handle, std::string text) {
    result.findings.push_back({verdict, row.agent, cloud_, handle, std::move(text)});
  }
  static std::string describe_end(const Resource& resource) {
    return resource.death.text.empty() ? "The cloud says that it has ended." : resource.death.text;
  }

  const CloudName& cloud_;
  Duration lag_;
};

// A list of several pages may have a resource twice, as it was at two times: the later one counts.
void drop_repeats(std::vector<Resource>& resources) {
  std::ranges::stable_sort(resources, [](const Resource& a, const Resource& b) {
    return std::tie(a.client_token, a.handle, b.state) < std::tie(b.client_token, b.handle, a.state);
  });
  const auto [first, last] = std::ranges::unique(resources, [](const Resource& a, const Resource& b) {
    return a.client_token == b.client_token && a.handle == b.handle;
  });
  resources.erase(first, last);
}

}  // namespace

bool is_of(const std::string& handle, const Resource& resource) {
  return handle.empty() || resource.handle.empty() || handle == resource.handle;
}

Comparison compare(const std::vector<RowFacts>& rows, std::vector<Resource> resources, const CloudName& cloud,
                   const InstallationId& installation, Duration listing_lag) {
  drop_repeats(resources);
  Comparer comparer(cloud, listing_lag);
  std::unordered_map<std::string_view, const RowFacts*> by_token;
  by_token.reserve(rows.size());
  for (const auto& row : rows) by_token.emplace(row.token, &row);
  std::unordered_map<std::string_view, bool> listed;
  listed.reserve(rows.size());
  for (auto& resource : resources) {
    if (resource.installation != installation) {
      if (resource.state != ResourceState::gone) comparer.find_foreign(resource);
      continue;
    }
    const auto it = by_token.find(resource.client_token);
    if (it == by_token.end() || !is_of(it->second->handle, resource)) {
      if (resource.state != ResourceState::gone) comparer.result.strays.push_back(std::move(resource));
      continue;
    }
    listed.emplace(it->first, true);
    comparer.compare_listed(*it->second, std::move(resource));
  }
  for (const auto& row : rows)
    if (!listed.contains(row.token)) comparer.compare_unlisted(row);
  return std::move(comparer.result);
}

}  // namespace footman::fleet
