#include "cloud/aws/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/check.hpp"
#include "runtime/time_limit.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::aws {

using model::FailureClass;
using runtime::Awaitable;

struct Client::Answer {
  std::string body;
  std::string request_id;
};

struct Client::Failed {
  CallFailure failure;
  Remedy remedy = Remedy::none;
  bool timed_out = false;
};

struct Client::Progress {
  Instant deadline;
  std::uint32_t attempts = 0;
  bool definite = true;  // all that failed so far
  bool clock_was_set = false;
  bool credentials_were_renewed = false;
  int retry_cost = 0;  // of the last repetition, to be paid back when it succeeds
  CallFailure last;
};

namespace {

bool is_json(Protocol protocol) { return protocol != Protocol::query; }

std::string_view content_type(Protocol protocol) {
  switch (protocol) {
    case Protocol::json_1_0:
      return "application/x-amz-json-1.0";
    case Protocol::json_1_1:
      return "application/x-amz-json-1.1";
    case Protocol::query:
    case Protocol::rest:
      break;
  }
  return "application/x-www-form-urlencoded; charset=utf-8";
}

std::string format_body(const Service& service, const Call& call) {
  if (is_json(service.protocol)) return call.body.empty() ? "{}" : call.body;
  Query parameters = call.parameters;
  parameters.emplace_back("Action", call.operation);
  parameters.emplace_back("Version", std::string(service.version));
  return format_query(parameters);
}

constexpr std::string_view kHidden = "***";

// Whatever an answer quotes of a request.
std::string redact(std::string text, const Credentials& credentials) {
  for (const auto* secret : {&credentials.secret_access_key, &credentials.session_token}) {
    if (secret->empty()) continue;
    for (std::size_t at = 0; (at = text.find(secret->expose(), at)) != std::string::npos;
         at += kHidden.size())
      text.replace(at, secret->expose().size(), kHidden);
  }
  return text;
}

// Nothing left this machine, or nobody on the other side could read it.
bool was_not_sent(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::unauthenticated ||
         error.code == Errc::invalid_argument;
}

}  // namespace

// No credentials: what is missing or wrong is mended by a person, the rest may pass.
Client::Failed Client::judge_credentials_error(const Error& error) {
  Failed failed;
  failed.failure.definite = true;
  failed.failure.message = describe(error);
  switch (error.code) {
    case Errc::not_found:
    case Errc::permission_denied:
    case Errc::invalid_argument:
    case Errc::unsupported:
      failed.failure.failure = FailureClass::permission;
      break;
    default:
      failed.failure.failure = FailureClass::transient;
  }
  return failed;
}

// There was no answer.
Client::Failed Client::judge_silence(const Error& error) {
  Failed failed;
  failed.failure.definite = was_not_sent(error);
  failed.failure.message = describe(error);
  failed.timed_out = error.code == Errc::timeout;
  if (error.code == Errc::invalid_argument) failed.failure.failure = FailureClass::configuration;
  if (error.code == Errc::unavailable || error.code == Errc::timeout || error.code == Errc::io)
    failed.remedy = Remedy::repeat;
  return failed;
}

Result<std::unique_ptr<Client>> Client::create(ClientConfig config, const Outside& outside,
                                               CredentialsSource* credentials, RateLimits* rates) {
  FOOTMAN_TRY(auto url, find_endpoint(config.service, config.region, config.endpoint));
  return std::unique_ptr<Client>(new Client(std::move(config), std::move(url), outside, credentials, rates));
}

Client::Client(ClientConfig config, net::Url url, const Outside& outside, CredentialsSource* credentials,
               RateLimits* rates)
    : config_(std::move(config)),
      url_(std::move(url)),
      outside_(outside),
      credentials_(credentials),
      rates_(rates) {}

Awaitable<CallResult<std::string>> Client::call_text(Call call) {
  FOOTMAN_CHECK(is_json(config_.service.protocol), "a JSON call to a query service");
  auto answer = co_await perform(&call);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->body);
}

Awaitable<CallResult<boost::json::object>> Client::call_json(Call call) {
  FOOTMAN_CHECK(is_json(config_.service.protocol), "a JSON call to a query service");
  auto answer = co_await perform(&call);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->body.empty()) co_return boost::json::object();
  boost::system::error_code failed;
  auto value = boost::json::parse(answer->body, failed);
  if (failed || !value.is_object()) co_return std::unexpected(strange(call, *answer, "not a JSON object"));
  co_return std::move(value.get_object());
}

Awaitable<CallResult<XmlDocument>> Client::call_query(Call call) {
  FOOTMAN_CHECK(!is_json(config_.service.protocol), "a query call to a JSON service");
  auto answer = co_await perform(&call);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  auto document = XmlDocument::parse(answer->body);
  if (!document) co_return std::unexpected(strange(call, *answer, document.error().message));
  co_return std::move(*document);
}

