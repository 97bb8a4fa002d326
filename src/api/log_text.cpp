#include "api/log_text.hpp"

#include <algorithm>

#include "base/number.hpp"

namespace footman::api {
std::optional<ByteRange> parse_range(std::string_view header) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return std::nullopt;
  header.remove_prefix(kUnit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto left = header.substr(0, dash);
  const auto right = header.substr(dash + 1);
  ByteRange range;
  if (left.empty()) {
    const auto suffix = base::find_number<std::uint64_t>(right);
    if (!suffix) return std::nullopt;
    range.suffix = *suffix;
    return range;
  }
  range.first = base::find_number<std::uint64_t>(left);
  if (!range.first) return std::nullopt;
  if (right.empty()) return range;
  range.last = base::find_number<std::uint64_t>(right);
  if (!range.last || *range.last < *range.first) return std::nullopt;
  return range;
}

std::optional<Span> find_span(const ByteRange& range, std::uint64_t total) {
  if (total == 0) return std::nullopt;
  if (!range.first) {
    if (range.suffix == 0) return std::nullopt;
    return Span{total - std::min(range.suffix, total), total};
  }
  if (*range.first >= total) return std::nullopt;
  return Span{*range.first, range.last ? std::min(*range.last, total - 1) + 1 : total};
}

std::string LineStamper::stamp(std::string_view bytes, std::uint64_t offset,
                               const std::vector<ports::TimeMark>& marks) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 2);
  auto mark = marks.begin();
  const ports::TimeMark* current = nullptr;
  while (!bytes.empty()) {
    if (at_line_start_) {
      while (mark != marks.end() && mark->offset <= offset) current = &*mark++;
      if (current != nullptr) out.append(base::format_rfc3339(current->at)).append(" ");
    }
    const auto line_end = bytes.find('\n');
    const auto size = line_end == std::string_view::npos ? bytes.size() : line_end + 1;
    out.append(bytes.substr(0, size));
    at_line_start_ = line_end != std::string_view::npos;
    bytes.remove_prefix(size);
    offset += size;
  }
  return out;
}

}  // namespace footman::api
