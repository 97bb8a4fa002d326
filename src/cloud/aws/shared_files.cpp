#include "cloud/aws/shared_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/ascii.hpp"

namespace footman::cloud::aws {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

using base::trim;

std::string_view take_line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  auto line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

constexpr std::size_t kMaxValueBytes = 16UL * 1024;

bool is_comment(std::string_view trimmed) { return trimmed.starts_with('#') || trimmed.starts_with(';'); }

std::string_view without_comment(std::string_view value) {
  for (std::size_t at = 1; at < value.size(); ++at) {
    if (is_blank(value[at - 1]) && (value[at] == '#' || value[at] == ';')) return trim(value.substr(0, at));
  }
  return trim(value);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

class Reader {
 public:
  Reader(SharedFile kind, const std::string& file) : kind_(kind), file_(file) {}

  Status read(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
      ++line_number_;
      FOOTMAN_TRY_STATUS(read_line(take_line(text)));
    }
    return {};
  }
  Profiles take() { return std::move(profiles_); }

 private:
  Status read_line(std::string_view line) {
    const auto trimmed = trim(line);
    if (trimmed.empty() || is_comment(trimmed)) return {};
    if (is_blank(line.front())) return read_continuation(trimmed);
    property_ = nullptr;
    return line.front() == '[' ? read_section(trimmed) : read_property(trimmed);
  }

  Status read_section(std::string_view line) {
    const auto end = line.find(']');
    if (end == std::string_view::npos) return bad("the ] of a section's name is missing");
    const auto rest = trim(line.substr(end + 1));
    if (!rest.empty() && !is_comment(rest))
      return bad("nothing but a comment may stand behind a section's name");
    in_section_ = true;
    open_profile(trim(line.substr(1, end - 1)));
    return {};
  }

  // [profile default] counts before [default], in any order.
  void open_profile(std::string_view name) {
    profile_ = nullptr;
    bool prefixed = false;
    if (kind_ == SharedFile::config) {
      constexpr std::string_view kPrefix = "profile";
      prefixed = name.starts_with(kPrefix) && name.size() > kPrefix.size() && is_blank(name[kPrefix.size()]);
      if (prefixed) name = unquote(trim(name.substr(kPrefix.size())));
      if (!prefixed && name != "default") return;
      if (!prefixed && default_is_prefixed_) return;
    }
    if (name.empty()) return;
    if (prefixed && name == "default" && !default_is_prefixed_) {
      default_is_prefixed_ = true;
      profiles_.erase("default");
    }
    profile_ = &profiles_[std::string(name)];
  }

  static std::string_view unquote(std::string_view name) {
    if (name.size() >= 2 && (name.front() == '"' || name.front() == '\'') && name.back() == name.front())
      return name.substr(1, name.size() - 2);
    return name;
  }

  Status read_property(std::string_view line) {
    if (!in_section_) return bad("a section such as [default] was expected");
    const auto equals = line.find('=');
    const auto name = trim(line.substr(0, equals));
    if (equals == std::string_view::npos || name.empty()) return bad("\"name = value\" was expected");
    if (profile_ == nullptr) {
      property_ = &ignored_;
      return {};
    }
    property_ = &(*profile_)[lower(name)];
    *property_ = Secret(std::string(without_comment(line.substr(equals + 1))));
    return {};
  }

  // Behind an empty value stand settings of their own ("s3 =" and what follows): none of them is for us.
  Status read_continuation(std::string_view line) {
    if (property_ == nullptr)
      return bad("a line that begins with a blank goes on with a value, and there is none");
    if (property_->empty()) return {};
    if (property_->expose().size() > kMaxValueBytes) return bad("a value is too long");
    std::string longer(property_->expose());
    longer += '\n';
    longer += line;
    *property_ = Secret(std::move(longer));
    return {};
  }

  std::unexpected<Error> bad(std::string_view what) const {
    return fail(Errc::invalid_argument, fmt::format("the AWS file cannot be read: {}", what),
                fmt::format("{}:{}", file_, line_number_));
  }

  SharedFile kind_;
  const std::string& file_;
  std::size_t line_number_ = 0;
  bool in_section_ = false;
  bool default_is_prefixed_ = false;
  Profiles profiles_;
  Profile* profile_ = nullptr;  // null: a section that is none of ours
  Secret* property_ = nullptr;
  Secret ignored_;
};

}  // namespace

Result<Profiles> parse_shared_file(std::string_view text, SharedFile kind, const std::string& file) {
  if (text.size() > kMaxSharedFileBytes)
    return fail(Errc::resource_exhausted, "the AWS file is too long", file);
  Reader reader(kind, file);
  FOOTMAN_TRY_STATUS(reader.read(text));
  return reader.take();
}

Profiles merge_profiles(Profiles config, const Profiles& credentials) {
  for (const auto& [name, profile] : credentials)
    for (const auto& [property, value] : profile) config[name][property] = value;
  return config;
}

}  // namespace footman::cloud::aws
