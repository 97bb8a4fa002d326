// Takes task definitions of this installation out of use that nothing needs any more: each content has a
// family of its own, so each change of a template leaves one behind.
//
// Slowly, soon after the start and then every few hours. A family counts as used while a configured template
// has its content, a task of it lives, or a launch has wanted it lately (Definitions). Of the others the
// newest of each template stays for a while (ecs/stale_definitions.hpp). In steady state a round is two lists
// that change nothing. Each step may be the last one: what it leaves is found by the next round, also what is
// inactive and was not deleted.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "cloud/ecs/api.hpp"
#include "cloud/ecs/definitions.hpp"
#include "ecs/stale_definitions.hpp"
#include "runtime/even_time.hpp"

namespace footman::cloud::ecs {

inline constexpr Duration kFirstCleanUp = 10s;  // after the start: launches that were under way come first
inline constexpr Duration kCleanUpPause = std::chrono::hours(6);
inline constexpr Duration kRetirePause = 2s;  // between two families

// What the cloud knows of its definitions. Its functions are called between any two steps.
struct DefinitionUses {
  InstallationId installation;
  std::string tag_prefix;
  std::function<bool()> are_known;                  // false: the tasks that live were not listed yet
  std::function<std::set<std::string>()> families;  // that are used
  std::function<bool(const TemplateName&)> is_of_another_cloud;  // which cleans up itself
};

// On the executor of the API, which outlives it, as do the others.
class CleanUp {
 public:
  CleanUp(Api& api, Definitions& definitions, DefinitionUses uses, runtime::Clock& clock,
          const runtime::EvenTime& even, Logger log);
  // Until it is cancelled.
  Awaitable<void> run();

 private:
  Awaitable<CallResult<void>> clean_up();
  Awaitable<CallResult<void>> look_at(std::string family);
  Awaitable<CallResult<void>> delete_left(std::vector<std::string> families);
  bool is_ours(const DefinitionFacts& found) const;
  std::string tag_of(const DefinitionFacts& found, std::string_view name) const;
  std::vector<footman::ecs::UnusedDefinition> list_unused() const;

  Api& api_;
  Definitions& definitions_;
  DefinitionUses uses_;
  runtime::Clock& clock_;
  const runtime::EvenTime& even_;
  Logger log_;
  std::map<std::string, footman::ecs::UnusedDefinition> unused_;  // ours, by family
  std::set<std::string> others_;                                  // families that are somebody else's
};

}  // namespace footman::cloud::ecs
