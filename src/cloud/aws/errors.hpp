// What AWS answers when it does not do what was asked, and what is to be done about it. Pure.
#pragma once

#include <expected>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/agent.hpp"
#include "net/http_client.hpp"

namespace footman::cloud::aws {

using namespace footman::base;

enum class Protocol {
  json_1_0,  // SQS
  json_1_1,  // ECS, ECR, CloudWatch Logs, Service Quotas
  query,     // STS, IAM; EC2 speaks a dialect of it
  rest,      // EFS: JSON by a path; only what is read with GET
};

struct ServiceError {
  int status = 0;
  std::string code;     // "ThrottlingException", without name space and address
  std::string message;  // as AWS says it
  std::string request_id;
};

// Of an answer whose status is not 2xx. Never fails: a body that is none of AWS' leaves the code empty, and
// its first words are the message. Every refusal of AWS has a code; what has none came from somebody else.
//   JSON:  {"__type": "name.space#Code", "message" or "Message": …}; the header X-Amzn-Errortype has the code
//   too query: <ErrorResponse><Error><Code/><Message/></Error><RequestId/></ErrorResponse> EC2:
//   <Response><Errors><Error><Code/><Message/></Error></Errors><RequestID/></Response>
ServiceError read_error(Protocol protocol, const net::HttpClientResponse& answer);

// The answer's own id, which AWS' support asks for; "" when there is none.
std::string find_request_id(const net::Headers& headers);

enum class Remedy {
  none,               // the same request would be refused again
  wait,               // throttled: later, and slower
  repeat,             // soon
  set_clock,          // our time may be wrong: compare it with the answer's Date
  renew_credentials,  // these have expired, or are not (yet, or any more) known
};

struct Verdict {
  model::FailureClass failure = model::FailureClass::transient;
  Remedy remedy = Remedy::none;
  bool operator==(const Verdict&) const = default;
};
Verdict judge(const ServiceError& error);

// A call that failed for good, whatever was tried.
struct CallFailure {
  model::FailureClass failure = model::FailureClass::transient;
  // True: AWS has done nothing of what was asked, in any attempt. False: nobody knows.
  bool definite = false;
  int status = 0;    // of the last answer; 0: there was none
  std::string code;  // AWS' own; empty: it is not AWS' answer
  std::string request_id;
  std::string message;  // one sentence, for people, with service, operation, code and request id
  Instant retry_at;     // AWS' wish, or when a token of the rate limit is there; not set: none
};
template <class T>
using CallResult = std::expected<T, CallFailure>;

// unavailable (throttled, transient, capacity), permission_denied, invalid_argument (configuration)
Error to_error(const CallFailure& failure);

}  // namespace footman::cloud::aws
