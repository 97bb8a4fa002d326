// Tar archives (POSIX ustar) whose bytes depend on their content alone: owner root, time 0, as listed. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace footman::image {

inline constexpr std::size_t kMaxTarName = 100;         // bytes
inline constexpr std::size_t kMaxTarFile = 1ULL << 32;  // bytes

struct TarEntry {
  std::string name;        // of a directory with a slash at the end; no slash at the beginning
  unsigned mode = 0644;    // permissions
  std::string_view bytes;  // must outlive the call
};

// A name or a file above its limit is a bug.
std::string make_tar(const std::vector<TarEntry>& entries);

}  // namespace footman::image