// `call` is a local of the caller, who waits.
Awaitable<CallResult<Client::Answer>> Client::perform(const Call* call) {
  Progress progress;
  progress.deadline = outside_.even.now() + config_.limits.time;
  while (true) {
    if (!co_await wait_for_rate(call, &progress)) co_return std::unexpected(finish(*call, progress));
    ++progress.attempts;
    auto outcome = co_await attempt_in_time(call, progress.deadline);
    if (outcome) {
      budget_.give_back(progress.retry_cost > 0 ? progress.retry_cost : RetryBudget::kSuccess);
      co_return std::move(*outcome);
    }
    progress.definite = progress.definite && outcome.error().failure.definite;
    const auto next = plan_next(*call, outcome.error(), progress);
    progress.last = std::move(outcome.error().failure);
    if (!next) co_return std::unexpected(finish(*call, progress));
    const auto pause = *next - outside_.even.now();
    outside_.log.debug("an AWS call is made again", {{"call", name(*call)},
                                                     {"after", format_duration(pause)},
                                                     {"code", progress.last.code},
                                                     {"reason", progress.last.message}});
    co_await runtime::sleep_for(outside_.clock, pause);
  }
}

// False: no tokens before the deadline; the last failure says so.
Awaitable<bool> Client::wait_for_rate(const Call* call, Progress* progress) {
  while (rates_ != nullptr) {
    const auto later = rates_->take(call->charges, call->urgency, outside_.even.now());
    if (!later) break;
    if (*later >= progress->deadline) {
      const auto before = std::exchange(progress->last, {}).message;
      progress->last.failure = FailureClass::throttled;
      progress->last.definite = true;
      progress->last.retry_at = *later;
      progress->last.message = "the account's rate limit leaves no room for it yet";
      if (!before.empty()) progress->last.message += "; before: " + before;
      co_return false;
    }
    co_await runtime::sleep_for(outside_.clock, *later - outside_.even.now());
  }
  co_return true;
}

// Whatever drips or hangs on the other side.
Awaitable<Client::Attempt> Client::attempt_in_time(const Call* call, Instant deadline) {
  const auto left = std::max<Duration>(deadline - outside_.even.now(), kShortestAttempt);
  const auto limit = std::min(left, config_.limits.attempt);
  auto outcome = co_await runtime::run_for(outside_.clock, limit, attempt(call));
  if (outcome) co_return std::move(*outcome);
  Failed failed;
  failed.failure.message = "no answer within " + format_duration(limit);
  failed.timed_out = true;
  failed.remedy = Remedy::repeat;
  co_return std::unexpected(std::move(failed));
}

Awaitable<Client::Attempt> Client::attempt(const Call* call) {
  std::optional<Credentials> credentials;
  if (credentials_ != nullptr) {
    auto got = co_await credentials_->get();
    lacks_credentials_ = !got;
    if (!got) co_return std::unexpected(judge_credentials_error(got.error()));
    credentials = std::move(*got);
  }
  const auto signed_at = outside_.even.now() + skew_;
  auto answer =
      co_await outside_.services(make_request(*call, credentials ? &*credentials : nullptr, signed_at));
  if (!answer) co_return std::unexpected(judge_silence(answer.error()));
  if (const auto date = net::parse_http_date(answer->headers.value_or("Date", "")))
    difference_ = *date - outside_.clock.now();
  if (answer->status / 100 == 2) co_return Answer{std::move(answer->body), find_request_id(answer->headers)};
  co_return std::unexpected(judge_answer(*call, *answer, signed_at, credentials ? &*credentials : nullptr));
}

net::HttpClientRequest Client::make_request(const Call& call, const Credentials* credentials,
                                            Instant now) const {
  net::HttpClientRequest request;
  request.url = url_;
  RequestToSign to_sign{"POST", url_.authority(), url_.path, {}, {}, {}};
  if (config_.service.protocol == Protocol::rest) {
    to_sign.method = "GET";
    to_sign.path = url_.path.substr(0, url_.path.find_last_not_of('/') + 1) + call.path;
    to_sign.query = call.parameters;
    const auto query = format_query(call.parameters);
    request.url.path = to_sign.path + (query.empty() ? "" : "?" + query);
  } else {
    request.body = format_body(config_.service, call);
    request.headers.add("Content-Type", std::string(content_type(config_.service.protocol)));
    if (is_json(config_.service.protocol))
      request.headers.add("X-Amz-Target", fmt::format("{}.{}", config_.service.target, call.operation));
  }
  request.method = to_sign.method;
  if (credentials == nullptr) return request;
  to_sign.headers = request.headers;
  to_sign.body = request.body;
  const SigningScope scope{find_signing_region(config_.service, config_.region),
                           std::string(config_.service.name)};
  for (const auto& [header, value] : sign(to_sign, scope, *credentials, now).all())
    request.headers.add(header, value);
  return request;
}

