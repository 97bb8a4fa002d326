// Answers of AWS, or of anybody who answers in its place. Input: one byte (which parser), then the body.
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "base/utf8.hpp"
#include "cloud/aws/errors.hpp"
#include "cloud/aws/foundation.hpp"
#include "cloud/aws/sts.hpp"

using namespace footman;
using namespace footman::cloud::aws;

namespace {

void fuzz_error(Protocol protocol, const std::string& body) {
  net::HttpClientResponse answer{400, {}, body};
  answer.headers.add("X-Amzn-Errortype", body.substr(0, 100));
  answer.headers.add("Retry-After", body.substr(0, 40));
  const auto error = read_error(protocol, answer);
  for (const auto& text : {error.code, error.message, error.request_id}) {
    FOOTMAN_CHECK(base::is_utf8(text), "an error's text is not UTF-8");
    FOOTMAN_CHECK(text.size() <= 2000 && text.find('\n') == std::string::npos,
                  "an error's text is not one line");
  }
  (void)judge(error);
}

void fuzz_credentials(const std::string& body) {
  const auto credentials = parse_credentials_answer(body, "it");
  if (!credentials) return;
  FOOTMAN_CHECK(!credentials->access_key_id.empty() && !credentials->secret_access_key.empty(), "half a key");
  FOOTMAN_CHECK(credentials->access_key_id.find_first_of("\r\n") == std::string::npos,
                "a key breaks a header");
}

void fuzz_sts(const std::string& body) {
  const auto document = XmlDocument::parse(body);
  if (!document) return;
  FOOTMAN_CHECK(!document->root().empty(), "a document without an element");
  const auto credentials = read_sts_credentials(*document, "AssumeRole", "it");
  FOOTMAN_CHECK(!credentials || !credentials->session_token.empty(), "temporary credentials without a token");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] & 3) {
    case 0:
      fuzz_error(Protocol::json_1_1, body);
      break;
    case 1:
      fuzz_error(Protocol::query, body);
      break;
    case 2:
      fuzz_credentials(body);
      break;
    default:
      fuzz_sts(body);
  }
  return 0;
}
