#include "sim/script.hpp"

#include <fmt/format.h>

#include <map>

#include "base/number.hpp"

namespace footman::sim {

namespace {

constexpr std::uint32_t kSecretEvery = 3;

// The word before the separator; moves on behind it.
std::string_view take_word(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const auto word = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return word;
}

}  // namespace

std::string to_text(const Script& script) {
  return fmt::format("simulate key={} step={} lines={} gap_us={} exit={} secret={} stubborn={}", script.key,
                     script.step, script.lines, script.gap.count(), script.exit_status,
                     script.prints_secret ? 1 : 0, script.stubborn ? 1 : 0);
}

base::Result<Script> parse_script(std::string_view text) {
  if (take_word(text, ' ') != "simulate")
    return base::fail(base::Errc::invalid_argument, "not a script of the simulation");
  Script script;
  std::map<std::string_view, std::int64_t> numbers;
  while (!text.empty()) {
    auto value = take_word(text, ' ');
    const auto name = take_word(value, '=');
    if (name == "key") {
      script.key = value;
      continue;
    }
    const auto number = base::find_number<std::int64_t>(value);
    if (!number) return base::fail(base::Errc::invalid_argument, fmt::format("'{}' is not a number", value));
    numbers[name] = *number;
  }
  script.step = static_cast<std::uint32_t>(numbers["step"]);
  script.lines = static_cast<std::uint32_t>(numbers["lines"]);
  script.gap = base::Duration(numbers["gap_us"]);
  script.exit_status = static_cast<std::int32_t>(numbers["exit"]);
  script.prints_secret = numbers["secret"] != 0;
  script.stubborn = numbers["stubborn"] != 0;
  return script;
}

std::string line_of(const Script& script, std::uint32_t n, std::string_view secret) {
  auto line = fmt::format("@ {} {} {} {}", script.key, script.step, n, script.lines);
  if (script.prints_secret && n % kSecretEvery == 0) line += fmt::format(" password={}!", secret);
  line.append(n * 7 % 40, '.');
  return line + "\n";
}

std::optional<FoundLine> find_line(std::string_view line) {
  if (take_word(line, ' ') != "@") return std::nullopt;
  FoundLine found;
  found.key = take_word(line, ' ');
  const auto step = base::find_number<std::int64_t>(take_word(line, ' '));
  const auto number = base::find_number<std::int64_t>(take_word(line, ' '));
  const auto rest = line.substr(0, line.find_first_not_of("0123456789"));
  const auto of = base::find_number<std::int64_t>(rest);
  if (!step || !number || !of) return std::nullopt;
  found.step = static_cast<std::uint32_t>(*step);
  found.number = static_cast<std::uint32_t>(*number);
  found.of = static_cast<std::uint32_t>(*of);
  return found;
}

}  // namespace footman::sim