Client::Failed Client::judge_answer(const Call& call, const net::HttpClientResponse& answer,
                                    Instant signed_at, const Credentials* credentials) {
  const auto now = outside_.even.now();
  // Before it is cut to a length, and after it is read: there it may have been written in another form.
  auto told = answer;
  if (credentials != nullptr) told.body = redact(std::move(told.body), *credentials);
  auto error = read_error(config_.service.protocol, told);
  const auto verdict = judge(error);
  lacks_credentials_ = verdict.remedy == Remedy::renew_credentials;
  Failed failed;
  failed.remedy = verdict.remedy;
  failed.failure.failure = verdict.failure;
  failed.failure.definite =
      !error.code.empty() && (error.status < 500 || verdict.failure != FailureClass::transient);
  failed.failure.status = error.status;
  failed.failure.code = std::move(error.code);
  failed.failure.request_id = std::move(error.request_id);
  failed.failure.message =
      credentials == nullptr ? std::move(error.message) : redact(std::move(error.message), *credentials);
  failed.failure.retry_at = read_retry_after(answer.headers, now);
  // Which of several buckets was empty is not said.
  if (verdict.remedy == Remedy::wait && rates_ != nullptr)
    for (const auto& charge : call.charges) rates_->on_throttled(charge.category, now);
  if (verdict.remedy == Remedy::set_clock && !correct_clock(answer.headers, signed_at))
    failed.remedy = Remedy::none;
  // The same again would be refused again: what passes, passes with time.
  if (verdict.remedy == Remedy::renew_credentials &&
      (credentials == nullptr || !credentials_->reject(credentials->access_key_id)))
    failed.remedy = verdict.failure == FailureClass::transient ? Remedy::repeat : Remedy::none;
  return failed;
}

// False: the clock is not what was wrong.
bool Client::correct_clock(const net::Headers& headers, Instant signed_at) {
  const auto date = net::parse_http_date(headers.value_or("Date", ""));
  if (!date || std::chrono::abs(*date - signed_at) < kClockTolerance) return false;
  skew_ = *date - outside_.even.now();
  outside_.log.warning("this machine's clock differs from AWS': AWS' time is used for signatures",
                       {{"service", config_.service.name},
                        {"difference", format_duration(std::chrono::abs(skew_))},
                        {"this_machine_is", skew_.count() > 0 ? "behind" : "ahead"}});
  return true;
}

std::optional<Instant> Client::plan_next(const Call& call, const Failed& failed, Progress& progress) {
  const auto now = outside_.even.now();
  if (failed.remedy == Remedy::set_clock || failed.remedy == Remedy::renew_credentials) {
    bool& done =
        failed.remedy == Remedy::set_clock ? progress.clock_was_set : progress.credentials_were_renewed;
    const bool again = call.idempotent && !std::exchange(done, true) && now < progress.deadline;
    return again ? std::optional(now) : std::nullopt;
  }
  const FailedAttempt attempt{progress.attempts, failed.remedy, failed.timed_out, failed.failure.retry_at};
  return plan_retry(attempt, call.idempotent, outside_.rng.uniform(), now, progress.deadline, config_.limits,
                    budget_, &progress.retry_cost);
}

std::string Client::name(const Call& call) const {
  return fmt::format("{} {} in {}", config_.service.name, call.operation, config_.region);
}

// "ecs RunTask in eu-west-1: ThrottlingException: Rate exceeded (HTTP 400, request id 1-2, 4 attempts)"
CallFailure Client::finish(const Call& call, const Progress& progress) const {
  auto failure = progress.last;
  failure.definite = progress.definite && failure.definite;
  failure.retry_at = outside_.even.on_wall(failure.retry_at);
  std::string details;
  const auto add = [&](std::string text) { details += (details.empty() ? "" : ", ") + std::move(text); };
  if (failure.status != 0) add(fmt::format("HTTP {}", failure.status));
  if (!failure.request_id.empty()) add("request id " + failure.request_id);
  if (progress.attempts > 1) add(fmt::format("{} attempts", progress.attempts));
  const auto separator = failure.code.empty() || failure.message.empty() ? "" : ": ";
  failure.message = fmt::format("{}: {}{}{}{}", name(call), failure.code, separator, failure.message,
                                details.empty() ? "" : " (" + details + ")");
  return failure;
}

// The service said yes, in words that nobody understands.
CallFailure Client::strange(const Call& call, const Answer& answer, std::string_view what) const {
  CallFailure failure;
  failure.status = 200;
  failure.request_id = answer.request_id;
  failure.message =
      fmt::format("{}: the answer is strange: {}{}", name(call), what,
                  answer.request_id.empty() ? "" : fmt::format(" (request id {})", answer.request_id));
  return failure;
}

}  // namespace footman::cloud::aws
