#include "cloud/aws/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <string_view>

#include "aws/json_fields.hpp"
#include "base/utf8.hpp"
#include "cloud/aws/xml.hpp"

namespace footman::cloud::aws {
namespace {

namespace json = boost::json;
using footman::aws::text_of;
using model::FailureClass;

constexpr std::size_t kMaxCode = 200;
constexpr std::size_t kMaxMessage = 2000;
constexpr std::size_t kMaxStrangeBody = 200;  // of a body that nobody understands

// One line of valid UTF-8, not longer than `max`.
std::string as_line(std::string_view text, std::size_t max) {
  std::string out = replace_invalid_utf8(text.substr(0, max));
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  return std::string(cut_utf8(out, max));
}

// A wrong signature is answered with all that was signed, the session token among it.
std::string_view without_canonical_request(std::string_view message) {
  return message.substr(0, message.find("The Canonical String"));
}

// "com.amazonaws.ecs#ClientException" and "ClientException:http://…" are both ClientException.
std::string bare_code(std::string_view text) {
  text = text.substr(0, text.find(':'));
  if (const auto hash = text.rfind('#'); hash != std::string_view::npos) text.remove_prefix(hash + 1);
  return as_line(text, kMaxCode);
}

void read_json_error(const net::HttpClientResponse& answer, ServiceError& error) {
  boost::system::error_code failed;
  const auto value = json::parse(answer.body, failed);
  const auto* object = failed ? nullptr : value.if_object();
  if (object != nullptr) {
    error.code = bare_code(text_of(*object, "__type"));
    error.message = text_of(*object, "message");
    if (error.message.empty()) error.message = text_of(*object, "Message");
  }
  if (error.code.empty()) error.code = bare_code(answer.headers.value_or("X-Amzn-Errortype", ""));
}

void read_query_error(const net::HttpClientResponse& answer, ServiceError& error) {
  const auto document = XmlDocument::parse(answer.body);
  if (!document) return;
  for (const std::string place : {"ErrorResponse/Error", "Response/Errors/Error"}) {
    if (!error.code.empty()) break;
    error.code = bare_code(document->text(place + "/Code"));
    error.message = document->text(place + "/Message");
  }
  for (const auto* place : {"ErrorResponse/RequestId", "Response/RequestID"}) {
    if (error.request_id.empty()) error.request_id = as_line(document->text(place), kMaxCode);
  }
}

struct Rule {
  std::string_view code;
  Verdict verdict;
};

constexpr Verdict kThrottled{FailureClass::throttled, Remedy::wait};
constexpr Verdict kTransient{FailureClass::transient, Remedy::repeat};
constexpr Verdict kCapacity{FailureClass::capacity, Remedy::none};
constexpr Verdict kPermission{FailureClass::permission, Remedy::none};
constexpr Verdict kConfiguration{FailureClass::configuration, Remedy::none};
constexpr Verdict kClock{FailureClass::permission, Remedy::set_clock};
constexpr Verdict kCredentials{FailureClass::permission, Remedy::renew_credentials};
// It passes: others are there in a moment, or a region comes to know new ones.
constexpr Verdict kOldCredentials{FailureClass::transient, Remedy::renew_credentials};

// Sources: "Retry behavior" in the AWS SDKs and Tools Reference Guide, the retry tables of botocore, the
// clock-skew codes of the AWS SDK for Java, the common errors of the ECS, STS and EC2 API references. Left
// out on purpose: LimitExceededException is throttling to some SDKs; ECS means a quota by it.
constexpr std::array kRules = std::to_array<Rule>({
    {"Throttling", kThrottled},
    {"ThrottlingException", kThrottled},
    {"ThrottledException", kThrottled},
    {"RequestThrottled", kThrottled},
    {"RequestThrottledException", kThrottled},
    {"TooManyRequestsException", kThrottled},
    {"RequestLimitExceeded", kThrottled},
    {"BandwidthLimitExceeded", kThrottled},
    {"EC2ThrottledException", kThrottled},
    {"SlowDown", kThrottled},
    {"RequestTimeout", kTransient},
    {"RequestTimeoutException", kTransient},
    {"PriorRequestNotComplete", kTransient},
    {"TransactionInProgressException", kTransient},
    {"InternalFailure", kTransient},
    {"InternalError", kTransient},
    {"InternalServerError", kTransient},
    {"ServerException", kTransient},
    {"ServiceUnavailable", kTransient},
    {"ServiceUnavailableException", kTransient},
    {"Unavailable", kTransient},
    {"IDPCommunicationError", kTransient},
    {"InsufficientInstanceCapacity", kCapacity},
    {"InsufficientHostCapacity", kCapacity},
    {"InsufficientReservedInstanceCapacity", kCapacity},
    {"InsufficientCapacity", kCapacity},
    {"InsufficientCapacityException", kCapacity},
    {"InsufficientFreeAddressesInSubnet", kCapacity},
    {"InstanceLimitExceeded", kCapacity},
    {"VcpuLimitExceeded", kCapacity},
    {"MaxSpotInstanceCountExceeded", kCapacity},
    {"SpotMaxPriceTooLow", kCapacity},
    {"LimitExceededException", kCapacity},
    {"ServiceQuotaExceededException", kCapacity},
    {"AccessDenied", kPermission},
    {"AccessDeniedException", kPermission},
    {"UnauthorizedOperation", kPermission},
    {"NotAuthorized", kPermission},
    {"OptInRequired", kPermission},
    {"BlockedException", kPermission},
    {"MissingAuthenticationToken", kPermission},
    {"MissingAuthenticationTokenException", kPermission},
    {"IncompleteSignature", kPermission},
    {"InvalidIdentityToken", kPermission},
    {"IDPRejectedClaim", kPermission},
    {"RequestTimeTooSkewed", kClock},
    {"RequestExpired", kClock},
    {"RequestInTheFuture", kClock},
    {"InvalidSignatureException", kClock},
    {"SignatureDoesNotMatch", kClock},
    {"AuthFailure", kClock},
    {"ExpiredToken", kOldCredentials},
    {"ExpiredTokenException", kOldCredentials},
    {"TokenRefreshRequired", kOldCredentials},
    {"InvalidClientTokenId", kCredentials},
    {"InvalidAccessKeyId", kCredentials},
    {"UnrecognizedClientException", kOldCredentials},
});

// ECS says some things only in the text of its ClientException and InvalidParameterException.
constexpr std::array kTexts = std::to_array<Rule>({
    {"Rate exceeded", kThrottled},
    {"Too many concurrent attempts to create a new revision", kThrottled},
    {"Capacity is unavailable at this time", kCapacity},
    {"You've reached the limit on the number of vCPUs", kCapacity},
});

Verdict judge_status(int status) {
  if (status == 429) return kThrottled;
  if (status >= 500 || status == 408) return kTransient;
  if (status == 401 || status == 403) return kPermission;
  return kConfiguration;
}

}  // namespace

std::string find_request_id(const net::Headers& headers) {
  for (const auto* name : {"X-Amzn-Requestid", "X-Amz-Request-Id", "X-Amzn-Request-Id"}) {
    if (const auto id = headers.find(name)) return as_line(*id, kMaxCode);
  }
  return {};
}

ServiceError read_error(Protocol protocol, const net::HttpClientResponse& answer) {
  ServiceError error{answer.status, {}, {}, find_request_id(answer.headers)};
  if (protocol == Protocol::query) {
    read_query_error(answer, error);
  } else {
    read_json_error(answer, error);
  }
  if (error.message.empty() && error.code.empty())
    error.message = as_line(answer.body, kMaxStrangeBody);
  else
    error.message = as_line(without_canonical_request(error.message), kMaxMessage);
  return error;
}

Verdict judge(const ServiceError& error) {
  // Not AWS' words, but those of a proxy, a firewall or a load balancer on the way: they say nothing of the
  // request.
  if (error.code.empty()) return error.status == 429 ? kThrottled : kTransient;
  const auto rule = std::ranges::find(kRules, error.code, &Rule::code);
  if (rule != kRules.end()) return rule->verdict;
  const auto said = std::ranges::find_if(
      kTexts, [&](const Rule& text) { return error.message.find(text.code) != std::string::npos; });
  if (said != kTexts.end()) return said->verdict;
  return judge_status(error.status);
}

Error to_error(const CallFailure& failure) {
  switch (failure.failure) {
    case FailureClass::permission:
      return {Errc::permission_denied, failure.message, {}, {}};
    case FailureClass::configuration:
    case FailureClass::image:
      return {Errc::invalid_argument, failure.message, {}, {}};
    default:
      return {Errc::unavailable, failure.message, {}, {}};
  }
}

}  // namespace footman::cloud::aws
