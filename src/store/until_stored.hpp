// A change that must be stored is tried again while the store has no space or its disk has errors.
#pragma once

#include <algorithm>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/wait.hpp"

namespace footman::store {

inline constexpr base::Duration kRetryFirst = base::Duration(100'000);  // doubled up to the next
inline constexpr base::Duration kRetryMost = base::Duration(5'000'000);

inline bool is_storage_trouble(base::Errc code) {
  return code == base::Errc::resource_exhausted || code == base::Errc::io;
}

// Calls until the answer, a Result or Status, is something else than trouble with the storage. Before each
// pause on_trouble(error, pause) is told. Ends early by cancellation only.
template <class Call, class OnTrouble>
auto until_stored(runtime::Clock& clock, Call call, OnTrouble on_trouble) -> decltype(call()) {
  auto result = co_await call();
  for (auto pause = kRetryFirst; !result && is_storage_trouble(result.error().code);
       pause = std::min(pause * 2, kRetryMost)) {
    on_trouble(result.error(), pause);
    co_await runtime::sleep_for(clock, pause);
    result = co_await call();
  }
  co_return result;
}

}  // namespace footman::store
