// What simulated steps do: print numbered lines, sometimes with a secret value, and exit. The script's text
// says it all, so that an agent needs nothing else and everybody can tell what must be in the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace footman::sim {

struct Script {
  std::string key;  // of the submission: names the build in the whole world; empty: $KEY
  std::uint32_t step = 0;
  std::uint32_t lines = 0;
  base::Duration gap{0};  // between lines
  std::int32_t exit_status = 0;
  bool prints_secret = false;  // the value of $PASSWORD, in some lines
  bool stubborn = false;       // does not end at SIGTERM
  bool operator==(const Script&) const = default;
};

inline constexpr std::string_view kSecretVariable = "PASSWORD";
inline constexpr std::string_view kKeyVariable = "KEY";  // names the build when its script does not (jobs)

std::string to_text(const Script& script);
base::Result<Script> parse_script(std::string_view text);

// The n-th line (from 1) as it is printed, with its end of line. `secret`: the value of $PASSWORD.
std::string line_of(const Script& script, std::uint32_t n, std::string_view secret);

// A line of a stored log that a script has printed.
struct FoundLine {
  std::string_view key;
  std::uint32_t step = 0;
  std::uint32_t number = 0;
  std::uint32_t of = 0;
};
// Empty: not a script's line (a note of the agent or the server).
std::optional<FoundLine> find_line(std::string_view line);

}  // namespace footman::sim
