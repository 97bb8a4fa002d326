#include "logs/layout.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "base/number.hpp"
#include "logs/limits.hpp"

namespace footman::logs {
namespace {

constexpr std::array<std::pair<FileKind, std::string_view>, 5> kSuffixes = {{
    {FileKind::open, ".log"},
    {FileKind::done, ".done"},
    {FileKind::archive, ".zst"},
    {FileKind::partial, ".zst.tmp"},
    {FileKind::index, ".idx"},
}};

bool is_number(std::string_view text) {
  return !text.empty() && (text == "0" || text.front() != '0') && std::ranges::all_of(text, base::is_digit);
}

}  // namespace

std::string Layout::bucket(base::StreamId stream) const {
  return root_ + "/" + std::to_string(stream.value() / kStreamsPerBucket);
}

std::string Layout::file(base::StreamId stream, FileKind kind) const {
  const auto* suffix = std::ranges::find(kSuffixes, kind, [](const auto& entry) { return entry.first; });
  return bucket(stream).append("/").append(stream.str()).append(suffix->second);
}

std::optional<FileName> parse_file_name(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos || !is_number(name.substr(0, dot))) return std::nullopt;
  const std::string number(name.substr(0, dot));
  for (const auto& [kind, suffix] : kSuffixes) {
    if (name.substr(dot) != suffix) continue;
    const auto id = base::find_number<std::int64_t>(number);
    if (!id) return std::nullopt;
    return FileName{base::StreamId(*id), kind};
  }
  return std::nullopt;
}

bool is_bucket_name(std::string_view name) { return is_number(name); }

}  // namespace footman::logs
