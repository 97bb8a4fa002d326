// Calls to a scripted service in virtual time.
#include "cloud/aws/client.hpp"

#include "cloud/aws/cached_credentials.hpp"
#include "cloud/aws/sts.hpp"
#include "cloud/aws/tests/world.hpp"

using namespace footman;
using namespace footman::base;
using namespace footman::cloud::aws;
using footman::aws::format_amz_date;
using namespace footman::cloud::aws::test;
using model::FailureClass;

namespace {

// Gives key-1, key-2 … after each rejection.
class CountedCredentials final : public CredentialsSource {
 public:
  Awaitable<Result<Credentials>> get() override {
    if (error) co_return std::unexpected(*error);
    co_return Credentials{"key-" + std::to_string(number), Secret("secret"), Secret("token"), {}, "a test"};
  }
  bool reject(const std::string& key) override {
    rejected.push_back(key);
    if (has_others) ++number;
    return has_others;
  }
  bool has_others = true;
  int number = 1;
  std::optional<Error> error;
  std::vector<std::string> rejected;
};

struct Caller {
  World world;
  CountedCredentials credentials;
  RateLimits rates;
  std::unique_ptr<Client> ecs = make({kEcs, "eu-west-1", {}, {}});
  std::unique_ptr<Client> make(ClientConfig config) {
    return std::move(*Client::create(std::move(config), world.outside, &credentials, &rates));
  }
  Call run_task(bool idempotent = true) {
    return {"RunTask",      R"({"count":1})", {}, idempotent, {{ApiCategory::cluster_resource_modify, 1}},
            Urgency::launch};
  }
  CallResult<boost::json::object> call(bool idempotent = true) {
    return world.run(ecs->call_json(run_task(idempotent)));
  }
  std::size_t attempts() const { return world.services.requests.size(); }
  std::string sent(std::size_t at, const char* name) const {
    return std::string(world.services.requests.at(at).headers.value_or(name, ""));
  }
};

const auto kOk = answer(200, R"({"tasks":[]})");

}  // namespace

TEST_CASE("a call to a JSON service") {
  Caller caller;
  caller.world.services.answers({kOk});
  const auto got = caller.call();
  REQUIRE(got);
  CHECK(got->contains("tasks"));
  const auto& request = caller.world.services.requests.at(0);
  CHECK(request.method == "POST");
  CHECK(request.url.str() == "https://ecs.eu-west-1.amazonaws.com/");
  CHECK(request.body == R"({"count":1})");
  CHECK(caller.sent(0, "Content-Type") == "application/x-amz-json-1.1");
  CHECK(caller.sent(0, "X-Amz-Target") == "AmazonEC2ContainerServiceV20141113.RunTask");
  CHECK(caller.sent(0, "X-Amz-Security-Token") == "token");
  CHECK(caller.sent(0, "X-Amz-Date") == format_amz_date(caller.world.now()));
  CHECK(has(caller.sent(0, "Authorization"), "/eu-west-1/ecs/aws4_request"));
  CHECK(has(caller.sent(0, "Authorization"),
            "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,"));
}

TEST_CASE("an empty answer is an empty object; a strange one is a failure that nobody knows the end of") {
  Caller caller;
  caller.world.services.answers({answer(200, ""), answer(200, "<html>"), answer(200, "[]")});
  CHECK(caller.call()->empty());
  for (int i = 0; i < 2; ++i) {
    const auto strange = caller.call();
    REQUIRE_FALSE(strange);
    CHECK_FALSE(strange.error().definite);
    CHECK(strange.error().failure == FailureClass::transient);
    CHECK(has(strange.error().message, "ecs RunTask in eu-west-1: the answer is strange"));
  }
}

TEST_CASE("throttled: pauses, then success") {
  Caller caller;
  caller.world.services.answers({json_error("ThrottlingException"), json_error("ThrottlingException"), kOk});
  CHECK(caller.call());
  const auto& times = caller.world.services.times;
  CHECK(times[1] - times[0] <= 1s + 100ms);  // and a token of the slowed bucket
  CHECK(times[2] - times[1] <= 2s + 100ms);
  CHECK(times[2] > times[0]);
  CHECK(caller.rates.rate(ApiCategory::cluster_resource_modify, caller.world.now()) < 30);
}

