// Proves who the agent is with the role of its ECS task: "aws" of docs/PROTOCOL.md.
#pragma once

#include "agent/agent.hpp"
#include "aws/identity_proof.hpp"
#include "aws/outside.hpp"
#include "net/http_client.hpp"

namespace footman::agent::real {

class AwsProver final : public IdentityProver {
 public:
  // Clock and rng outlive it, and so does the environment.
  AwsProver(const runtime::Executor& executor, runtime::Clock& clock, runtime::Rng& rng, base::Logger log,
            aws::ProofPlace place);

  // Asks the container's credentials endpoint each time: the credentials change. not_found: there is no role.
  runtime::Awaitable<base::Result<std::vector<protocol::ProofValue>>> prove(std::string binding) override;

 private:
  net::HttpClient http_;
  aws::Outside outside_;
  aws::ProofPlace place_;
};

}  // namespace footman::agent::real
