// When something is looked at again.
#pragma once

#include "base/time.hpp"

namespace footman::policy {

using namespace footman::base;

// Neither of them has to be set.
inline void look_no_later(Instant& look, Instant at) {
  if (at.is_set() && (!look.is_set() || at < look)) look = at;
}

}  // namespace footman::policy
