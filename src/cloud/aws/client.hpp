// Calls to one AWS service in one region: signed, within the account's rate limits, repeated where that is
// safe, with errors that say what to do. Typed calls are written upon it (sts.hpp).
//
// An attempt: tokens of the rate limits, credentials, signature, HTTP. When it fails:
//   throttled, transient   again after a pause with full jitter, Retry-After honoured, within the limits of
//                          the call and the retry budget of the client
//   our clock is wrong     the answer's Date is taken from then on; at once again, once for each call
//   credentials expired    others are fetched; at once again, once for each call
//   anything else          the end
// A call that is not idempotent is made once. Idempotent is what reads, and what carries a client token, with
// which AWS knows a repetition.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/aws/endpoints.hpp"
#include "cloud/aws/errors.hpp"
#include "cloud/aws/foundation.hpp"
#include "cloud/aws/rate_limits.hpp"
#include "cloud/aws/retries.hpp"
#include "cloud/aws/xml.hpp"

namespace footman::cloud::aws {

// AWS itself takes no signature that differs by more than 5 minutes.
inline constexpr Duration kClockTolerance = 4min;
inline constexpr Duration kShortestAttempt = 1s;  // also when the time of its call is nearly over

struct Call {
  std::string operation;  // "RunTask"; of a rest service for people only
  std::string body;       // JSON services: the input; empty: {}
  Query parameters;       // query services: the input; Action and Version are added. Rest: the query
  bool idempotent = false;
  std::vector<Charge> charges;  // none: no rate limit is known
  Urgency urgency = Urgency::read;
  std::string path = {};  // rest services: "/2015-02-01/file-systems"
};

struct ClientConfig {
  Service service;
  std::string region;
  EndpointOptions endpoint;
  CallLimits limits;
};

// On one executor; any number of calls may be under way. No call may be when it is destroyed.
class Client {
 public:
  // `credentials` null: calls are not signed. `rates` null: no rate limits; else shared with all clients of
  // the account and region. All of them outlive the client. Errors as of find_endpoint().
  static Result<std::unique_ptr<Client>> create(ClientConfig config, const Outside& outside,
                                                CredentialsSource* credentials, RateLimits* rates);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The answer of a JSON or of a query service; calling the wrong one is a bug.
  runtime::Awaitable<CallResult<boost::json::object>> call_json(Call call);
  runtime::Awaitable<CallResult<XmlDocument>> call_query(Call call);
  // The JSON as it came, for those who read it themselves.
  runtime::Awaitable<CallResult<std::string>> call_text(Call call);

  const std::string& region() const { return config_.region; }
  Duration clock_skew() const { return skew_; }  // AWS' clock minus ours, as far as it was seen to matter
  // The same as the last answer had it, to a second and the time that the answer took; nothing: no answer.
  std::optional<Duration> last_clock_difference() const { return difference_; }
  // The last answer did not take our credentials, or there were none to be had.
  bool lacks_credentials() const { return lacks_credentials_; }

 private:
  struct Answer;
  struct Failed;    // one attempt
  struct Progress;  // of a call
  using Attempt = std::expected<Answer, Failed>;

  Client(ClientConfig config, net::Url url, const Outside& outside, CredentialsSource* credentials,
         RateLimits* rates);
  runtime::Awaitable<CallResult<Answer>> perform(const Call* call);
  runtime::Awaitable<bool> wait_for_rate(const Call* call, Progress* progress);
  runtime::Awaitable<Attempt> attempt_in_time(const Call* call, Instant deadline);
  runtime::Awaitable<Attempt> attempt(const Call* call);
  net::HttpClientRequest make_request(const Call& call, const Credentials* credentials, Instant now) const;
  static Failed judge_credentials_error(const Error& error);
  static Failed judge_silence(const Error& error);
  Failed judge_answer(const Call& call, const net::HttpClientResponse& answer, Instant signed_at,
                      const Credentials* credentials);
  bool correct_clock(const net::Headers& headers, Instant signed_at);
  std::optional<Instant> plan_next(const Call& call, const Failed& failed, Progress& progress);
  CallFailure finish(const Call& call, const Progress& progress) const;
  CallFailure strange(const Call& call, const Answer& answer, std::string_view what) const;
  std::string name(const Call& call) const;

  ClientConfig config_;
  net::Url url_;
  const Outside& outside_;
  CredentialsSource* credentials_;
  RateLimits* rates_;
  RetryBudget budget_;
  Duration skew_{0};  // AWS' clock minus even time
  std::optional<Duration> difference_;
  bool lacks_credentials_ = false;
};

}  // namespace footman::cloud::aws
