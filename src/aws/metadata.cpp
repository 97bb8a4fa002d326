#include "aws/metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/address.hpp"
#include "base/ascii.hpp"
#include "net/tcp.hpp"
#include "runtime/time_limit.hpp"
#include "runtime/wait.hpp"

namespace footman::aws {
namespace {

using runtime::Awaitable;

constexpr std::string_view kEcsHost = "169.254.170.2";
constexpr std::array<std::string_view, 3> kPlainHosts{kEcsHost, "169.254.170.23", "fd00:ec2::23"};
constexpr int kAttempts = 3;
constexpr Duration kAttemptTime = 5s;
constexpr Duration kFirstPause = 200ms;  // doubled
constexpr std::size_t kMaxMetadataToken = 16UL * 1024;
constexpr std::size_t kMaxRole = 64;
constexpr std::string_view kTokenSeconds = "21600";  // six hours, the most that AWS takes

bool is_header_value(std::string_view text) {
  return !text.empty() && text.size() <= kMaxMetadataToken &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  return text;
}

Status check_container_url(const net::Url& url) {
  if (url.scheme == "https") return {};
  if (url.scheme == "http" &&
      (base::is_loopback_host(url.host) || std::ranges::count(kPlainHosts, url.host) > 0))
    return {};
  return fail(Errc::invalid_argument,
              fmt::format("AWS_CONTAINER_CREDENTIALS_FULL_URI names {}, which may not be asked", url.host),
              {}, "Without TLS only this machine, 169.254.170.2, 169.254.170.23 and fd00:ec2::23 may be.");
}

bool is_worth_repeating(const Result<net::HttpClientResponse>& answer) {
  if (answer) return answer->status >= 500 || answer->status == 429;
  return answer.error().code == Errc::timeout || answer.error().code == Errc::io ||
         answer.error().code == Errc::unavailable;
}

// An answer with status 200; another one is an error, and 404 is not_found.
Result<std::string> check_answer(Result<net::HttpClientResponse> answer, const std::string& source) {
  if (!answer) return fail(answer.error().code, fmt::format("{}: {}", source, answer.error().message));
  if (answer->status == 200) return std::move(answer->body);
  const auto words = fmt::format("{} answered with status {}", source, answer->status);
  if (answer->status == 404) return fail(Errc::not_found, words);
  if (answer->status >= 500 || answer->status == 429) return fail(Errc::unavailable, words);
  return fail(Errc::permission_denied, words);
}

// Whatever drips there.
Awaitable<Result<net::HttpClientResponse>> ask_in_time(const Outside& outside,
                                                       net::HttpClientRequest request) {
  auto answer = co_await runtime::run_for(outside.clock, kAttemptTime, outside.metadata(std::move(request)));
  if (answer) co_return std::move(*answer);
  co_return fail(Errc::timeout, "no answer within " + format_duration(kAttemptTime));
}

Awaitable<Result<std::string>> ask(const Outside& outside, net::HttpClientRequest request,
                                   std::string source) {
  auto pause = kFirstPause;
  for (int attempt = 1;; ++attempt) {
    auto answer = co_await ask_in_time(outside, request);
    if (attempt == kAttempts || !is_worth_repeating(answer))
      co_return check_answer(std::move(answer), source);
    co_await runtime::sleep_for(outside.clock, pause);
    pause *= 2;
  }
}

Awaitable<Result<Secret>> read_container_token(const Outside& outside, std::string file) {
  auto text = co_await outside.read_file(file);
  if (!text)
    co_return fail(text.error().code == Errc::not_found ? Errc::invalid_argument : text.error().code,
                   fmt::format("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {}", text.error().message));
  co_return Secret(std::string(trim_end(*text)));
}

net::HttpClientRequest make_instance_request(net::Url url, std::string method, std::string_view path) {
  if (!url.path.ends_with('/')) url.path += '/';
  url.path += path;
  return {std::move(method), std::move(url), {}, {}, {}, {}};
}

bool is_role_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRole &&
         std::ranges::all_of(text, [](char c) { return base::is_alnum_or("+=,.@-_", c); });
}

// One attempt: on most machines nobody is there.
Awaitable<Result<Secret>> fetch_instance_token(const Outside& outside, net::Url endpoint) {
  auto request = make_instance_request(endpoint, "PUT", "latest/api/token");
  request.headers.add("X-aws-ec2-metadata-token-ttl-seconds", std::string(kTokenSeconds));
  auto answer = co_await ask_in_time(outside, std::move(request));
  if (!answer)
    co_return fail(Errc::not_found,
                   fmt::format("nobody answers at {}: {}", endpoint.str(), answer.error().message));
  if (answer->status >= 500 || answer->status == 429)
    co_return fail(Errc::unavailable,
                   fmt::format("{} answered with status {}", endpoint.str(), answer->status));
  if (answer->status != 200 || !is_header_value(answer->body))
    co_return fail(Errc::not_found,
                   fmt::format("{} gives no token (status {})", endpoint.str(), answer->status));
  co_return Secret(std::move(answer->body));
}

}  // namespace

