// What is expected to go wrong is a value: Result<T>. Exceptions are for a broken environment, FOOTMAN_CHECK
// for bugs.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace footman::base {

enum class Errc {
  invalid_argument,  // the caller's input is wrong; `field` says where
  not_found,
  already_exists,
  conflict,  // valid, but not in the present state (finished build, stale epoch, other idempotent request)
  unauthenticated,     // who are you
  permission_denied,   // I know who you are
  resource_exhausted,  // a named limit was reached
  unavailable,         // try again later
  timeout,
  cancelled,
  corrupt,      // stored or received bytes are not what they must be
  unsupported,  // version or feature
  io,           // the operating system said no; the message has its words
  internal,
};

std::string_view to_string(Errc code);

struct Error {
  Errc code = Errc::internal;
  std::string message;  // one sentence for a person: what happened, where
  std::string field;    // input field or file:line:column, when there is one
  std::string hint;     // what to do about it, when we know

  bool operator==(const Error&) const = default;
};

// "message (at field). hint"
std::string describe(const Error& error);

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Errc code, std::string message, std::string field = {},
                                   std::string hint = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(field), std::move(hint)});
}

// errno's text appended: fail_errno("open /x") -> "open /x: Permission denied"
std::unexpected<Error> fail_errno(std::string_view what, int error_number);

}  // namespace footman::base

#define FOOTMAN_CONCAT_(a, b) a##b
#define FOOTMAN_CONCAT(a, b) FOOTMAN_CONCAT_(a, b)

// FOOTMAN_TRY(auto value, expression): in a function that returns a Result.
#define FOOTMAN_TRY_IMPL_(tmp, decl, expr)                  \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
#define FOOTMAN_TRY(decl, expr) FOOTMAN_TRY_IMPL_(FOOTMAN_CONCAT(try_, __LINE__), decl, expr)
#define FOOTMAN_TRY_STATUS(expr) \
  if (auto status_ = (expr); !status_) return std::unexpected(std::move(status_).error())

// The same in a coroutine.
#define FOOTMAN_CO_TRY_IMPL_(tmp, decl, expr)                  \
  auto tmp = (expr);                                           \
  if (!tmp) co_return std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
#define FOOTMAN_CO_TRY(decl, expr) FOOTMAN_CO_TRY_IMPL_(FOOTMAN_CONCAT(try_, __LINE__), decl, expr)
#define FOOTMAN_CO_TRY_STATUS(expr) \
  if (auto status_ = (expr); !status_) co_return std::unexpected(std::move(status_).error())
