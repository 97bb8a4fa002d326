// Takes secrets out of a stream of bytes, wherever the stream is cut. Pure; for one build.
//
// Every byte that belongs to an occurrence of a mask goes, occurrences that overlap included (so a value that
// contains another one goes whole); each unbroken run of such bytes becomes one "****". Held back are only
// bytes that may be the beginning of a mask.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace footman::agent {

inline constexpr std::string_view kMaskedText = "****";

class Masker {
 public:
  // Empty masks are ignored. Takes 5 bytes of memory per byte of the masks.
  explicit Masker(const std::vector<base::Secret>& masks);

  // What of all the input so far is decided and was not returned before. Linear in the input for each mask
  // that may match, one table look-up per byte otherwise.
  std::string feed(std::string_view bytes);
  // No more input belongs to what is held back: the rest.
  std::string flush();

 private:
  // One mask, searched by Knuth, Morris and Pratt's method.
  struct Pattern {
    base::Secret text;
    std::vector<std::uint32_t> border;  // border[n]: longest proper border of the first n+1 bytes
    std::size_t matched = 0;            // bytes of it that the input ends with
  };

  void advance(Pattern& pattern, char byte);
  void step(char byte);
  void cover_last(std::size_t count);
  void release(std::string& out, std::size_t keep);

  std::vector<Pattern> patterns_;
  std::array<std::vector<std::uint32_t>, 256> starts_;  // patterns by first byte
  std::vector<std::uint32_t> active_;                   // patterns with matched > 0
  std::vector<std::uint32_t> still_active_;
  std::string held_;           // undecided bytes …
  std::vector<bool> covered_;  // … and which of them belong to a match
  bool in_run_ = false;        // the last byte that was decided was covered: its run may go on
};

}  // namespace footman::agent
