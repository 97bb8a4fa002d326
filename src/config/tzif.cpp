#include "config/tzif.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/ascii.hpp"

namespace footman::config {
namespace {

constexpr std::size_t kHeaderBytes = 44;
constexpr std::size_t kTypeBytes = 6;
constexpr std::size_t kMaxTypes = 256;
constexpr std::size_t kMaxNameBytes = 64;

std::int64_t number_of(std::string_view bytes) {
  std::uint64_t value = bytes.empty() || (static_cast<unsigned char>(bytes[0]) & 0x80U) == 0 ? 0 : ~0ULL;
  for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(value);
}

std::unexpected<Error> refuse(std::string what) {
  return fail(Errc::corrupt, "it is no time zone file: " + std::move(what));
}

struct TzifHeader {
  bool has_wide_part = false;  // from version 2 on
  std::size_t utc_flags = 0, standard_flags = 0, leap_seconds = 0, changes = 0, types = 0, name_bytes = 0;

  std::size_t body_bytes(std::size_t time_bytes) const {
    return changes * (time_bytes + 1) + types * kTypeBytes + name_bytes + leap_seconds * (time_bytes + 4) +
           standard_flags + utc_flags;
  }
};

class TzifReader {
 public:
  explicit TzifReader(std::string_view bytes) : left_(bytes) {}

  Result<model::TimeZone> read() {
    if (left_.size() > kMaxTzifBytes) return refuse("it is too long");
    FOOTMAN_TRY(auto header, read_header());
    std::size_t time_bytes = 4;
    if (header.has_wide_part) {
      if (!take(header.body_bytes(4))) return refuse("it ends too early");
      FOOTMAN_TRY(header, read_header());
      time_bytes = 8;
    }
    FOOTMAN_TRY(auto zone, read_body(header, time_bytes));
    return zone;
  }

 private:
  std::optional<std::string_view> take(std::size_t bytes) {
    if (left_.size() < bytes) return std::nullopt;
    const auto taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }

  Result<TzifHeader> read_header() {
    const auto bytes = take(kHeaderBytes);
    if (!bytes || !bytes->starts_with("TZif")) return refuse("it does not begin like one");
    const auto count = [&](std::size_t index) {
      return static_cast<std::size_t>(
          static_cast<std::uint32_t>(number_of(bytes->substr(20 + index * 4, 4))));
    };
    TzifHeader header{(*bytes)[4] >= '2', count(0), count(1), count(2), count(3), count(4), count(5)};
    if (header.leap_seconds > 0)
      return fail(Errc::unsupported, "zones that count leap seconds are not supported");
    const bool is_sound = header.changes <= kMaxTzifChanges && header.types > 0 &&
                          header.types <= kMaxTypes && header.name_bytes <= kMaxTzifBytes &&
                          header.utc_flags <= kMaxTypes && header.standard_flags <= kMaxTypes;
    if (!is_sound) return refuse("its counts are not possible");
    return header;
  }

  Result<model::TimeZone> read_body(const TzifHeader& header, std::size_t time_bytes) {
    const auto body = take(header.body_bytes(time_bytes));
    if (!body) return refuse("it ends too early");
    const auto types = body->substr(header.changes * (time_bytes + 1), header.types * kTypeBytes);
    std::vector<std::int32_t> offsets;
    for (std::size_t i = 0; i < header.types; ++i) {
      const auto offset = number_of(types.substr(i * kTypeBytes, 4));
      if (offset < -model::kMostOffset || offset > model::kMostOffset)
        return refuse("an offset is too large");
      offsets.push_back(static_cast<std::int32_t>(offset));
    }
    std::vector<model::TimeZone::Change> changes;
    for (std::size_t i = 0; i < header.changes; ++i) {
      const auto at = number_of(body->substr(i * time_bytes, time_bytes));
      const auto type = static_cast<unsigned char>((*body)[header.changes * time_bytes + i]);
      if (type >= offsets.size() || (!changes.empty() && at <= changes.back().at))
        return refuse("its changes are not in order");
      changes.push_back({at, offsets[type]});
    }
    model::YearlyRule rule;
    rule.standard = changes.empty() ? offsets[0] : changes.back().offset;
    if (time_bytes == 8) {
      FOOTMAN_TRY(rule, read_footer(rule));
    }
    return model::TimeZone(offsets[0], std::move(changes), rule);
  }

  // A line of its own; empty when no rule holds after the last change.
  Result<model::YearlyRule> read_footer(model::YearlyRule last) {
    if (left_.size() < 2 || left_.front() != '\n') return refuse("its last line is missing");
    const auto end = left_.find('\n', 1);
    if (end == std::string_view::npos) return refuse("its last line is missing");
    const auto text = left_.substr(1, end - 1);
    if (text.empty()) return last;
    auto rule = model::parse_yearly_rule(text);
    if (!rule) return refuse(rule.error().message);
    return rule;
  }

  std::string_view left_;
};

}  // namespace

Result<model::TimeZone> parse_tzif(std::string_view bytes) { return TzifReader(bytes).read(); }

bool is_zone_name(std::string_view text) {
  const auto is_known = [](char c) { return base::is_alnum_or("/_-+", c); };
  return !text.empty() && text.size() <= kMaxNameBytes && text.front() != '/' && text.back() != '/' &&
         std::ranges::all_of(text, is_known);
}

}  // namespace footman::config
