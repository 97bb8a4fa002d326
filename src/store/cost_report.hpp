// What builds and agents have cost, added up from the ledger of costs.
#pragma once

#include <map>
#include <string>
#include <unordered_set>

#include "store/store.hpp"

namespace footman::store {

enum class CostGroup { job, label, template_name, cloud, day };

struct CostRow {
  std::string key;           // empty: ad-hoc builds, no label, or agents that had no build or several
  std::uint32_t builds = 0;  // that had time on an agent
  std::uint32_t agents = 0;
  model::Cost cost;
};
struct CostReport {
  std::vector<CostRow> rows;    // the dearest first, days (UTC) the newest first; at most kMaxCostRows
  bool more = false;            // there would be more
  CostRow total;                // of all, also of those beyond
  model::Money useful_of_live;  // for builds that are over, of agents that are still there
};
inline constexpr std::size_t kMaxCostRows = 1'000;

// Adds lines up, in any order. A value.
class CostSum {
 public:
  explicit CostSum(CostGroup by) : by_(by) {}
  // By day: what lasted over midnight counts in each day for the time that it had of it.
  void add(const CostLine& line);
  CostReport report() const;  // without what is not in lines

 private:
  struct Sum {
    std::unordered_set<BuildId> builds;
    std::uint32_t others = 0;  // builds of other controllers
    std::unordered_set<AgentId> agents;
    model::Cost cost;
    void add(const CostLine& line);
    CostRow row(std::string key) const;
  };
  std::string key_of(const CostLine& line) const;
  void add_to_days(const CostLine& line);

  CostGroup by_;
  std::map<std::string, Sum> groups_;
  Sum total_;
};

// Reads the ledger piece by piece, so that no other work of the store has to wait for it.
Awaitable<Result<CostReport>> report_costs(Store& store, CostGroup by, CostSpan span);

}  // namespace footman::store
