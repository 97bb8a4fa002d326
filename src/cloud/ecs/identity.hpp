// How agents prove that they are within the task that was launched for them, and how that is checked: by the
// signature of a GetCallerIdentity that only processes with the task's own credentials can make.
#pragma once

#include <string>

#include "aws/identity_proof.hpp"
#include "cloud/aws/endpoints.hpp"
#include "cloud/aws/foundation.hpp"
#include "ecs/options.hpp"
#include "ports/identity_proof.hpp"
#include "runtime/awaitable.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;

// The cloud's own STS endpoint: the only one that is ever asked. Errors as of aws::find_endpoint().
Result<footman::aws::ProofPlace> find_proof_place(const footman::ecs::CloudOptions& cloud);

// What the agent is told, so that it knows which proof to give.
footman::ecs::TextMap make_proof_variables(const footman::aws::ProofPlace& place);

// `task`: its ARN. `now`: AWS' time, as far as it is known. Ends within ports::kProofCheckTime.
runtime::Awaitable<ports::ProofAnswer> check_task_identity(const aws::Outside& outside,
                                                           footman::aws::ProofPlace place, std::string task,
                                                           footman::ecs::TemplateOptions options,
                                                           ports::IdentityProof proof, Instant now);

}  // namespace footman::cloud::ecs
