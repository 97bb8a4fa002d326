// HTML that cannot be wrong by accident.
//
//   html(R"(<a href="{}">{}</a>)", build_url(id), title)
//
// The template is checked when it is compiled: its elements are balanced, attributes are in double quotes,
// and every
// {} stands where its argument may stand:
//   in text            texts, numbers, ids (escaped), Markup (as it is)
//   in an attribute    texts, numbers, ids (escaped); `href="{}"` and other addresses: a Url, nothing else
//   inside a tag       Attributes: `<input{}>`
// As every template is balanced, every page is; and as templates are literals, no text from outside becomes
// one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/ascii.hpp"
#include "base/ids.hpp"

namespace footman::web {

// Appends the text so that it means itself, in text and in quoted attributes. Bytes that are not UTF-8 and
// control characters other than tab and line break become U+FFFD.
void append_escaped(std::string& out, std::string_view text);

// HTML. Made by html() and by joining only.
class Markup {
 public:
  Markup() = default;
  Markup& operator+=(const Markup& more) {
    text_ += more.text_;
    return *this;
  }
  friend Markup operator+(Markup left, const Markup& right) {
    left += right;
    return left;
  }
  bool empty() const { return text_.empty(); }
  const std::string& str() const& { return text_; }
  std::string str() && { return std::move(text_); }

 private:
  friend class MarkupWriter;
  std::string text_;
};

// What an address may begin with: a path of the program's own.
class UrlBase {
 public:
  template <std::size_t N>
  consteval UrlBase(const char (&path)[N]) : text_(path, N - 1) {  // NOLINT(google-explicit-constructor)
    if (N < 2 || path[0] != '/' || path[1] == '/') throw "an address begins with one slash";
  }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// An address on this server: nothing from outside can make it another one's, or javascript:.
class Url {
 public:
  // `path` is added percent-encoded, its slashes stay.
  Url(UrlBase base, std::string_view path = {});  // NOLINT(google-explicit-constructor)
  // An address on this server as text: from "/" on, printable ASCII.
  static std::optional<Url> parse(std::string_view text);
  Url& add(std::string_view name, std::string_view value);  // a query parameter
  const std::string& str() const { return text_; }

 private:
  Url() = default;
  std::string text_;
};

// Attributes that are there or not.
class Attributes {
 public:
  template <std::size_t N>
  void add(const char (&name)[N], std::string_view value) {
    add_checked(std::string_view(name, N - 1), value);
  }
  const std::string& str() const { return text_; }

 private:
  void add_checked(std::string_view name, std::string_view value);
  std::string text_;
};
// `<option{}>`, flag("selected", is_chosen)
template <std::size_t N>
Attributes flag(const char (&name)[N], bool on) {
  Attributes attributes;
  if (on) attributes.add(name, "");
  return attributes;
}
template <std::size_t N>
Attributes attribute_if(bool on, const char (&name)[N], std::string_view value) {
  Attributes attributes;
  if (on) attributes.add(name, value);
  return attributes;
}

template <class T>
concept PlainNumber = std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>;
template <class T>
concept PlainText = std::is_convertible_v<const T&, std::string_view>;
template <class T>
inline constexpr bool kIsPlainId = false;
template <class Tag>
inline constexpr bool kIsPlainId<base::TextId<Tag>> = true;
template <class Tag>
inline constexpr bool kIsPlainId<base::NumberId<Tag>> = true;

// Where a {} stands.
enum class Hole : std::uint8_t { text, attribute, url, attributes };
inline constexpr std::size_t kMaxHoles = 40;
struct Holes {
  std::array<Hole, kMaxHoles> kinds{};
  std::size_t count = 0;
};
// Ends the compilation with the reason when the template is not sound.
consteval Holes scan_template(std::string_view text);

template <class Arg>
consteval bool fits(Hole hole) {
  constexpr bool plain = PlainNumber<Arg> || PlainText<Arg> || kIsPlainId<Arg>;
  switch (hole) {
    case Hole::text:
      return plain || std::is_same_v<Arg, Markup>;
    case Hole::attribute:
      return plain;
    case Hole::url:
      return std::is_same_v<Arg, Url>;
    case Hole::attributes:
      return std::is_same_v<Arg, Attributes>;
  }
  return false;
}

template <class... Args>
class Template {
 public:
  template <std::size_t N>
  consteval Template(const char (&text)[N]) : text_(text, N - 1) {  // NOLINT(google-explicit-constructor)
    const auto holes = scan_template(text_);
    if (holes.count != sizeof...(Args)) throw "the number of {} is not the number of arguments";
    std::size_t i = 0;
    if (!(fits<std::remove_cvref_t<Args>>(holes.kinds[i++]) && ...))
      throw "an argument may not stand where its {} stands";
  }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

class MarkupWriter {
 public:
  explicit MarkupWriter(std::string_view text) : rest_(text) {}
  void put(const Markup& markup) { next() += markup.text_; }
  void put(const Url& url) { append_escaped(next(), url.str()); }
  void put(const Attributes& attributes) { next() += attributes.str(); }
  template <class T>
  void put(const T& value) {
    if constexpr (PlainText<T>)
      append_escaped(next(), std::string_view(value));
    else if constexpr (PlainNumber<T>)
      next() += std::to_string(value);
    else
      append_escaped(next(), value.str());
  }
  Markup finish() {
    out_.text_ += rest_;
    return std::move(out_);
  }

