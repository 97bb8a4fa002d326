#include "cloud/aws/errors.hpp"

#include <doctest/doctest.h>

#include "cloud/aws/xml.hpp"

using namespace footman;
using namespace footman::cloud::aws;
using model::FailureClass;

namespace {

net::HttpClientResponse answer(int status, std::string body) { return {status, {}, std::move(body)}; }

Verdict judge_code(std::string code, int status = 400, std::string message = "") {
  return judge({status, std::move(code), std::move(message), {}});
}

}  // namespace

TEST_CASE("errors of the JSON services") {
  auto raw = answer(
      400, R"({"__type":"com.amazonaws.ecs#ClusterNotFoundException","message":"Cluster not found."})");
  raw.headers.add("x-amzn-RequestId", "1234-abcd");
  const auto error = read_error(Protocol::json_1_1, raw);
  CHECK(error.status == 400);
  CHECK(error.code == "ClusterNotFoundException");
  CHECK(error.message == "Cluster not found.");
  CHECK(error.request_id == "1234-abcd");

  CHECK(read_error(Protocol::json_1_1, answer(400, R"({"__type":"AccessDeniedException","Message":"no"})"))
            .message == "no");
  auto by_header = answer(500, "");
  by_header.headers.add("X-Amzn-ErrorType", "ServerException:http://internal.amazon.com/coral/");
  CHECK(read_error(Protocol::json_1_1, by_header).code == "ServerException");
}

TEST_CASE("errors of the query services, and EC2's dialect") {
  const auto sts = read_error(Protocol::query, answer(403, R"(<?xml version="1.0"?>
    <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>
    <Message>Not authorized to perform sts:AssumeRole</Message></Error><RequestId>id-1</RequestId></ErrorResponse>)"));
  CHECK(sts.code == "AccessDenied");
  CHECK(sts.message == "Not authorized to perform sts:AssumeRole");
  CHECK(sts.request_id == "id-1");
  const auto ec2 =
      read_error(Protocol::query, answer(503,
                                         "<Response><Errors><Error><Code>RequestLimitExceeded</"
                                         "Code><Message>Request limit exceeded.</Message></Error></Errors>"
                                         "<RequestID>id-2</RequestID></Response>"));
  CHECK(ec2.code == "RequestLimitExceeded");
  CHECK(ec2.request_id == "id-2");
}

TEST_CASE("what is not AWS' answer is quoted in one short line") {
  for (const auto protocol : {Protocol::json_1_1, Protocol::query}) {
    const auto error =
        read_error(protocol, answer(502, "<html>\n<body>Bad Gateway\r\n" + std::string(1000, 'x')));
    CHECK(error.code.empty());
    CHECK(error.message.starts_with("<html> <body>Bad Gateway"));
    CHECK(error.message.size() <= 200);
    for (const int status : {302, 400, 403, 404, 407, 408, 500, 502, 503})
      CHECK(judge({status, {}, error.message, {}}) == Verdict{FailureClass::transient, Remedy::repeat});
    CHECK(judge({429, {}, error.message, {}}) == Verdict{FailureClass::throttled, Remedy::wait});
  }
  const auto odd = read_error(Protocol::json_1_1, answer(400, R"({"__type":7,"message":["a"]})"));
  CHECK(odd.code.empty());
  CHECK(read_error(Protocol::json_1_1, answer(400, "\xff\xfe")).message == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("nesting exhausts nothing") {
  constexpr int kDepth = 500'000;
  std::string xml;
  std::string ends;
  for (int i = 0; i < kDepth; ++i) {
    xml += "<a>";
    ends += "</a>";
  }
  CHECK(read_error(Protocol::query, answer(400, xml)).code.empty());
  CHECK(read_error(Protocol::query, answer(400, xml + ends)).code.empty());
  CHECK(read_error(Protocol::json_1_1, answer(400, std::string(kDepth, '['))).code.empty());
}

TEST_CASE("codes say what is to be done") {
  CHECK(judge_code("ThrottlingException") == Verdict{FailureClass::throttled, Remedy::wait});
  CHECK(judge_code("RequestLimitExceeded", 503) == Verdict{FailureClass::throttled, Remedy::wait});
  CHECK(judge_code("ServerException", 500) == Verdict{FailureClass::transient, Remedy::repeat});
  CHECK(judge_code("InsufficientInstanceCapacity", 500) == Verdict{FailureClass::capacity, Remedy::none});
  CHECK(judge_code("LimitExceededException") == Verdict{FailureClass::capacity, Remedy::none});
  CHECK(judge_code("AccessDeniedException") == Verdict{FailureClass::permission, Remedy::none});
  CHECK(judge_code("ExpiredTokenException") == Verdict{FailureClass::transient, Remedy::renew_credentials});
  CHECK(judge_code("InvalidClientTokenId") == Verdict{FailureClass::permission, Remedy::renew_credentials});
  CHECK(judge_code("InvalidSignatureException", 403) == Verdict{FailureClass::permission, Remedy::set_clock});
  CHECK(judge_code("RequestTimeTooSkewed", 403) == Verdict{FailureClass::permission, Remedy::set_clock});
  CHECK(judge_code("ClusterNotFoundException") == Verdict{FailureClass::configuration, Remedy::none});
  CHECK(judge_code("InvalidParameterException") == Verdict{FailureClass::configuration, Remedy::none});
}

TEST_CASE("unknown codes are judged by the text, then by the status") {
  CHECK(judge_code("ClientException", 400,
                   "Too many concurrent attempts to create a new revision of the specified family.") ==
        Verdict{FailureClass::throttled, Remedy::wait});
  CHECK(judge_code("ClientException", 400, "Capacity is unavailable at this time. Please try again later") ==
        Verdict{FailureClass::capacity, Remedy::none});
  CHECK(judge_code("ClientException", 400,
                   "You've reached the limit on the number of vCPUs you can run concurrently") ==
        Verdict{FailureClass::capacity, Remedy::none});
  CHECK(judge_code("Odd", 599) == Verdict{FailureClass::transient, Remedy::repeat});
  CHECK(judge_code("Odd", 403) == Verdict{FailureClass::permission, Remedy::none});
  CHECK(judge_code("Odd", 302) == Verdict{FailureClass::configuration, Remedy::none});
}

TEST_CASE("a failure as an error of the project") {
  CallFailure failure;
  failure.message = "words";
  failure.failure = FailureClass::throttled;
  CHECK(to_error(failure).code == Errc::unavailable);
  failure.failure = FailureClass::permission;
  CHECK(to_error(failure).code == Errc::permission_denied);
  failure.failure = FailureClass::configuration;
  CHECK(to_error(failure).code == Errc::invalid_argument);
  CHECK(to_error(failure).message == "words");
}

TEST_CASE("lists of an XML answer") {
  const auto document = XmlDocument::parse(
      "<R><set><item><id>1</id><tags><item>a</item><item>b</item></tags></item><item><id>2</id></item></set>"
      "<set><item><id>3</id></item></set><other><item/></other></R>");
  REQUIRE(document.has_value());
  const auto items = document->list("R/set/item");
  REQUIRE(items.size() == 2);  // of the first set alone
  CHECK(items[0].text("id") == "1");
  CHECK(items[1].text("id") == "2");
  CHECK(items[1].text("none").empty());
  const auto tags = items[0].list("tags/item");
  REQUIRE(tags.size() == 2);
  CHECK(tags[1].text() == "b");
  CHECK(items[1].list("tags/item").empty());
  CHECK(document->list("R/none/item").empty());
  CHECK(document->list("R").size() == 1);
  CHECK(document->list("X").empty());
}
