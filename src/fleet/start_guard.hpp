// Holds back the ends of strays after a start: while they are many, or while the database is in doubt, they
// wait until a person has said so (policy/reconcile_guard.hpp decides). Per cloud it is over with the first
// list that is late enough to show everything and leads to no hold. What it let through counts on, so that
// many do not pass as several few. No I/O; an approval lives as long as this run of the server.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fleet/views.hpp"

namespace footman::fleet {

class StartGuard {
 public:
  // doubt: why the database may not be the one that the last run left; empty: it is.
  void begin(const std::vector<CloudName>& clouds, std::string doubt);

  // What one list says. living: agents of this installation, `strays` among them; late: it was begun after
  // the cloud's listing lag had passed since the start. True: its strays may be ended.
  bool judge(const CloudName& cloud, std::size_t living, std::set<std::string> strays, bool late);

  // For every cloud that was listed; one that was not has shown nobody what it has. Returns how many ends had
  // waited.
  std::size_t approve();

  const std::optional<Hold>& hold() const { return hold_; }
  bool is_over(const CloudName& cloud) const { return clouds_.at(cloud).over; }
  bool is_over() const;
  const std::string& doubt() const { return doubt_; }
  void settle_doubt() { doubt_.clear(); }

 private:
  struct Listed {
    bool listed = false;
    bool over = false;
    std::size_t others = 0;        // living, no strays
    std::set<std::string> strays;  // those that were let through, too
    std::set<std::string> ended;   // let through
  };
  void decide();

  std::map<CloudName, Listed> clouds_;
  std::string doubt_;
  std::optional<Hold> hold_;
};

}  // namespace footman::fleet