TEST_CASE("throttled to the end") {
  Caller caller;
  caller.world.services.script = [](const auto&) {
    return json_error("ThrottlingException", "Rate exceeded");
  };
  const auto failed = caller.call();
  REQUIRE_FALSE(failed);
  CHECK(caller.attempts() == 4);
  CHECK(failed.error().failure == FailureClass::throttled);
  CHECK(failed.error().definite);
  CHECK(failed.error().code == "ThrottlingException");
  CHECK(failed.error().message ==
        "ecs RunTask in eu-west-1: ThrottlingException: Rate exceeded (HTTP 400, request id req-1, 4 "
        "attempts)");
}

TEST_CASE("Retry-After is honoured, and handed on when it is too late for this call") {
  Caller caller;
  auto busy = answer(503, "busy", header("Retry-After", "7"));
  caller.world.services.answers({busy, kOk});
  CHECK(caller.call());
  CHECK(caller.world.services.times[1] - caller.world.services.times[0] == 7s);
  const auto later = caller.world.now() + 600s;
  busy.headers.set("Retry-After", "600");
  caller.world.services.answers({busy});
  const auto failed = caller.call();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().retry_at == later);
  CHECK_FALSE(failed.error().definite);
}

TEST_CASE("what nobody knows the end of stays unknown, whatever comes after it") {
  Caller caller;
  caller.world.services.answers(
      {fail(Errc::timeout, "no answer within 30 s"), json_error("AccessDeniedException")});
  const auto failed = caller.call();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().failure == FailureClass::permission);
  CHECK_FALSE(failed.error().definite);

  caller.world.services.answers({fail(Errc::unavailable, "refused"), json_error("AccessDeniedException")});
  const auto refused = caller.call();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().definite);
  CHECK(has(refused.error().message, "AccessDeniedException: words"));
}

TEST_CASE("refusals are final: one attempt each") {
  struct Row {
    const char* code;
    FailureClass failure;
  };
  for (const auto& row : {Row{"ClusterNotFoundException", FailureClass::configuration},
                          Row{"AccessDeniedException", FailureClass::permission},
                          Row{"LimitExceededException", FailureClass::capacity}}) {
    CAPTURE(row.code);
    Caller caller;
    caller.world.services.answers({json_error(row.code)});
    const auto failed = caller.call();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().failure == row.failure);
    CHECK(failed.error().definite);
  }
}

TEST_CASE("an answer that is not AWS' says nothing of the call: it is repeated, and nobody knows the end") {
  for (const int status : {302, 400, 403, 404}) {
    CAPTURE(status);
    Caller caller;
    auto page = answer(status, "<html>blocked by policy</html>");
    caller.world.services.answers({page, kOk});
    CHECK(caller.call());
    CHECK(caller.world.services.requests.at(1).body == caller.world.services.requests.at(0).body);
    caller.world.services.script = [&](const auto&) { return page; };
    const auto failed = caller.call();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().failure == FailureClass::transient);
    CHECK_FALSE(failed.error().definite);
    CHECK(has(failed.error().message, "blocked by policy"));
  }
}

TEST_CASE("what is not idempotent is never made twice") {
  for (const Result<net::HttpClientResponse>& first : std::vector<Result<net::HttpClientResponse>>{
           json_error("ThrottlingException"), json_error("ServerException", "m", 500),
           json_error("ExpiredTokenException"), fail(Errc::timeout, "late"), fail(Errc::io, "broken"),
           fail(Errc::unavailable, "refused")}) {
    Caller caller;
    caller.world.services.answers({first});
    CHECK_FALSE(caller.call(false));
    CHECK(caller.attempts() == 1);
  }
}

TEST_CASE("our clock is wrong: AWS' time is taken, for later calls as well") {
  Caller caller;
  auto& world = caller.world;
  // A service that checks the time as AWS does.
  world.services.script = [&](const net::HttpClientRequest& request) -> Result<net::HttpClientResponse> {
    const auto right = world.now() + 3h;
    if (request.headers.value_or("X-Amz-Date", "") == format_amz_date(right)) return kOk;
    auto wrong = json_error("InvalidSignatureException", "Signature expired");
    wrong.headers.add("Date", net::format_http_date(right));
    return wrong;
  };
  CHECK(caller.call());
  CHECK(caller.attempts() == 2);
  CHECK(caller.ecs->clock_skew() > 3h - 1s);
  CHECK(caller.call());
  CHECK(caller.attempts() == 3);
}

