#include "runtime/rng.hpp"

#include <sys/random.h>

#include <cstring>
#include <random>
#include <string_view>

#include "base/check.hpp"

namespace footman::runtime {
namespace {

class OsRng final : public Rng {
 public:
  std::string bytes(std::size_t count) override {
    std::string out(count, '\0');
    std::size_t done = 0;
    while (done < count) {
      const auto got = ::getrandom(out.data() + done, count - done, 0);
      FOOTMAN_CHECK(got > 0 || errno == EINTR, "getrandom");
      if (got > 0) done += static_cast<std::size_t>(got);
    }
    return out;
  }
};

class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : engine_(seed) {}
  std::string bytes(std::size_t count) override {
    std::string out(count, '\0');
    for (char& c : out) c = static_cast<char>(engine_() & 0xFF);
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace

std::uint64_t Rng::next() {
  const auto raw = bytes(8);
  std::uint64_t value = 0;
  std::memcpy(&value, raw.data(), 8);
  return value;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::string Rng::name(std::size_t length) {
  constexpr std::string_view alphabet = "23456789abcdefghjkmnpqrstuvwxyz_";  // 32; '_' is replaced below
  std::string out = bytes(length);
  for (char& c : out) {
    c = alphabet[static_cast<unsigned char>(c) % 32];
    if (c == '_') c = '0';
  }
  return out;
}

std::unique_ptr<Rng> make_os_rng() { return std::make_unique<OsRng>(); }
std::unique_ptr<Rng> make_seeded_rng(std::uint64_t seed) { return std::make_unique<SeededRng>(seed); }

}  // namespace footman::runtime
