// What happened, for people, and as a number: two runs of a seed are the same when their hashes are.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace footman::virtual_time {

class Trace {
 public:
  enum class Mode { hash_only, keep, print };
  explicit Trace(Mode mode) : mode_(mode) {}

  bool readable() const { return mode_ != Mode::hash_only; }
  // Part of the hash. `text` must not depend on anything but the seed.
  void note(base::Duration at, std::string_view node, std::string_view text);
  // For people only.
  void tell(base::Duration at, std::string_view node, std::string_view text);
  void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001B3U; }

  std::uint64_t hash() const { return hash_; }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  Mode mode_;
  std::uint64_t hash_ = 0xCBF29CE484222325U;
  std::vector<std::string> lines_;
};

// "  12.345678 s"
std::string format_time(base::Duration at);

}  // namespace footman::virtual_time