TEST_CASE("a bad signature at the right time is not repeated, nor is a wrong clock for ever") {
  Caller caller;
  auto wrong = json_error("SignatureDoesNotMatch", "words", 403);
  wrong.headers.add("Date", net::format_http_date(caller.world.now() + 1min));
  caller.world.services.answers({wrong});
  CHECK(caller.call().error().failure == FailureClass::permission);
  int hours = 1;
  caller.world.services.script = [&](const auto&) {
    auto moving = json_error("RequestTimeTooSkewed", "words", 403);
    moving.headers.add("Date", net::format_http_date(caller.world.now() + std::chrono::hours(hours++)));
    return moving;
  };
  CHECK_FALSE(caller.call());
  CHECK(caller.attempts() == 3);
}

TEST_CASE("expired credentials are renewed once") {
  Caller caller;
  caller.world.services.answers({json_error("ExpiredTokenException"), kOk});
  CHECK(caller.call());
  CHECK(caller.credentials.rejected == std::vector<std::string>{"key-1"});
  CHECK(has(caller.sent(0, "Authorization"), "Credential=key-1/"));
  CHECK(has(caller.sent(1, "Authorization"), "Credential=key-2/"));
}

TEST_CASE("there are no other credentials: what passes with time is tried again, the rest is not") {
  Caller caller;
  caller.credentials.has_others = false;
  caller.world.services.answers({json_error("UnrecognizedClientException"), kOk});
  CHECK(caller.call());
  caller.world.services.answers({json_error("InvalidClientTokenId")});
  const auto failed = caller.call();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().failure == FailureClass::permission);
  CHECK(caller.attempts() == 3);
}

TEST_CASE("what an answer quotes of a request's secrets is not told on") {
  Caller caller;
  caller.world.services.script = [](const auto&) {
    return json_error("SignatureDoesNotMatch",
                      "No match for 'token' of 'secret'. The Canonical String for this request was "
                      "POST x-amz-security-token:token",
                      403);
  };
  const auto failed = caller.call();
  REQUIRE_FALSE(failed);
  CHECK(has(failed.error().message, "No match for '***' of '***'."));
  CHECK_FALSE(has(failed.error().message, "secret"));
  CHECK_FALSE(has(failed.error().message, "token"));
}

TEST_CASE("no credentials: nothing is sent") {
  Caller caller;
  caller.credentials.error = Error{Errc::not_found, "no AWS credentials were found: nowhere", {}, {}};
  auto failed = caller.call();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().failure == FailureClass::permission);
  CHECK(failed.error().definite);
  CHECK(failed.error().message == "ecs RunTask in eu-west-1: no AWS credentials were found: nowhere");
  caller.credentials.error->code = Errc::unavailable;
  failed = caller.call();
  CHECK(failed.error().failure == FailureClass::transient);
  CHECK(caller.attempts() == 0);
}

TEST_CASE("calls wait for the rate limits, or say when there is room") {
  Caller caller;
  caller.world.services.script = [](const auto&) { return kOk; };
  while (!caller.rates.take(ApiCategory::cluster_resource_modify, Urgency::launch, caller.world.now())) {
  }
  const auto start = caller.world.clock.steady();
  CHECK(caller.call());
  CHECK(caller.world.services.times.at(0) - start == 50ms);  // the second time that was promised

  auto slow = caller.run_task();
  slow.charges = {{ApiCategory::task_definition_delete, 1}};
  std::optional<Instant> later;
  for (int i = 0; i < 200; ++i)
    later = caller.rates.take(ApiCategory::task_definition_delete, Urgency::launch, caller.world.now());
  const auto refused = caller.world.run(caller.ecs->call_json(slow));
  REQUIRE_FALSE(refused);
  CHECK(caller.attempts() == 1);
  CHECK(refused.error().failure == FailureClass::throttled);
  CHECK(refused.error().definite);
  CHECK(refused.error().retry_at == *later);
}

