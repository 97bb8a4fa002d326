#include "agent/real/aws_prover.hpp"

#include <cstdlib>
#include <utility>

#include "aws/metadata.hpp"
#include "runtime/real/files.hpp"

namespace footman::agent::real {
namespace {

constexpr std::size_t kMaxTokenFileBytes = 64UL * 1024;

std::optional<std::string> read_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

// A few bytes of the container's own disk.
runtime::Awaitable<base::Result<std::string>> read_now(std::string path) {
  co_return runtime::real::read_file(path, kMaxTokenFileBytes);
}

runtime::Awaitable<base::Result<net::HttpClientResponse>> send_nothing(net::HttpClientRequest /*request*/) {
  co_return base::fail(base::Errc::unsupported, "an agent calls no service of AWS");
}

}  // namespace

AwsProver::AwsProver(const runtime::Executor& executor, runtime::Clock& clock, runtime::Rng& rng,
                     base::Logger log, aws::ProofPlace place)
    : http_(executor, clock, aws::metadata_http()),
      outside_{send_nothing,  aws::make_sender(executor, http_), read_now, read_variable, clock, rng,
               std::move(log)},
      place_(std::move(place)) {}

runtime::Awaitable<base::Result<std::vector<protocol::ProofValue>>> AwsProver::prove(std::string binding) {
  FOOTMAN_CO_TRY(const auto endpoint, aws::find_container_endpoint(outside_.environment));
  if (!endpoint)  // ECS has set them before the container began, or never does
    co_return base::fail(
        base::Errc::unsupported,
        "this container has no task role: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
        "…_FULL_URI is set");
  FOOTMAN_CO_TRY(const auto credentials, co_await aws::fetch_container_credentials(outside_, *endpoint));
  std::vector<protocol::ProofValue> values;
  for (auto& [name, value] : aws::make_identity_proof(place_, credentials, binding, outside_.clock.now()))
    values.push_back({name, value});
  co_return values;
}

}  // namespace footman::agent::real