Result<std::optional<ContainerEndpoint>> find_container_endpoint(const Environment& environment) {
  const auto relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").value_or("");
  const auto full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("");
  if (relative.empty() && full.empty()) return std::nullopt;
  if (!relative.empty() && !relative.starts_with('/'))
    return fail(Errc::invalid_argument, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /");
  ContainerEndpoint endpoint;
  auto url = net::parse_url(relative.empty() ? full : fmt::format("http://{}{}", kEcsHost, relative));
  if (!url)
    return fail(Errc::invalid_argument,
                fmt::format("the address of the container's credentials: {}", url.error().message));
  FOOTMAN_TRY_STATUS(check_container_url(*url));
  endpoint.url = std::move(*url);
  endpoint.token_file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").value_or("");
  if (endpoint.token_file.empty())
    endpoint.token = Secret(environment("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or(""));
  return endpoint;
}

Awaitable<Result<Credentials>> fetch_container_credentials(const Outside& outside,
                                                           ContainerEndpoint endpoint) {
  const auto source = fmt::format("the container's credentials at {}", endpoint.url.host);
  auto token = endpoint.token;
  if (!endpoint.token_file.empty()) {
    FOOTMAN_CO_TRY(token, co_await read_container_token(outside, endpoint.token_file));
  }
  net::HttpClientRequest request{"GET", endpoint.url, {}, {}, {}, {}};
  request.headers.add("Accept", "application/json");
  if (!token.empty()) {
    if (!is_header_value(token.expose()))
      co_return fail(Errc::invalid_argument,
                     "the container's authorization token cannot be a header's value");
    request.headers.add("Authorization", std::string(token.expose()));
  }
  auto body = co_await ask(outside, std::move(request), source);
  if (!body) {
    // It was configured: that it gives nothing is no reason to take another identity.
    const auto code = body.error().code == Errc::not_found ? Errc::permission_denied : body.error().code;
    co_return fail(code, body.error().message);
  }
  co_return parse_credentials_answer(*body, source);
}

Result<std::optional<net::Url>> find_instance_endpoint(const Environment& environment) {
  auto disabled = environment("AWS_EC2_METADATA_DISABLED").value_or("");
  std::ranges::transform(disabled, disabled.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (disabled == "true") return std::nullopt;
  const auto mode = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").value_or("");
  const auto* usual =
      mode == "IPv6" || mode == "ipv6" ? "http://[fd00:ec2::254]/" : "http://169.254.169.254/";
  auto url = net::parse_url(environment("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or(usual));
  if (!url || (url->scheme != "http" && url->scheme != "https"))
    return fail(Errc::invalid_argument, "AWS_EC2_METADATA_SERVICE_ENDPOINT is not an http address");
  return *url;
}

Awaitable<Result<Credentials>> fetch_instance_credentials(const Outside& outside, net::Url endpoint) {
  const auto source = fmt::format("the instance metadata at {}", endpoint.host);
  FOOTMAN_CO_TRY(const auto token, co_await fetch_instance_token(outside, endpoint));
  const std::string folder = "latest/meta-data/iam/security-credentials/";

  auto list = make_instance_request(endpoint, "GET", folder);
  list.headers.add("X-aws-ec2-metadata-token", std::string(token.expose()));
  auto roles = co_await ask(outside, std::move(list), source);
  if (!roles && roles.error().code == Errc::not_found)
    co_return fail(Errc::not_found, fmt::format("{}: the instance has no role", source));
  if (!roles) co_return std::unexpected(std::move(roles).error());
  const auto role = roles->substr(0, roles->find('\n'));
  if (!is_role_name(trim_end(role))) co_return fail(Errc::corrupt, fmt::format("{} names no role", source));

  auto get = make_instance_request(endpoint, "GET", folder + net::percent_encode(trim_end(role)));
  get.headers.add("X-aws-ec2-metadata-token", std::string(token.expose()));
  auto body = co_await ask(outside, std::move(get), source);
  if (!body)
    co_return fail(body.error().code == Errc::not_found ? Errc::unavailable : body.error().code,
                   body.error().message);
  co_return parse_credentials_answer(*body, fmt::format("{} (role {})", source, trim_end(role)));
}

}  // namespace footman::aws
