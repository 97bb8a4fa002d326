#include "config/tzif.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

using namespace footman::config;

namespace {

std::string read(const std::string& name) {
  std::ifstream file(std::string(FOOTMAN_SOURCE_DIR) + "/src/config/fuzz/corpus/tzif/" + name,
                     std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string shown(const footman::model::TimeZone& zone, const std::string& at) {
  return format_rfc3339(Instant{zone.to_local(*parse_rfc3339(at)).seconds * 1'000'000});
}

}  // namespace

TEST_CASE("zones as the tz database has them") {
  const auto berlin = parse_tzif(read("berlin"));
  REQUIRE(berlin.has_value());
  CHECK(shown(*berlin, "2026-01-01T12:00:00Z") == "2026-01-01T13:00:00.000Z");
  CHECK(shown(*berlin, "2026-07-01T12:00:00Z") == "2026-07-01T14:00:00.000Z");
  CHECK(shown(*berlin, "1945-06-01T12:00:00Z") == "1945-06-01T15:00:00.000Z");  // double summer time
  CHECK(shown(*berlin, "2080-07-01T12:00:00Z") == "2080-07-01T14:00:00.000Z");  // by the rule
  CHECK(shown(parse_tzif(read("kolkata")).value(), "2026-07-01T12:00:00Z") == "2026-07-01T17:30:00.000Z");
  CHECK(parse_tzif(read("utc")).value().to_local(Instant{0}).seconds == 0);
}

TEST_CASE("files that are none") {
  CHECK(parse_tzif("").error().code == Errc::corrupt);
  CHECK(parse_tzif(read("torn")).error().code == Errc::corrupt);
  CHECK(parse_tzif(read("leap")).error().code == Errc::unsupported);
  const auto whole = read("berlin");
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(parse_tzif(whole.substr(0, size)).has_value());
  CHECK_FALSE(parse_tzif(whole + std::string(kMaxTzifBytes, 'x')).has_value());
  auto many = whole;
  many[32] = '\x7f';  // the number of changes
  CHECK_FALSE(parse_tzif(many).has_value());
}

TEST_CASE("names of zones are names of files below one folder") {
  for (const auto* good : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+3"})
    CHECK(is_zone_name(good));
  for (const auto* bad : {"", "/etc/passwd", "../passwd", "Europe/", "a b", "Europe/Berlin\n"})
    CHECK_FALSE(is_zone_name(bad));
}