TEST_CASE("a sick service is not flooded with repetitions") {
  Caller caller;
  caller.world.services.script = [](const auto&) { return answer(500, ""); };
  for (int i = 0; i < 100; ++i) CHECK_FALSE(caller.call());
  CHECK(caller.attempts() == 100 + RetryBudget::kCapacity / RetryBudget::kRetryCost);
  // Once it is well again, repeating pays for itself.
  caller.world.services.script = [](const auto&) { return kOk; };
  for (int i = 0; i < RetryBudget::kRetryCost; ++i) CHECK(caller.call());
  for (int i = 0; i < 20; ++i) {
    caller.world.services.answers({answer(500, ""), kOk});
    CHECK(caller.call());
  }
}

TEST_CASE("a call ends in time") {
  Caller caller;
  caller.ecs = caller.make({kEcs, "eu-west-1", {}, {.attempts = 1000, .time = 10s}});
  caller.world.services.delay = 1s;
  caller.world.services.script = [](const auto&) { return answer(502, "bad gateway"); };
  const auto start = caller.world.clock.steady();
  CHECK_FALSE(caller.call());
  CHECK(caller.world.clock.steady() - start < 11s);
  CHECK(caller.attempts() > 1);
}

TEST_CASE("clients that cannot be") {
  World world;
  CHECK_FALSE(Client::create({kEcs, "", {}, {}}, world.outside, nullptr, nullptr));
  CHECK_FALSE(Client::create({kEcs, "nowhere", {}, {}}, world.outside, nullptr, nullptr));
}

namespace {

struct StsCaller : Caller {
  std::unique_ptr<Client> sts = make({kSts, "eu-west-1", {}, {}});
  static net::HttpClientResponse credentials_answer(const std::string& operation) {
    return answer(
        200,
        "<" + operation + R"(Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><)" + operation +
            "Result><AssumedRoleUser><Arn>arn:x</Arn></AssumedRoleUser><Credentials>"
            "<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>s/+</SecretAccessKey>"
            "<SessionToken>t==</SessionToken><Expiration>2024-05-01T10:00:00Z</Expiration></Credentials></" +
            operation + "Result></" + operation + "Response>");
  }
};

}  // namespace

TEST_CASE("STS: a role") {
  StsCaller caller;
  caller.world.services.answers({StsCaller::credentials_answer("AssumeRole")});
  const auto got = caller.world.run(
      assume_role(*caller.sts, {"arn:aws:iam::123456789012:role/ci", "e&x", "footman", 1h}, "the role"));
  REQUIRE(got);
  CHECK(got->access_key_id == "ASIAEXAMPLE");
  CHECK(got->secret_access_key.expose() == "s/+");
  CHECK(got->session_token.expose() == "t==");
  CHECK(format_rfc3339(got->expires) == "2024-05-01T10:00:00.000Z");
  CHECK(got->source == "the role");
  CHECK(caller.world.services.requests[0].url.str() == "https://sts.eu-west-1.amazonaws.com/");
  CHECK(caller.world.services.requests[0].body ==
        "Action=AssumeRole&DurationSeconds=3600&ExternalId=e%26x&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%"
        "3Arole%2Fci&"
        "RoleSessionName=footman&Version=2011-06-15");
  CHECK(caller.sent(0, "Content-Type") == "application/x-www-form-urlencoded; charset=utf-8");
  CHECK(caller.sent(0, "X-Amz-Target").empty());
}

TEST_CASE("STS: a web identity is not signed") {
  StsCaller caller;
  caller.world.services.answers({StsCaller::credentials_answer("AssumeRoleWithWebIdentity")});
  auto sts = std::move(*Client::create({kSts, "eu-west-1", {}, {}}, caller.world.outside, nullptr, nullptr));
  const auto got = caller.world.run(
      assume_role_with_web_identity(*sts, {"arn:r", "/token", "footman"}, Secret("ey.J"), "web"));
  REQUIRE(got);
  CHECK(got->access_key_id == "ASIAEXAMPLE");
  CHECK(caller.sent(0, "Authorization").empty());
  CHECK(has(caller.world.services.requests[0].body, "WebIdentityToken=ey.J"));
}

