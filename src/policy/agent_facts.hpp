// What follows from the record of one agent alone, for all parts of a plan alike. Pure. Inside the module.
#pragma once

#include "policy/provisioning_plan.hpp"

namespace footman::policy {

bool has_work(const Agent& agent);      // as far as is known
bool is_under_way(const Agent& agent);  // its launch is not answered yet
bool is_ending(const Agent& agent);     // its resource is on its way out: soon its place is free
bool stays(const Agent& agent);         // is kept when its work is over, and takes the next item that it fits
bool may_drain(const Agent& agent);     // of those: has work
bool drains(const Agent& agent);        // ends when its work is over
Instant end_of_age(const Agent& agent);  // it takes no more builds then; not set: at no time
// The better of two for an item: those that stay, connected ones first, then the one on its way for longest.
bool is_better(const Agent& a, const Agent& b);

// What an agent is to the pool of its template.
enum class PoolWork {
  none,     // it may be spare, or is nothing to the pool
  at_work,  // or given an item
  unclear,  // its controller has not spoken of it yet, or its row does not say yet that it ends
};
PoolWork pool_work_of(const Agent& agent);  // before any item is given out

}  // namespace footman::policy
