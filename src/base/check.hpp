// Always-on checks for bugs. Never for input, never for the environment.
#pragma once

#include <string_view>

namespace footman::base {
// Prints file:line, the condition and the note to stderr and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view note);
}  // namespace footman::base

#define FOOTMAN_CHECK(condition, note) \
  ((condition) ? void(0) : ::footman::base::check_failed(__FILE__, __LINE__, #condition, note))
