#include "cloud/ecs/subnets.hpp"

#include <cmath>
#include <limits>

#include "base/digest.hpp"

namespace footman::cloud::ecs {
namespace {

// In (0, 1): the same for the same two.
double draw(const std::string& client_token, const std::string& subnet) {
  constexpr std::size_t kBytes = 6;
  const auto digest = sha256(client_token + "/" + subnet);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kBytes; ++i) number = number << 8 | static_cast<unsigned char>(digest[i]);
  return (static_cast<double>(number) + 0.5) / static_cast<double>(std::uint64_t{1} << 8 * kBytes);
}

}  // namespace

// Each draws by itself, and the best draw wins (weighted rendezvous hashing): when one comes, goes or gets
// another share, only launches that this is about choose another one.
std::string Subnets::choose(const std::vector<std::string>& from, const std::string& client_token,
                            Instant now) const {
  std::vector<const std::string*> good;
  for (const auto& subnet : from)
    if (has_room(subnet, now)) good.push_back(&subnet);
  if (good.empty())
    for (const auto& subnet : from) good.push_back(&subnet);
  const std::string* best = good.front();
  double shortest = std::numeric_limits<double>::infinity();
  for (const auto* subnet : good) {
    const auto distance = -std::log(draw(client_token, *subnet)) / find_share(*subnet, good, now);
    if (distance >= shortest) continue;
    shortest = distance;
    best = subnet;
  }
  return *best;
}

void Subnets::on_launched(const std::string& subnet) {
  const auto found = free_.find(subnet);
  if (found != free_.end() && found->second.addresses > 0) --found->second.addresses;
}

bool Subnets::begin_look(Instant now) {
  if (next_look_.is_set() && now < next_look_) return false;
  next_look_ = now + kLookAtSubnets;
  return true;
}

const Subnets::Free* Subnets::find_free(const std::string& subnet, Instant now) const {
  const auto found = free_.find(subnet);
  return found == free_.end() || now >= found->second.at + kTrustAddresses ? nullptr : &found->second;
}

bool Subnets::has_room(const std::string& subnet, Instant now) const {
  const auto avoided = avoid_until_.find(subnet);
  if (avoided != avoid_until_.end() && now < avoided->second) return false;
  const auto* known = find_free(subnet, now);
  return known == nullptr || known->addresses > 0;
}

double Subnets::find_share(const std::string& subnet, const std::vector<const std::string*>& among,
                           Instant now) const {
  if (const auto* known = find_free(subnet, now)) return known->addresses > 0 ? known->addresses : 1;
  double sum = 0;
  int count = 0;
  for (const auto* other : among) {
    const auto* known = find_free(*other, now);
    if (known == nullptr || known->addresses == 0) continue;
    sum += known->addresses;
    ++count;
  }
  return count == 0 ? 1 : sum / count;
}

}  // namespace footman::cloud::ecs
