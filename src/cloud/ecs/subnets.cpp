#include "cloud/ecs/subnets.hpp"

#include "base/digest.hpp"

namespace footman::cloud::ecs {

std::string Subnets::choose(const std::vector<std::string>& from, const std::string& client_token,
                            Instant now) const {
  std::vector<const std::string*> good;
  for (const auto& subnet : from) {
    const auto avoided = avoid_until_.find(subnet);
    if (avoided == avoid_until_.end() || now >= avoided->second) good.push_back(&subnet);
  }
  const auto digest = sha256(client_token);
  const auto number = static_cast<std::size_t>(static_cast<unsigned char>(digest[0])) << 8 |
                      static_cast<std::size_t>(static_cast<unsigned char>(digest[1]));
  return good.empty() ? from[number % from.size()] : *good[number % good.size()];
}

}  // namespace footman::cloud::ecs
