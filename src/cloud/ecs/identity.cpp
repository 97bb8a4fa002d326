#include "cloud/ecs/identity.hpp"

#include <fmt/format.h>

#include <utility>

#include "cloud/aws/sts.hpp"
#include "ecs/task_identity.hpp"

namespace footman::cloud::ecs {
namespace {

using ports::ProofAnswer;
using ports::ProofVerdict;

ProofAnswer refuse(std::string reason) { return {ProofVerdict::wrong, std::move(reason)}; }

}  // namespace

Result<footman::aws::ProofPlace> find_proof_place(const footman::ecs::CloudOptions& cloud) {
  const auto& said = cloud.endpoint;
  const auto own = said.urls.find("sts");
  FOOTMAN_TRY(auto url, aws::find_endpoint(
                            aws::kSts, cloud.region,
                            {said.fips, said.dual_stack, own == said.urls.end() ? said.url : own->second}));
  return footman::aws::ProofPlace{std::move(url), cloud.region};
}

footman::ecs::TextMap make_proof_variables(const footman::aws::ProofPlace& place) {
  return {{"FOOTMAN_AGENT_PROOF", "aws"},
          {"FOOTMAN_AGENT_PROOF_URL", place.sts.str()},
          {"FOOTMAN_AGENT_PROOF_REGION", place.region}};
}

runtime::Awaitable<ProofAnswer> check_task_identity(const aws::Outside& outside,
                                                    footman::aws::ProofPlace place, std::string task,
                                                    footman::ecs::TemplateOptions options,
                                                    ports::IdentityProof proof, Instant now) {
  if (!footman::ecs::proves_identity(options)) co_return refuse("it was launched with a secret");
  const auto expected = footman::ecs::find_task_caller(task, options.task_role);
  if (!expected) co_return refuse(describe(expected.error()));
  const auto identity = footman::aws::read_identity_proof(proof.values, now);
  if (!identity) co_return refuse(describe(identity.error()));
  const auto caller = co_await aws::ask_who_signed(
      outside, footman::aws::make_identity_request(place, *identity, proof.binding));
  if (!caller)
    co_return ProofAnswer{caller.error().definite ? ProofVerdict::wrong : ProofVerdict::unknown,
                          caller.error().message};
  if (caller->arn != *expected)
    co_return refuse(fmt::format("{} has signed it, {} was expected", caller->arn, *expected));
  co_return ProofAnswer{ProofVerdict::right, {}};
}

}  // namespace footman::cloud::ecs
