#include "registry/push.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/ascii.hpp"
#include "base/digest.hpp"
#include "base/number.hpp"
#include "policy/retry.hpp"
#include "registry/answers.hpp"
#include "runtime/time_limit.hpp"
#include "runtime/wait.hpp"

namespace footman::registry {
namespace {

using net::HttpClientRequest;
using net::HttpClientResponse;
using runtime::Awaitable;

constexpr std::string_view kHubApi = "registry-1.docker.io";
constexpr std::string_view kBasic = "Basic ";
constexpr std::string_view kWrongPassword = "does not take this user and password";
constexpr policy::RetryLimits kPauses{
    .first_pause = 500ms, .longest_pause = kLongestPause, .longest_wish = kLongestPause};

// One attempt that failed.
struct Failed {
  Error error;
  bool passes = false;  // trying again may help
  Duration wish{0};     // of the registry: not before that long
};
template <class T>
using Attempt = std::expected<T, Failed>;

bool passes(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::timeout || error.code == Errc::io;
}
std::unexpected<Failed> failed_for_good(Error error) {
  return std::unexpected(Failed{std::move(error), false, {}});
}

bool is_same_place(const net::Url& a, const net::Url& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

Duration read_wish(const net::Headers& headers) {
  const auto seconds = base::find_number<std::uint32_t>(headers.value_or("Retry-After", ""));
  return seconds ? std::min<Duration>(std::chrono::seconds(*seconds), kLongestPause) : Duration(0);
}

std::string make_basic(const Login& login) {
  auto both = fmt::format("{}:{}", login.user, login.password.expose());
  auto packed = std::string(kBasic) + to_base64(both);
  base::wipe(both);
  return packed;
}

class Push {
 public:
  Push(const Outside& outside, Target target) : outside_(outside), target_(std::move(target)) {}

  Awaitable<Result<Pushed>> run(const image::CarrierImage* image);

 private:
  enum class Have { no, yes };

  Awaitable<Status> put_blob(const image::Blob* blob, std::string name);
  Awaitable<Attempt<Have>> put_blob_once(const image::Blob* blob, const std::string* name);
  Awaitable<Attempt<Have>> find_blob(const image::Blob* blob);
  Awaitable<Status> put_manifest(const image::Blob* manifest, std::string reference);
  Awaitable<Attempt<Have>> put_manifest_once(const image::Blob* manifest, const std::string* reference);

  Awaitable<Attempt<HttpClientResponse>> ask(HttpClientRequest request);
  Awaitable<Attempt<HttpClientResponse>> send(HttpClientRequest request);
  Awaitable<Attempt<Have>> sign_in(const net::Headers* headers);
  Awaitable<Attempt<Have>> fetch_token(Challenge challenge);
  Awaitable<bool> try_again(const Failed* failed, std::uint32_t attempts);

  HttpClientRequest make_request(std::string method, std::string_view path) const;
  Failed refusal(const HttpClientResponse& answer, std::string_view what) const;
  Error not_signed_in(std::string_view why) const;
  std::string hint_for(int status) const;
  const std::string& registry() const { return target_.reference.registry; }

  const Outside& outside_;
  Target target_;
  Secret authorization_;  // what the registry last took or will be given next
  Pushed pushed_;
};

Awaitable<Result<Pushed>> Push::run(const image::CarrierImage* image) {
  for (const auto& platform : image->platforms) {
    FOOTMAN_CO_TRY_STATUS(
        co_await put_blob(&platform.layer, fmt::format("the layer for {} ({})", platform.architecture,
                                                       format_bytes(platform.layer.bytes.size()))));
    FOOTMAN_CO_TRY_STATUS(
        co_await put_blob(&platform.config, "the configuration for " + platform.architecture));
  }
  for (const auto& platform : image->platforms)
    FOOTMAN_CO_TRY_STATUS(co_await put_manifest(&platform.manifest, platform.manifest.digest));
  FOOTMAN_CO_TRY_STATUS(co_await put_manifest(&image->index, target_.reference.tag));
  co_return pushed_;
}

// --- blobs

Awaitable<Status> Push::put_blob(const image::Blob* blob, std::string name) {
  for (std::uint32_t attempts = 1;; ++attempts) {
    const auto done = co_await put_blob_once(blob, &name);
    if (done) {
      ++(*done == Have::yes ? pushed_.there : pushed_.sent);
      if (*done == Have::no) pushed_.sent_bytes += blob->bytes.size();
      co_return Status();
    }
    const auto& failed = done.error();
    if (!co_await try_again(&failed, attempts)) co_return std::unexpected(failed.error);
  }
}

// What came of an upload whose answer was lost is seen at the next attempt. Answers with what was there
// before.
Awaitable<Attempt<Push::Have>> Push::put_blob_once(const image::Blob* blob, const std::string* name) {
  outside_.say("looks for " + *name);
  const auto found = co_await find_blob(blob);
  if (!found || *found == Have::yes) co_return found;
  const auto begun = co_await ask(make_request("POST", "blobs/uploads/"));
  if (!begun) co_return std::unexpected(begun.error());
  if (begun->status != 202) co_return std::unexpected(refusal(*begun, "begin an upload"));
  auto address = find_upload_address(target_.api, begun->headers.value_or("Location", ""), blob->digest);
  if (!address) co_return failed_for_good(address.error());
  outside_.say("sends " + *name);
  HttpClientRequest request;
  request.method = "PUT";
  request.url = std::move(*address);
  request.headers.add("Content-Type", "application/octet-stream");
  request.body = blob->bytes;
  const auto sent = co_await ask(std::move(request));
  if (!sent) co_return std::unexpected(sent.error());
  if (sent->status != 201 && sent->status != 204) {
    auto failed = refusal(*sent, "send " + *name);
    failed.passes = failed.passes || sent->status == 404;  // the upload was forgotten meanwhile
    co_return std::unexpected(std::move(failed));
  }
  co_return Have::no;
}

// A redirection leads to where the blob is: it is there.
Awaitable<Attempt<Push::Have>> Push::find_blob(const image::Blob* blob) {
  const auto answer = co_await ask(make_request("HEAD", "blobs/" + blob->digest));
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status == 200 || answer->status == 302 || answer->status == 307) co_return Have::yes;
  if (answer->status == 404) co_return Have::no;
  co_return std::unexpected(refusal(*answer, "look for a layer"));
}

// --- manifests

Awaitable<Status> Push::put_manifest(const image::Blob* manifest, std::string reference) {
  outside_.say("sends the manifest " + reference);
  for (std::uint32_t attempts = 1;; ++attempts) {
    const auto done = co_await put_manifest_once(manifest, &reference);
    if (done) co_return Status();
    const auto& failed = done.error();
    if (!co_await try_again(&failed, attempts)) co_return std::unexpected(failed.error);
  }
}

Awaitable<Attempt<Push::Have>> Push::put_manifest_once(const image::Blob* manifest,
                                                       const std::string* reference) {
  auto request = make_request("PUT", "manifests/" + *reference);
  request.headers.add("Content-Type", manifest->media_type);
  request.body = manifest->bytes;
  const auto answer = co_await ask(std::move(request));
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status / 100 != 2)
    co_return std::unexpected(refusal(*answer, "store the manifest " + *reference));
  const auto digest = answer->headers.value_or("Docker-Content-Digest", manifest->digest);
  if (digest != manifest->digest)
    co_return failed_for_good(
        {Errc::corrupt, fmt::format("{} stored another manifest than was sent", registry()), {}, {}});
  co_return Have::no;
}

// --- requests

HttpClientRequest Push::make_request(std::string method, std::string_view path) const {
  HttpClientRequest request;
  request.method = std::move(method);
  request.url = target_.api;
  request.url.path = fmt::format("/v2/{}/{}", target_.reference.name, path);
  return request;
}

// With what the registry took last. When it asks who one is, it is told, once.
Awaitable<Attempt<HttpClientResponse>> Push::ask(HttpClientRequest request) {
  const bool is_registrys = is_same_place(request.url, target_.api);
  auto signed_request = request;
  if (is_registrys && !authorization_.empty())
    signed_request.headers.add("Authorization", std::string(authorization_.expose()));
  auto answer = co_await send(std::move(signed_request));
  if (!answer || answer->status != 401 || !is_registrys) co_return answer;
  const auto signed_in = co_await sign_in(&answer->headers);
  if (!signed_in) co_return std::unexpected(signed_in.error());
  request.headers.add("Authorization", std::string(authorization_.expose()));
  answer = co_await send(std::move(request));
  // After a token it is about rights: see refusal().
  if (answer && answer->status == 401 && authorization_.expose().starts_with(kBasic))
    co_return failed_for_good(not_signed_in(kWrongPassword));
  co_return answer;
}

Awaitable<Attempt<HttpClientResponse>> Push::send(HttpClientRequest request) {
  auto answer = co_await runtime::run_for(outside_.clock, kAttemptTime, outside_.send(std::move(request)));
  if (!answer)
    co_return std::unexpected(Failed{
        {Errc::timeout,
         fmt::format("{} needs more than {} for one answer", registry(), format_duration(kAttemptTime)),
         {},
         {}},
        true,
        {}});
  if (!*answer) {
    auto error = (*answer).error();
    error.message = fmt::format("{}: {}", registry(), error.message);
    const bool may_pass = passes(error);
    co_return std::unexpected(Failed{std::move(error), may_pass, {}});
  }
  co_return std::move(**answer);
}

Awaitable<bool> Push::try_again(const Failed* failed, std::uint32_t attempts) {
  if (!failed->passes || attempts >= kAttempts) co_return false;
  const auto now = outside_.clock.now();
  const auto wish = failed->wish.count() > 0 ? now + failed->wish : Instant{};
  const auto next = policy::next_try(attempts, wish, outside_.rng.uniform(), kPauses, now);
  outside_.say(fmt::format("waits to try again: {}", failed->error.message));
  co_await runtime::sleep_for(outside_.clock, next - now);
  co_return true;
}

// --- who one is

Awaitable<Attempt<Push::Have>> Push::sign_in(const net::Headers* headers) {
  std::vector<Challenge> challenges;
  for (const auto& [name, value] : headers->all()) {
    if (!equal_ignoring_case(name, "WWW-Authenticate")) continue;
    auto parsed = parse_challenges(value);
    if (!parsed)
      co_return failed_for_good(
          {Errc::corrupt, fmt::format("{}: {}", registry(), parsed.error().message), {}, {}});
    std::ranges::move(*parsed, std::back_inserter(challenges));
    if (challenges.size() > kMaxChallenges) break;
  }
  const auto bearer = std::ranges::find(challenges, "bearer", &Challenge::scheme);
  if (bearer != challenges.end()) co_return co_await fetch_token(*bearer);
  if (std::ranges::count(challenges, "basic", &Challenge::scheme) == 0)
    co_return failed_for_good(
        {Errc::unsupported,
         fmt::format("{} wants another way of signing in than by password or token{}", registry(),
                     challenges.empty() ? std::string() : ": " + challenges.front().scheme),
         {},
         {}});
  if (!target_.login) co_return failed_for_good(not_signed_in("wants to know who you are"));
  authorization_ = Secret(make_basic(*target_.login));
  co_return Have::yes;
}

Awaitable<Attempt<Push::Have>> Push::fetch_token(Challenge challenge) {
  HttpClientRequest request;
  auto address = find_token_address(challenge, target_.api, target_.reference.name);
  if (!address) co_return failed_for_good(address.error());
  request.url = std::move(*address);
  if (target_.login) request.headers.add("Authorization", make_basic(*target_.login));
  const auto host = request.url.host;
  const auto answer = co_await send(std::move(request));
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status == 401 || answer->status == 403)
    co_return failed_for_good(
        not_signed_in(target_.login ? kWrongPassword : "gives no token to somebody unknown"));
  if (answer->status != 200)
    co_return std::unexpected(refusal(*answer, fmt::format("get a token from {}", host)));
  auto token = read_token(answer->body);
  if (!token)
    co_return failed_for_good({Errc::corrupt, fmt::format("{}: {}", host, token.error().message), {}, {}});
  authorization_ = Secret(fmt::format("Bearer {}", token->expose()));
  co_return Have::yes;
}

