#include "web/html.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/utf8.hpp"
#include "net/http.hpp"

namespace footman::web {
namespace {

std::string_view entity_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

bool is_control(char32_t code) {
  return (code < 0x20 && code != '\t' && code != '\n') || (code >= 0x7f && code < 0xa0);
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto decoded = base::decode_utf8(text);
    if (!decoded.valid || is_control(decoded.code))
      out += base::kReplacement;
    else if (const auto entity = entity_of(text[0]); !entity.empty())
      out += entity;
    else
      out += text.substr(0, decoded.bytes);
    text.remove_prefix(decoded.bytes);
  }
}

Url::Url(UrlBase base, std::string_view path) : text_(base.text()) {
  while (true) {
    const auto slash = path.find('/');
    text_ += net::percent_encode(path.substr(0, slash));
    if (slash == std::string_view::npos) return;
    text_ += '/';
    path.remove_prefix(slash + 1);
  }
}

std::optional<Url> Url::parse(std::string_view text) {
  const auto is_plain = [](char c) {
    return c > ' ' && c < 0x7f && c != '\\' && c != '"' && c != '<' && c != '>';
  };
  if (!text.starts_with('/') || text.starts_with("//") || !std::ranges::all_of(text, is_plain))
    return std::nullopt;
  Url url;
  url.text_ = text;
  return url;
}

Url& Url::add(std::string_view name, std::string_view value) {
  text_ += text_.contains('?') ? '&' : '?';
  text_ += net::percent_encode(name);
  text_ += '=';
  text_ += net::percent_encode(value);
  return *this;
}

void Attributes::add_checked(std::string_view name, std::string_view value) {
  FOOTMAN_CHECK(!name.starts_with("on") && name != "style" && name != "href" && name != "src",
                "attributes that act are written in templates");
  text_ += ' ';
  text_ += name;
  text_ += "=\"";
  append_escaped(text_, value);
  text_ += '"';
}

std::string& MarkupWriter::next() {
  const auto hole = rest_.find("{}");
  FOOTMAN_CHECK(hole != std::string_view::npos, "as many {} as arguments");
  out_.text_ += rest_.substr(0, hole);
  rest_.remove_prefix(hole + 2);
  return out_.text_;
}

Markup text(std::string_view plain) { return html("{}", plain); }

}  // namespace footman::web
