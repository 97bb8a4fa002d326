#include "tests/jenkins/consoles.hpp"

#include "base/digest.hpp"
#include "tests/jenkins/pages.hpp"

namespace footman::fake_jenkins {
namespace {

constexpr std::string_view kNoteBegin = "\x1b[8mha:////";
constexpr std::string_view kNoteEnd = "\x1b[0m";

std::string without_notes(std::string_view line) {
  std::string text;
  while (true) {
    const auto begin = line.find(kNoteBegin);
    text += line.substr(0, begin);
    if (begin == std::string_view::npos) return text;
    const auto end = line.find(kNoteEnd, begin);
    if (end == std::string_view::npos) return text;
    line.remove_prefix(end + kNoteEnd.size());
  }
}

}  // namespace

std::string make_note(std::string_view about) {
  std::string bytes;
  for (const auto* part : {"1", "2", "3", "4", "5"})
    bytes += base::to_hex(base::sha256(std::string(about) + part)).substr(0, 33);
  return std::string(kNoteBegin) + base::to_base64(bytes) + std::string(kNoteEnd) + std::string(about);
}

Answer show_console(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += without_notes(line) + "\n";
  return make_text("text/plain;charset=UTF-8", std::move(text));
}

Answer show_progressive(const std::vector<std::string>& lines, std::size_t start, bool is_building) {
  std::string kept;
  for (const auto& line : lines) kept += line + "\n";
  std::string body;
  for (const char c : std::string_view(kept).substr(start > kept.size() ? 0 : start)) {
    if (c == '\n') body += '\r';
    body += c;
  }
  auto answer = make_text("text/plain;charset=UTF-8", std::move(body));
  answer.headers.emplace_back("X-Text-Size", std::to_string(kept.size()));
  if (is_building) answer.headers.emplace_back("X-More-Data", "true");
  return answer;
}

}  // namespace footman::fake_jenkins
