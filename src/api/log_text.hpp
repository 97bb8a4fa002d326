// Ranges of a log and time stamps before its lines. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/log_store.hpp"

namespace footman::api {

// One range of bytes as a client asks for it: first-last, first-, or the last `suffix` bytes.
struct ByteRange {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;  // inclusive; with `first` only
  std::uint64_t suffix = 0;           // without `first`
  bool operator==(const ByteRange&) const = default;
};
// Empty for what is not one range of bytes: the header is then ignored, as HTTP says.
std::optional<ByteRange> parse_range(std::string_view header);

struct Span {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  bool operator==(const Span&) const = default;
};
// The part of `total` bytes; empty: nothing of it is there (416).
std::optional<Span> find_span(const ByteRange& range, std::uint64_t total);

// Puts "2026-11-24T08:40:15.123Z " before every line. Give it the bytes from the beginning of a log (or of a
// line) in any split.
class LineStamper {
 public:
  // `offset`: of the first byte. `marks`: those of LogStore::marks for these bytes.
  std::string stamp(std::string_view bytes, std::uint64_t offset, const std::vector<ports::TimeMark>& marks);

 private:
  bool at_line_start_ = true;
};

}  // namespace footman::api
