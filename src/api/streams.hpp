// What long answers have in common. For use inside api only.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <stdexcept>

#include "api/context.hpp"

namespace footman::api {

// One open stream, as long as it lives.
class Counted {
 public:
  explicit Counted(base::Gauge& gauge) : gauge_(gauge) { gauge_.add(1); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { gauge_.add(-1); }

 private:
  base::Gauge& gauge_;
};

inline Status check_room(const base::Gauge& gauge, std::size_t most, std::string_view what) {
  if (gauge.value() < static_cast<std::int64_t>(most)) return {};
  return fail(Errc::resource_exhausted, fmt::format("{} {} are open, which is the limit", most, what));
}

// Ends an answer that cannot be completed: the client sees that it is not whole.
[[noreturn]] inline void break_off(const Error& error) { throw std::runtime_error(describe(error)); }

// A token may be revoked, a session may end while an answer goes on.
inline bool still_allowed(const Context& context, const std::shared_ptr<const net::HttpRequest>& request) {
  return context.parts.auth.authenticate(*request).has_value();
}

}  // namespace footman::api
