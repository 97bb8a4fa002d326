// What a registry and Docker's config.json may hold. Input: one byte (which parser), then the text.
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "base/utf8.hpp"
#include "image/reference.hpp"
#include "registry/answers.hpp"
#include "registry/login.hpp"
#include "registry/push.hpp"

using namespace footman;
using namespace footman::registry;

namespace {

const net::Url kApi{"https", "registry.example", 443, "/"};

void fuzz_challenges(const std::string& text) {
  const auto found = parse_challenges(text);
  if (!found) return;
  FOOTMAN_CHECK(found->size() <= kMaxChallenges, "challenges");
  std::string again;
  for (const auto& one : *found) {
    FOOTMAN_CHECK(one.parameters.size() <= kMaxParameters, "parameters");
    again += (again.empty() ? "" : ", ") + one.scheme;
    bool first = true;
    for (const auto& [name, value] : one.parameters) {
      again += (first ? " " : ", ") + name + "=\"";
      for (const char c : value) again += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
      again += '"';
      first = false;
    }
    if (const auto address = find_token_address(one, kApi, "a/b"))
      FOOTMAN_CHECK(address->scheme == "https" && net::parse_url(address->str()), "an address for a token");
  }
  if (again.size() <= kMaxChallengeBytes)
    FOOTMAN_CHECK(parse_challenges(again) == *found, "challenges change when they are written and read");
}

void fuzz_answers(const std::string& text) {
  if (const auto token = read_token(text)) FOOTMAN_CHECK(token->expose().size() <= kMaxToken, "token");
  const auto words = read_refusal(text);
  FOOTMAN_CHECK(words.size() <= kMaxRefusal + 3 && base::is_utf8(words), "refusal");
  if (const auto login = find_stored_login(text, "registry.example", "file"); login && *login)
    FOOTMAN_CHECK(!(*login)->user.empty() && !(*login)->password.empty(), "login");
}

void fuzz_addresses(const std::string& text) {
  if (const auto upload = find_upload_address(kApi, text, "sha256:0"))
    FOOTMAN_CHECK(upload->scheme == "https" && net::parse_url(upload->str()), "an address for an upload");
  if (const auto reference = image::parse_reference(text)) {
    const auto again = image::parse_reference(reference->str());
    FOOTMAN_CHECK(again && again->str() == reference->str(),
                  "a reference changes when it is written and read");
    (void)find_api(*reference, false);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      fuzz_challenges(text);
      break;
    case 1:
      fuzz_answers(text);
      break;
    default:
      fuzz_addresses(text);
      break;
  }
  return 0;
}
