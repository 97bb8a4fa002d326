#include "base/result.hpp"

#include <cstring>

namespace footman::base {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::not_found:
      return "not_found";
    case Errc::already_exists:
      return "already_exists";
    case Errc::conflict:
      return "conflict";
    case Errc::unauthenticated:
      return "unauthenticated";
    case Errc::permission_denied:
      return "permission_denied";
    case Errc::resource_exhausted:
      return "resource_exhausted";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timeout:
      return "timeout";
    case Errc::cancelled:
      return "cancelled";
    case Errc::corrupt:
      return "corrupt";
    case Errc::unsupported:
      return "unsupported";
    case Errc::io:
      return "io";
    case Errc::internal:
      return "internal";
  }
  return "internal";
}

std::string describe(const Error& error) {
  std::string text = error.message;
  if (!error.field.empty()) text += " (at " + error.field + ")";
  if (error.hint.empty()) return text;
  const bool is_sentence = text.ends_with('.') || text.ends_with('?') || text.ends_with('!');
  text += (is_sentence ? " " : ". ") + error.hint;
  return text;
}

std::unexpected<Error> fail_errno(std::string_view what, int error_number) {
  return fail(Errc::io, std::string(what) + ": " + std::strerror(error_number));
}

}  // namespace footman::base
