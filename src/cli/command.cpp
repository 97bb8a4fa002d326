#include "cli/command.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/number.hpp"

namespace footman::cli {

const std::vector<std::string>& Arguments::list(std::string_view name) const {
  const auto found = values_.find(name);
  FOOTMAN_CHECK(found != values_.end(), name);
  return found->second;
}

std::string Arguments::text(std::string_view name) const {
  const auto& all = list(name);
  return all.empty() ? std::string() : all.back();
}

void Arguments::add(std::string_view name, std::string value) {
  const auto found = values_.find(name);
  FOOTMAN_CHECK(found != values_.end(), name);
  found->second.push_back(std::move(value));
}

// The parser has checked what these three read.
std::optional<std::int64_t> Arguments::number(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  const auto number = base::find_number<std::int64_t>(text(name));
  FOOTMAN_CHECK(number.has_value(), name);
  return number;
}

std::optional<Duration> Arguments::duration(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return parse_duration(text(name)).value();
}

std::optional<std::uint64_t> Arguments::size(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return parse_bytes(text(name)).value();
}

const std::vector<Option>& common_options() {
  static const std::vector<Option> options = {
      {"json", 0, Value::none, "", "write JSON for programs instead of text for people"},
      {"help", 'h', Value::none, "", "show this text"},
  };
  return options;
}

const std::vector<Option>& client_options() {
  static const std::vector<Option> options = {
      {"url", 0, Value::text, "URL", "the server; else FOOTMAN_URL, else server.json in the data directory"},
      {"data", 0, Value::directory, "DIR",
       "data directory of the server; else FOOTMAN_DATA, else the default"},
      {"token-file", 0, Value::file, "FILE",
       "file with the API token; else FOOTMAN_TOKEN (the token itself), else `token` in the data directory"},
      {"ca-file", 0, Value::file, "FILE",
       "PEM file with the authority of the server's certificate; else FOOTMAN_CA"},
  };
  return options;
}

std::vector<const Option*> options_of(const Command& command) {
  std::vector<const Option*> all;
  const auto append = [&](const std::vector<Option>& options) {
    for (const auto& option : options) all.push_back(&option);
  };
  append(command.options);
  if (command.client != nullptr) append(client_options());
  append(common_options());
  return all;
}

const Command* find_command(const Command& group, std::string_view name) {
  const auto found = std::ranges::find(group.commands, name, &Command::name);
  return found == group.commands.end() ? nullptr : &*found;
}

}  // namespace footman::cli
