#include "cloud/local/token_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/ascii.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"

namespace footman::cloud::local {
namespace {

constexpr std::string_view kMagic = "footman-token";

std::string_view take_word(std::string_view& line) {
  const auto space = line.find(' ');
  const auto word = line.substr(0, space);
  line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  return word;
}

bool read_header(std::string_view line, TokenRecord& record) {
  if (take_word(line) != kMagic || take_word(line) != "1") return false;
  record.installation = InstallationId(std::string(take_word(line)));
  record.agent = AgentId(std::string(take_word(line)));
  record.attempt = base::find_number<std::uint32_t>(take_word(line)).value_or(0);
  record.created = Instant{base::find_number<std::int64_t>(take_word(line)).value_or(0)};
  return !record.agent.empty() && record.attempt != 0;
}

void read_ended(std::string_view line, TokenRecord& record) {
  model::DeathCertificate death;
  const auto status = take_word(line);
  if (status != "-") death.exit_status = base::find_number<int>(status).value_or(0);
  death.signal = base::find_number<int>(take_word(line)).value_or(0);
  death.out_of_memory = take_word(line) == "1";
  death.text = std::string(line);
  record.death = std::move(death);
}

}  // namespace

bool is_client_token(std::string_view text) {
  if (text.empty() || text.size() > kClientTokenLimit || text.front() == '.') return false;
  return std::ranges::all_of(text, [](char c) { return base::is_alnum_or("-_.", c); });
}

std::string format_header(const TokenRecord& record) {
  return fmt::format("{} 1 {} {} {} {}\n", kMagic, record.installation.str(), record.agent.str(),
                     record.attempt, record.created.us);
}

std::string format_ended(const model::DeathCertificate& death) {
  std::string text(base::cut_utf8(death.text, 1024));
  std::ranges::replace(text, '\n', ' ');
  return fmt::format("ended {} {} {} {}\n", death.exit_status ? std::to_string(*death.exit_status) : "-",
                     death.signal, death.out_of_memory ? 1 : 0, text);
}

Result<TokenRecord> parse_token_file(std::string_view text) {
  TokenRecord record;
  bool has_header = false;
  while (true) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;  // an unfinished line was never confirmed
    auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (!has_header) {
      if (!read_header(line, record)) break;
      has_header = true;
      continue;
    }
    const auto word = take_word(line);
    if (word == "launched" && !record.process) record.process = runtime::real::find_process_id(line);
    if (word == "ended" && !record.death) read_ended(line, record);
  }
  if (!has_header) return fail(Errc::corrupt, "not a token file");
  return record;
}

Result<OpenToken> open_token(const std::string& path, bool create) {
  UniqueFd first(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | (create ? O_CREAT : 0), 0600));
  if (!first.is_open()) {
    if (errno == ENOENT) return fail(Errc::not_found, "no such token");
    return fail_errno("open " + path, errno);
  }
  OpenToken token;
  token.fd = UniqueFd(::fcntl(first.get(), F_DUPFD_CLOEXEC, 10));
  if (!token.fd.is_open()) return fail_errno("duplicate a descriptor", errno);
  if (::flock(token.fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno("lock " + path, errno);
    token.lock = LockOutcome::held_elsewhere;
  }
  token.content.resize(kTokenFileLimit);
  const auto got = ::pread(token.fd.get(), token.content.data(), token.content.size(), 0);
  if (got < 0) return fail_errno("read " + path, errno);
  token.content.resize(static_cast<std::size_t>(got));
  return token;
}

}  // namespace footman::cloud::local
