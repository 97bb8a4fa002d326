// The end of an agent's own log, for people who ask why it ended or never came.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace footman::ports {

inline constexpr std::size_t kLastLinesTail = 8192;  // bytes of the log's end that are worth reading
inline constexpr std::size_t kLastLines = 4;         // that are shown
inline constexpr std::size_t kLastLineBytes = 240;   // of each; what is beyond is cut with a mark

// In one line: the last ones that are not blank and no routine records of the agent itself, with " | "
// between them; its other records as a sentence. Valid UTF-8 without controls; what stands before the @ of a
// URL, which may be a password, is left out. Empty: there are none.
std::string pick_last_lines(std::string_view log_end);

}  // namespace footman::ports
