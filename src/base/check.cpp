#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace footman::base {
void check_failed(const char* file, int line, const char* condition, std::string_view note) {
  std::fprintf(stderr, "footman: bug at %s:%d: %s does not hold: %.*s\n", file, line, condition,
               static_cast<int>(note.size()), note.data());
  std::abort();
}
}  // namespace footman::base
