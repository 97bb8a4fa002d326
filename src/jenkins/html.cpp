#include "jenkins/html.hpp"

#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

namespace footman::jenkins {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kEntities{{{"&amp;", "&"},
                                                                                  {"&lt;", "<"},
                                                                                  {"&gt;", ">"},
                                                                                  {"&quot;", "\""},
                                                                                  {"&#039;", "'"},
                                                                                  {"&#39;", "'"},
                                                                                  {"&nbsp;", " "}}};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// At a '<': where what it begins ends.
std::size_t end_of_markup(std::string_view html, std::size_t at) {
  std::string_view until = ">";
  const auto rest = html.substr(at);
  if (rest.starts_with("<!--")) until = "-->";
  if (rest.starts_with("<script")) until = "</script>";
  if (rest.starts_with("<style")) until = "</style>";
  const auto end = html.find(until, at);
  return end == std::string_view::npos ? html.size() : end + until.size();
}

// The character at `at`, and how many bytes of the page it takes.
std::pair<std::string_view, std::size_t> decode_at(std::string_view html, std::size_t at) {
  if (html[at] == '&')
    for (const auto& [entity, text] : kEntities)
      if (html.substr(at).starts_with(entity)) return {text, entity.size()};
  return {html.substr(at, 1), 1};
}

}  // namespace

std::string html_text(std::string_view html, std::size_t max) {
  std::string text;
  bool gap = false;
  for (std::size_t at = 0; at < html.size() && text.size() < max;) {
    if (html[at] == '<') {
      at = end_of_markup(html, at);
      gap = true;
      continue;
    }
    const auto [piece, bytes] = decode_at(html, at);
    at += bytes;
    if (is_space(piece.front())) {
      gap = true;
      continue;
    }
    if (gap && !text.empty()) text += ' ';
    gap = false;
    text += piece;
  }
  return base::replace_invalid_utf8(text);
}

HtmlElement find_element(std::string_view html, std::string_view tag, std::size_t from) {
  for (auto at = html.find('<', from); at != std::string_view::npos; at = html.find('<', at + 1)) {
    auto rest = html.substr(at + 1);
    if (!rest.starts_with(tag)) continue;
    rest.remove_prefix(tag.size());
    if (rest.empty() || (rest.front() != '>' && !is_space(rest.front()))) continue;
    const auto open_end = rest.find('>');
    if (open_end == std::string_view::npos) break;
    const auto content = rest.substr(open_end + 1);
    const auto closing = "</" + std::string(tag) + ">";
    const auto close = content.find(closing);
    if (close == std::string_view::npos) break;
    const auto begin = static_cast<std::size_t>(content.data() - html.data());
    return {rest.substr(0, open_end), content.substr(0, close), begin + close + closing.size()};
  }
  return {};
}

}  // namespace footman::jenkins