TEST_CASE("STS: who one is, and refusals in words") {
  StsCaller caller;
  caller.world.services.answers(
      {answer(200,
              "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:a</Arn><UserId>u</UserId>"
              "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"),
       answer(403,
              "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
              "<RequestId>r-9</RequestId></ErrorResponse>"),
       answer(200, "<GetCallerIdentityResponse/>"), answer(200, "{}")});
  const auto who = caller.world.run(get_caller_identity(*caller.sts));
  REQUIRE(who);
  CHECK(*who == CallerIdentity{"123456789012", "arn:a", "u"});
  const auto denied = caller.world.run(get_caller_identity(*caller.sts));
  REQUIRE_FALSE(denied);
  CHECK(denied.error().message ==
        "sts GetCallerIdentity in eu-west-1: AccessDenied: no (HTTP 403, request id r-9)");
  CHECK_FALSE(caller.world.run(get_caller_identity(*caller.sts)));
  CHECK_FALSE(caller.world.run(get_caller_identity(*caller.sts)));
}

TEST_CASE("STS: an answer without credentials is an error") {
  StsCaller caller;
  for (const auto* body :
       {"<AssumeRoleResponse/>", "<a><b/></a>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s"
        "</SecretAccessKey><Expiration>2024-05-01T10:00:00Z</Expiration></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>"}) {
    caller.world.services.answers({answer(200, body)});
    CHECK_FALSE(caller.world.run(assume_role(*caller.sts, {"r", "", "ci", Duration(0)}, "it")));
  }
}

TEST_CASE("a call to a service by path, which only reads") {
  Caller caller;
  caller.world.services.answers({answer(200, R"({"FileSystems":[]})"),
                                 answer(404, R"({"ErrorCode":"FileSystemNotFound","Message":"no"})",
                                        header("x-amzn-ErrorType", "FileSystemNotFound"))});
  auto efs = caller.make({kEfs, "eu-west-1", {}, {}});
  const Call call{"DescribeFileSystems",     {}, {{"FileSystemId", "fs-1 2"}}, true, {}, Urgency::read,
                  "/2015-02-01/file-systems"};
  const auto got = caller.world.run(efs->call_json(call));
  REQUIRE(got);
  CHECK(got->contains("FileSystems"));
  const auto& request = caller.world.services.requests.at(0);
  CHECK(request.method == "GET");
  CHECK(request.url.str() ==
        "https://elasticfilesystem.eu-west-1.amazonaws.com/2015-02-01/file-systems?FileSystemId=fs-1%202");
  CHECK(request.body.empty());
  CHECK(caller.sent(0, "X-Amz-Target").empty());
  CHECK(caller.sent(0, "Content-Type").empty());
  CHECK(caller.sent(0, "Authorization").find("/eu-west-1/elasticfilesystem/aws4_request") !=
        std::string::npos);
  const auto refused = caller.world.run(efs->call_json(call));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "FileSystemNotFound");
}

TEST_CASE("a global service is signed for its own region") {
  Caller caller;
  caller.world.services.answers({answer(200, "<GetRoleResponse/>")});
  auto iam = caller.make({kIam, "eu-west-1", {}, {}});
  REQUIRE(caller.world.run(iam->call_query({"GetRole", {}, {{"RoleName", "x"}}, true, {}, Urgency::read})));
  CHECK(caller.world.services.requests.at(0).url.host == "iam.amazonaws.com");
  CHECK(caller.sent(0, "Authorization").find("/us-east-1/iam/aws4_request") != std::string::npos);
}

TEST_CASE("what AWS' clock says is kept, also when nothing is wrong with it") {
  Caller caller;
  CHECK_FALSE(caller.ecs->last_clock_difference());
  const auto date = [&](Duration ahead) {
    return answer(200, "{}", header("Date", net::format_http_date(caller.world.now() + ahead)));
  };
  caller.world.services.answers({date(90s), date(-30s), kOk});
  REQUIRE(caller.call());
  CHECK(std::chrono::abs(caller.ecs->last_clock_difference().value() - 90s) <= 1s);
  REQUIRE(caller.call());
  CHECK(std::chrono::abs(caller.ecs->last_clock_difference().value() + 30s) <= 1s);
  REQUIRE(caller.call());  // it does not say
  CHECK(std::chrono::abs(caller.ecs->last_clock_difference().value() + 30s) <= 1s);
}
