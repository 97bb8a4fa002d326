// A change that must be stored is tried again while the store has no space, its disk has errors or it has too
// much to do.
#pragma once

#include <algorithm>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/wait.hpp"

namespace footman::store {

inline constexpr base::Duration kRetryFirst = base::Duration(100'000);  // doubled up to the next
inline constexpr base::Duration kRetryMost = base::Duration(5'000'000);

// The disk says no: nothing can be stored.
inline bool is_storage_trouble(base::Errc code) {
  return code == base::Errc::resource_exhausted || code == base::Errc::io;
}

// Trying again may help.
inline bool may_pass(base::Errc code) { return is_storage_trouble(code) || code == base::Errc::unavailable; }

// Calls until the answer, a Result or Status, is something else than trouble that may pass. Before each
// pause on_trouble(error, pause) is told. Ends early by cancellation only.
template <class Call, class OnTrouble>
auto until_stored(runtime::Clock& clock, Call call, OnTrouble on_trouble) -> decltype(call()) {
  auto result = co_await call();
  for (auto pause = kRetryFirst; !result && may_pass(result.error().code);
       pause = std::min(pause * 2, kRetryMost)) {
    on_trouble(result.error(), pause);
    co_await runtime::sleep_for(clock, pause);
    result = co_await call();
  }
  co_return result;
}

}  // namespace footman::store
