#include "model/size.hpp"

#include <fmt/format.h>

#include "base/number.hpp"
#include "base/time.hpp"

namespace footman::model {
namespace {

constexpr std::size_t kDecimals = 3;
constexpr std::size_t kMaxDigits = 7;  // before the point

bool are_digits(std::string_view text) { return text.find_first_not_of("0123456789") == text.npos; }

}  // namespace

std::string format_cpus(std::uint64_t milli_cpus) {
  auto decimals = fmt::format("{:03}", milli_cpus % 1000);
  while (!decimals.empty() && decimals.back() == '0') decimals.pop_back();
  return fmt::format("{}{}{} vCPU", milli_cpus / 1000, decimals.empty() ? "" : ".", decimals);
}

std::string format_size(const AgentSize& size) {
  std::string text;
  if (size.milli_cpus > 0) text = format_cpus(size.milli_cpus);
  if (size.memory_bytes > 0) text += (text.empty() ? "" : ", ") + base::format_bytes(size.memory_bytes);
  return text;
}

base::Result<std::uint64_t> parse_cpus(std::string_view text) {
  auto rest = text;
  if (rest.ends_with("vCPU")) rest.remove_suffix(4);
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  const auto point = rest.find('.');
  const auto whole = rest.substr(0, point);
  auto decimals = point == rest.npos ? std::string() : std::string(rest.substr(point + 1));
  const bool fits = !whole.empty() && whole.size() <= kMaxDigits && decimals.size() <= kDecimals;
  if (fits && are_digits(whole) && are_digits(decimals) && (point == rest.npos || !decimals.empty())) {
    decimals.resize(kDecimals, '0');
    const auto cpus =
        *base::find_number<std::uint64_t>(whole) * 1000 + *base::find_number<std::uint64_t>(decimals);
    if (cpus <= kMaxMilliCpus) return cpus;
  }
  return base::fail(base::Errc::invalid_argument, fmt::format("'{}' is not a number of vCPU", text), {},
                    "Write it like 2 vCPU or 0.25 vCPU");
}

}  // namespace footman::model