Error Push::not_signed_in(std::string_view why) const {
  auto text = fmt::format("{} {}", registry(), why);
  if (target_.login) text += fmt::format(" ('{}', from {})", target_.login->user, target_.login->source);
  return {Errc::unauthenticated,
          std::move(text),
          {},
          "Give a user with --user and the password with --password-file, or sign in with docker login."};
}

// --- refusals

Failed Push::refusal(const HttpClientResponse& answer, std::string_view what) const {
  Failed out;
  const auto status = answer.status;
  auto words = read_refusal(answer.body);
  out.error.message = fmt::format("{} refuses to {} in {}: {}{}", registry(), what, target_.reference.name,
                                  words.empty() ? "" : words + ", ", fmt::format("HTTP {}", status));
  out.error.hint = hint_for(status);
  out.passes = status == 408 || status == 429 || status >= 500;
  out.wish = read_wish(answer.headers);
  if (status == 401 || status == 403)
    out.error.code = Errc::permission_denied;
  else if (status == 404)
    out.error.code = Errc::not_found;
  else if (status == 409)
    out.error.code = Errc::conflict;
  else
    out.error.code = out.passes ? Errc::unavailable : Errc::unsupported;
  return out;
}

std::string Push::hint_for(int status) const {
  const bool is_ecr = registry().find(".dkr.ecr") != std::string::npos;
  if (status == 404 && is_ecr)
    return fmt::format("Make it: aws ecr create-repository --repository-name {}", target_.reference.name);
  if (status == 404) return "Make the repository first, or is this the address of a registry?";
  if (status == 401 || status == 403) return "Who signed in may not push there.";
  return {};
}

}  // namespace

net::HttpClientConfig registry_http(net::ProxyEnvironment proxies, net::TlsClientContextPtr tls) {
  net::HttpClientConfig config;
  config.tls = std::move(tls);
  config.proxies = std::move(proxies);
  config.body_bytes = kMaxAnswer;
  return config;
}

Result<net::Url> find_api(const image::Reference& reference, bool plain_http) {
  const bool is_hub = reference.registry == image::kDockerHub;
  auto url = net::parse_url(
      fmt::format("{}://{}", plain_http ? "http" : "https", is_hub ? kHubApi : reference.registry));
  if (!url) return fail(Errc::invalid_argument, url.error().message, "REPOSITORY");
  if (plain_http && !base::is_loopback_host(url->host))
    return fail(Errc::invalid_argument, fmt::format("{} would get a password without TLS", url->host),
                "--plain-http", "It is for a registry of this machine only.");
  return url;
}

Awaitable<Result<Pushed>> push(const Outside& outside, Target target, const image::CarrierImage& image) {
  Push one(outside, std::move(target));
  co_return co_await one.run(&image);
}

}  // namespace footman::registry
