#include "image/reference.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.hpp"

namespace footman::image {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxTag = 128;
constexpr std::string_view kLatest = "latest";

bool is_name_char(char c) { return is_lower(c) || is_digit(c); }

bool is_path_part(std::string_view part) {
  return !part.empty() && is_name_char(part.front()) && is_name_char(part.back()) &&
         std::ranges::all_of(part,
                             [](char c) { return is_name_char(c) || std::string_view("._-").contains(c); });
}

bool is_name(std::string_view name) {
  if (name.size() > kMaxName) return false;
  while (true) {
    const auto slash = name.find('/');
    if (!is_path_part(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= kMaxTag && tag.front() != '.' && tag.front() != '-' &&
         std::ranges::all_of(tag, [](char c) { return is_alnum_or("._-", c); });
}

// What goes into the address of the registry.
bool is_registry(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) { return is_alnum_or(".-:[]", c); });
}

// Else it is the first part of a name at Docker Hub.
bool looks_like_registry(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:[") != std::string_view::npos;
}

std::unexpected<Error> refuse_reference(std::string what) {
  return fail(Errc::invalid_argument, std::move(what), "REPOSITORY",
              "Write it like 123456789012.dkr.ecr.eu-central-1.amazonaws.com/footman-agent:1.");
}

}  // namespace

std::string Reference::str() const { return fmt::format("{}/{}:{}", registry, name, tag); }
std::string Reference::with_digest(std::string_view digest) const {
  return fmt::format("{}/{}@{}", registry, name, digest);
}

Result<Reference> parse_reference(std::string_view text) {
  if (text.empty() || text.size() > kMaxReference)
    return refuse_reference(fmt::format("a repository has 1 to {} letters", kMaxReference));
  if (text.find("://") != std::string_view::npos)
    return refuse_reference("a repository is written without https:// in front");
  if (text.find('@') != std::string_view::npos)
    return refuse_reference("a digest cannot be chosen: it follows from what is pushed");
  Reference out;
  const auto slash = text.find('/');
  if (slash != std::string_view::npos && looks_like_registry(text.substr(0, slash))) {
    out.registry = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  } else {
    out.registry = kDockerHub;
  }
  const auto colon = text.rfind(':');
  out.tag = colon == std::string_view::npos ? kLatest : text.substr(colon + 1);
  out.name = text.substr(0, colon);
  if (out.registry == kDockerHub && out.name.find('/') == std::string::npos) out.name.insert(0, "library/");
  if (!is_registry(out.registry))
    return refuse_reference(fmt::format("\"{}\" is not the host of a registry", out.registry));
  if (!is_name(out.name))
    return refuse_reference(
        fmt::format("\"{}\" is not the name of a repository: lower-case letters, digits, and . _ - / between "
                    "them",
                    out.name));
  if (!is_tag(out.tag))
    return refuse_reference(
        fmt::format("\"{}\" is not a tag: letters, digits, and . _ - after the first one", out.tag));
  return out;
}

}  // namespace footman::image