 private:
  std::string& next();  // everything before the next {}
  std::string_view rest_;
  Markup out_;
};

template <class... Args>
Markup html(Template<std::type_identity_t<Args>...> text, const Args&... args) {
  MarkupWriter writer(text.text());
  (writer.put(args), ...);
  return writer.finish();
}

// Text as it is, escaped.
Markup text(std::string_view plain);

template <class Range, class Make>
Markup each(const Range& range, Make make) {
  Markup all;
  for (const auto& one : range) all += make(one);
  return all;
}

// --- the template's check

namespace detail {

constexpr bool is_name(char c) { return base::is_alnum_or("-", c); }
constexpr bool is_blank(char c) { return c == ' ' || c == '\n'; }
template <std::size_t N>
constexpr bool is_one_of(std::string_view text, const std::string_view (&list)[N]) {
  for (const auto one : list)
    if (one == text) return true;
  return false;
}
inline constexpr std::string_view kVoid[] = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"};
inline constexpr std::string_view kDrawings[] = {"circle", "line", "path", "rect"};
inline constexpr std::string_view kAddresses[] = {"href", "src", "action", "formaction"};

class Scanner {
 public:
  consteval explicit Scanner(std::string_view text) : text_(text) {}

  consteval Holes scan() {
    while (at_ < text_.size()) {
      if (text_[at_] == '<')
        scan_tag();
      else if (text_[at_] == '{')
        scan_hole(Hole::text);
      else
        ++at_;
    }
    if (depth_ != 0) throw "an element is not closed";
    return holes_;
  }

 private:
  consteval char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  consteval bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  consteval std::string_view take_name() {
    const auto begin = at_;
    while (is_name(peek())) ++at_;
    if (at_ == begin) throw "a name was expected";
    return text_.substr(begin, at_ - begin);
  }
  consteval void scan_hole(Hole kind) {
    if (!take("{}")) throw "a brace stands for nothing here";
    if (kind == Hole::text && depth_ > 0 && (open_[depth_ - 1] == "script" || open_[depth_ - 1] == "style"))
      throw "nothing is put into scripts and styles";
    holes_.kinds[holes_.count++] = kind;
  }
  consteval void scan_tag() {
    if (take("<!doctype html>")) return;
    if (take("</")) {
      const auto name = take_name();
      if (depth_ == 0 || open_[depth_ - 1] != name) throw "an element is closed that is not open";
      --depth_;
      if (!take(">")) throw "> was expected";
      return;
    }
    ++at_;
    const auto name = take_name();
    if (name == "style") throw "styles stand in the style sheet";
    while (is_blank(peek()) || peek() == '{') scan_attribute();
    if (take("/>")) {
      if (!is_one_of(name, kDrawings)) throw "only parts of drawings close themselves";
      return;
    }
    if (!take(">")) throw "> was expected";
    if (!is_one_of(name, kVoid)) open_[depth_++] = name;
  }
  consteval void scan_attribute() {
    while (is_blank(peek())) ++at_;
    if (peek() == '{') return scan_hole(Hole::attributes);
    if (!base::is_letter(peek())) return;
    const auto name = take_name();
    if (name == "style" || name.starts_with("on")) throw "the security policy has no room for this attribute";
    if (!take("=")) return;
    if (!take("\"")) throw "attributes are written in double quotes";
    const bool address = is_one_of(name, kAddresses);
    const auto begin = at_;
    while (peek() != '"') {
      if (at_ >= text_.size()) throw "a quote is not closed";
      if (peek() != '{') {
        ++at_;
        continue;
      }
      if (address && at_ != begin) throw "an address is one argument";
      scan_hole(address ? Hole::url : Hole::attribute);
      if (address && peek() != '"') throw "an address is one argument";
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::array<std::string_view, 64> open_{};
  std::size_t depth_ = 0;
  Holes holes_;
};

}  // namespace detail

consteval Holes scan_template(std::string_view text) { return detail::Scanner(text).scan(); }

}  // namespace footman::web
