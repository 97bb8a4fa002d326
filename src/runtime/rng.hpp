// Randomness as an interface: secrets from the operating system in the programs, a seeded stream in the
// simulation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace footman::runtime {

class Rng {
 public:
  virtual ~Rng() = default;
  virtual std::string bytes(std::size_t count) = 0;  // fit for secrets in the real one

  std::uint64_t next();                  // uniform over 64 bits
  double uniform();                      // [0, 1)
  std::string name(std::size_t length);  // lower-case letters and digits without look-alikes, for ids
};

std::unique_ptr<Rng> make_os_rng();  // getrandom(2)
std::unique_ptr<Rng> make_seeded_rng(std::uint64_t seed);

}  // namespace footman::runtime
