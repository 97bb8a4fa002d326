// Reading the server's answers: tolerant, because a newer server may say more or say it otherwise. A field
// that is missing or of another type is empty.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace footman::cli {

using namespace footman::base;
namespace json = boost::json;

std::string text_of(const json::value& object, std::string_view field);
std::optional<std::int64_t> number_of(const json::value& object, std::string_view field);
bool flag_of(const json::value& object, std::string_view field);
Instant time_of(const json::value& object, std::string_view field);
std::optional<Duration> millis_of(const json::value& object, std::string_view field);
// The field's array or object; an empty one when there is none.
const json::array& list_of(const json::value& object, std::string_view field);
const json::value& part_of(const json::value& object, std::string_view field);  // null when there is none
// ["a","b"] as "a b".
std::string words_of(const json::value& object, std::string_view field);

// "17", "" when it is not there.
std::string number_text(const json::value& object, std::string_view field);

// Indented, with a line end: for people who read JSON, and for files.
std::string pretty(const json::value& value);
// Without a line end: one event of a stream.
std::string one_line(const json::value& value);

}  // namespace footman::cli
