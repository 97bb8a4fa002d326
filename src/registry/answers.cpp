#include "registry/answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "base/address.hpp"
#include "base/ascii.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"

namespace footman::registry {
namespace {

namespace json = boost::json;

bool is_token_char(char c) { return is_alnum_or("!#$%&'*+-.^_`|~", c); }
bool is_token68_char(char c) { return is_alnum_or("-._~+/", c); }

class ChallengeReader {
 public:
  explicit ChallengeReader(std::string_view text) : rest_(text) {}

  Result<std::vector<Challenge>> read() {
    skip(" \t,");
    while (!rest_.empty()) {
      if (out_.size() == kMaxChallenges) return broken("too many challenges");
      const auto scheme = take(is_token_char);
      if (scheme.empty()) return broken("no scheme");
      if (!rest_.empty() && rest_.front() != ' ' && rest_.front() != ',')
        return broken("a scheme ends with a space");
      out_.push_back({lower_case(scheme), {}});
      skip(" \t");
      if (take_token68()) continue;
      FOOTMAN_TRY_STATUS(read_parameters());
    }
    return std::move(out_);
  }

 private:
  static std::unexpected<Error> broken(std::string_view what) {
    return fail(Errc::corrupt, fmt::format("the WWW-Authenticate header is broken: {}", what));
  }

  void skip(std::string_view letters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(letters), rest_.size()));
  }

  std::string_view take(bool (*fits)(char)) {
    const auto end = static_cast<std::size_t>(std::ranges::find_if_not(rest_, fits) - rest_.begin());
    const auto part = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return part;
  }

  // What some schemes have instead of parameters. It stands alone, up to a comma or the end.
  bool take_token68() {
    const auto before = rest_;
    const bool any = !take(is_token68_char).empty();
    skip("=");
    skip(" \t");
    if (any && (rest_.empty() || rest_.front() == ',')) {
      skip(" \t,");
      return true;
    }
    rest_ = before;
    return false;
  }

  // Up to the end, or to a word without a value: the next scheme.
  Status read_parameters() {
    while (true) {
      skip(" \t,");
      const auto before = rest_;
      const auto name = take(is_token_char);
      skip(" \t");
      if (name.empty() || rest_.empty() || rest_.front() != '=') {
        rest_ = before;
        return {};
      }
      rest_.remove_prefix(1);
      skip(" \t");
      FOOTMAN_TRY(auto value, read_value());
      auto& parameters = out_.back().parameters;
      if (parameters.size() == kMaxParameters) return broken("too many parameters");
      if (!parameters.try_emplace(lower_case(name), std::move(value)).second)
        return broken("a parameter comes twice");
      skip(" \t");
      if (!rest_.empty() && rest_.front() != ',') return broken("something after a value");
    }
  }

  Result<std::string> read_value() {
    if (!rest_.starts_with('"')) {
      const auto value = take(is_token_char);
      if (value.empty()) return broken("a parameter without a value");
      return std::string(value);
    }
    std::string out;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return out;
      }
      if (rest_[i] == '\\') ++i;
      if (i < rest_.size()) out += rest_[i];
    }
    return broken("a text without an end");
  }

  std::string_view rest_;
  std::vector<Challenge> out_;
};

// Beyond this machine only with TLS.
bool is_safe(const net::Url& url, const net::Url& api) {
  if (url.scheme == "https") return true;
  return url.scheme == "http" && api.scheme == "http" && base::is_loopback_host(url.host);
}

std::string value_of(const Challenge& challenge, std::string_view name) {
  const auto found = challenge.parameters.find(name);
  return found == challenge.parameters.end() ? std::string() : found->second;
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->get_string()))
                                                : std::string();
}

const json::array* find_errors(const json::value& document) {
  const auto* root = document.if_object();
  const auto* errors = root != nullptr ? root->if_contains("errors") : nullptr;
  return errors != nullptr ? errors->if_array() : nullptr;
}

}  // namespace

Result<std::vector<Challenge>> parse_challenges(std::string_view header) {
  if (header.size() > kMaxChallengeBytes)
    return fail(Errc::corrupt, fmt::format("the WWW-Authenticate header is longer than {}",
                                           format_bytes(kMaxChallengeBytes)));
  return ChallengeReader(header).read();
}

Result<net::Url> find_token_address(const Challenge& challenge, const net::Url& api,
                                    std::string_view repository) {
  auto url = net::parse_url(value_of(challenge, "realm"));
  if (!url || (url->scheme != "https" && url->scheme != "http"))
    return fail(Errc::corrupt, fmt::format("{} does not say where its tokens are", api.host));
  if (!is_safe(*url, api))
    return fail(Errc::corrupt,
                fmt::format("{} wants a token from {}, to which there is no TLS", api.host, url->host));
  const auto add = [&](std::string_view name, std::string_view value) {
    url->path += fmt::format("{}{}={}", url->path.find('?') == std::string::npos ? '?' : '&', name,
                             net::percent_encode(value));
  };
  if (const auto service = value_of(challenge, "service"); !service.empty()) add("service", service);
  // What the challenge asks for may be less than the next request needs.
  add("scope", fmt::format("repository:{}:pull,push", repository));
  return url;
}

Result<Secret> read_token(std::string_view body) {
  boost::system::error_code failed;
  const auto document = json::parse(body, failed);
  const auto* root = failed ? nullptr : document.if_object();
  std::string token;
  for (const auto* name : {"token", "access_token"})
    if (root != nullptr && token.empty()) token = text_of(*root, name);
  const bool fits = std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
  if (token.empty() || token.size() > kMaxToken || !fits)
    return fail(Errc::corrupt, "the answer holds no token that can be used");
  return Secret(std::move(token));
}

Result<net::Url> find_upload_address(const net::Url& api, std::string_view location,
                                     std::string_view digest) {
  const auto strange = [&](std::string_view why) {
    return fail(Errc::corrupt, fmt::format("{} does not say where the upload goes: {}", api.host, why));
  };
  if (location.empty() || location.size() > kMaxAddress)
    return strange("no Location header, or one that is too long");
  net::Url url = api;
  if (location.starts_with('/') && !location.starts_with("//")) {
    url.path = location;
  } else {
    auto whole = net::parse_url(location);
    if (!whole) return strange("its Location header is no address");
    url = std::move(*whole);
  }
  if (!is_safe(url, api)) return strange(fmt::format("to {} there is no TLS", url.host));
  const bool clean = std::ranges::all_of(url.path, [](char c) { return c > ' ' && c <= '~' && c != '#'; });
  if (!clean) return strange("its Location header is no address");
  url.path += fmt::format("{}digest={}", url.path.find('?') == std::string::npos ? '?' : '&',
                          net::percent_encode(digest));
  return url;
}

std::string read_refusal(std::string_view body) {
  boost::system::error_code failed;
  const auto document = json::parse(body, failed);
  const auto* errors = failed ? nullptr : find_errors(document);
  if (errors == nullptr) return {};
  std::string out;
  for (const auto& one : *errors) {
    const auto* error = one.if_object();
    if (error == nullptr || out.size() > kMaxRefusal) continue;
    const auto code = text_of(*error, "code");
    const auto message = text_of(*error, "message");
    if (code.empty() && message.empty()) continue;
    out += fmt::format("{}{}{}{}", out.empty() ? "" : "; ", code, code.empty() || message.empty() ? "" : ": ",
                       message);
  }
  out = replace_invalid_utf8(out);
  return out.size() <= kMaxRefusal ? out : std::string(cut_utf8(out, kMaxRefusal)) + "…";
}

}  // namespace footman::registry
