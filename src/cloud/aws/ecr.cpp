#include "cloud/aws/ecr.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <utility>

#include "aws/json_fields.hpp"
#include "base/ascii.hpp"
#include "base/digest.hpp"

namespace footman::cloud::aws {
namespace {

constexpr std::size_t kAccountDigits = 12;

}  // namespace

std::optional<EcrRegistry> find_ecr_registry(std::string_view host) {
  constexpr std::string_view kMiddle = ".dkr.ecr.";
  const auto account = host.substr(0, kAccountDigits);
  const bool is_account = account.size() == kAccountDigits && std::ranges::all_of(account, is_digit);
  auto rest = host.substr(account.size());
  if (!is_account || !rest.starts_with(kMiddle)) return std::nullopt;
  rest.remove_prefix(kMiddle.size());
  const auto region = rest.substr(0, rest.find('.'));
  // Its own endpoint, less its own beginning: the region is one, and the rest is Amazon's.
  const auto api = find_endpoint(kEcr, region, {});
  if (!api || api->host != std::string("api.ecr.").append(rest)) return std::nullopt;
  return EcrRegistry{std::string(account), std::string(region)};
}

Result<EcrLogin> read_authorization(const boost::json::object& answer) {
  const auto strange = fail(Errc::corrupt, "the answer of ECR to GetAuthorizationToken has no token");
  const auto* data = answer.if_contains("authorizationData");
  const auto* list = data != nullptr ? data->if_array() : nullptr;
  const auto* first = list != nullptr && !list->empty() ? list->front().if_object() : nullptr;
  if (first == nullptr) return strange;
  auto both = from_base64(footman::aws::text_of(*first, "authorizationToken"));
  const auto colon = both ? both->find(':') : std::string::npos;
  if (colon == std::string::npos || colon == 0 || colon + 1 == both->size()) return strange;
  EcrLogin login{both->substr(0, colon), Secret(both->substr(colon + 1))};
  base::wipe(*both);
  return login;
}

runtime::Awaitable<CallResult<EcrLogin>> get_authorization_token(Client& client) {
  auto answer = co_await client.call_json({"GetAuthorizationToken", {}, {}, true, {}, Urgency::read});
  if (!answer) co_return std::unexpected(std::move(answer).error());
  auto login = read_authorization(*answer);
  if (login) co_return std::move(*login);
  CallFailure failure;
  failure.message = describe(login.error());
  co_return std::unexpected(std::move(failure));
}

}  // namespace footman::cloud::aws
