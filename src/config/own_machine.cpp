#include "config/own_machine.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include "base/ascii.hpp"

namespace footman::config {
namespace {

using Groups = std::array<std::uint16_t, 8>;  // of an IPv6 address

// What distributions call the machine itself in /etc/hosts, beside localhost.
constexpr std::array<std::string_view, 7> kOwnNames = {
    "ip6-localhost",           "ip6-loopback",           "localhost.localdomain", "localhost4", "localhost6",
    "localhost4.localdomain4", "localhost6.localdomain6"};

template <class Number>
std::optional<Number> find_in_base(std::string_view text, int base) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A part of an IPv4 address, as C writes numbers.
std::optional<std::uint32_t> find_c_number(std::string_view text) {
  if (text.starts_with("0x")) return find_in_base<std::uint32_t>(text.substr(2), 16);
  return find_in_base<std::uint32_t>(text, text.starts_with('0') ? 8 : 10);
}

// One to four numbers, as inet_aton(3) reads them: the last one fills what is left of the 32 bits.
std::optional<std::uint32_t> find_ipv4_of_any_form(std::string_view host) {
  std::uint32_t address = 0;
  for (unsigned parts = 1; parts <= 4; ++parts) {
    const auto dot = std::min(host.find('.'), host.size());
    const auto part = find_c_number(host.substr(0, dot));
    if (!part) return std::nullopt;
    if (dot == host.size()) {
      const auto bits = 8 * (5 - parts);
      if (bits < 32 && *part >> bits != 0) return std::nullopt;
      return address | *part;
    }
    if (*part > 0xff) return std::nullopt;
    address |= *part << (8 * (4 - parts));
    host.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

// Groups of hexadecimal digits, and four decimal numbers at the end perhaps; how many, or nothing.
std::optional<std::size_t> read_groups_of_ipv6(std::string_view text, Groups& out) {
  std::size_t count = 0;
  while (!text.empty()) {
    const auto colon = std::min(text.find(':'), text.size());
    const auto group = text.substr(0, colon);
    if (group.contains('.')) {
      const auto ipv4 = find_ipv4_of_any_form(group);
      if (!ipv4 || colon != text.size() || count + 2 > out.size()) return std::nullopt;
      out.at(count++) = static_cast<std::uint16_t>(*ipv4 >> 16U);
      out.at(count++) = static_cast<std::uint16_t>(*ipv4);
      return count;
    }
    const auto value = find_in_base<std::uint16_t>(group, 16);
    if (!value || count == out.size()) return std::nullopt;
    out.at(count++) = *value;
    text.remove_prefix(std::min(colon + 1, text.size()));
  }
  return count;
}

std::optional<Groups> find_ipv6(std::string_view host) {
  host = host.substr(0, host.find('%'));  // the network interface
  const auto gap = host.find("::");
  Groups head{}, tail{};
  const auto before = read_groups_of_ipv6(host.substr(0, gap), head);
  if (gap == std::string_view::npos) return before == head.size() ? std::optional(head) : std::nullopt;
  const auto after = read_groups_of_ipv6(host.substr(gap + 2), tail);
  if (!before || !after || *before + *after >= head.size()) return std::nullopt;
  std::copy_n(tail.begin(), *after, head.end() - static_cast<std::ptrdiff_t>(*after));
  return head;
}

bool is_own_ipv4(std::uint32_t address) { return address >> 24U == 127 || address >> 24U == 0; }

bool is_own_ipv6(const Groups& groups) {
  const bool is_short = std::all_of(groups.begin(), groups.begin() + 5, [](auto one) { return one == 0; });
  const auto low = std::uint32_t{groups[6]} << 16U | groups[7];
  if (!is_short) return false;
  if (groups[5] == 0xffff) return is_own_ipv4(low);
  return groups[5] == 0 && (low <= 1 || low >> 24U == 127);
}

}  // namespace

bool is_own_machine(std::string_view host) {
  while (host.ends_with('.')) host.remove_suffix(1);
  const auto name = base::lower_case(host);
  if (name == "localhost" || name.ends_with(".localhost") ||
      std::ranges::find(kOwnNames, name) != kOwnNames.end())
    return true;
  if (name.contains(':')) {
    const auto address = find_ipv6(name);
    return address && is_own_ipv6(*address);
  }
  const auto address = find_ipv4_of_any_form(name);
  return address && is_own_ipv4(*address);
}

}  // namespace footman::config
