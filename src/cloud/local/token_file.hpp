// The file that makes a launch happen once: named by the client token, locked by the agent's processes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/agent.hpp"
#include "runtime/real/processes.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::cloud::local {

using namespace footman::base;
using runtime::UniqueFd;
using runtime::real::ProcessId;

struct TokenRecord {
  InstallationId installation;
  AgentId agent;
  std::uint32_t attempt = 1;
  Instant created;
  std::optional<ProcessId> process;              // launched
  std::optional<model::DeathCertificate> death;  // ended, and somebody of us saw it
  std::string last_lines;                        // of its agent.log, once it has ended; not of this file
};

inline constexpr std::size_t kTokenFileLimit = 16 << 10;
inline constexpr std::size_t kClientTokenLimit = 128;

// Letters, digits, '-', '_' and '.', not starting with '.': fit for a file name.
bool is_client_token(std::string_view text);

std::string format_header(const TokenRecord& record);            // one line with its end
std::string format_ended(const model::DeathCertificate& death);  // one line with its end
// Unknown and unfinished lines are skipped. corrupt: no header.
Result<TokenRecord> parse_token_file(std::string_view text);

enum class LockOutcome { locked, held_elsewhere };
struct OpenToken {
  UniqueFd fd;  // 10 or higher, O_APPEND, O_CLOEXEC
  LockOutcome lock = LockOutcome::locked;
  std::string content;
};
// Opens (or makes) and tries to lock. Never waits.
Result<OpenToken> open_token(const std::string& path, bool create);

}  // namespace footman::cloud::local
