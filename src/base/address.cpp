#include "base/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

#include "base/ascii.hpp"
#include "base/number.hpp"

namespace footman::base {
namespace {

using Groups = std::vector<std::uint16_t>;

std::optional<std::array<std::uint16_t, 2>> find_ipv4(std::string_view text) {
  std::uint32_t address = 0;
  for (int left = 4;; --left) {
    const auto part = text.substr(0, text.find('.'));
    const auto number = base::find_number<std::uint8_t>(part);
    if (left == 0 || !number || (part.size() > 1 && part.front() == '0')) return std::nullopt;
    address = address << 8 | *number;
    if (part.size() == text.size()) {
      if (left != 1) return std::nullopt;
      return std::array{static_cast<std::uint16_t>(address >> 16), static_cast<std::uint16_t>(address)};
    }
    text.remove_prefix(part.size() + 1);
  }
}

// "ffff:127.0.0.1": groups of an IPv6 address between colons; "" is none.
std::optional<Groups> find_groups(std::string_view text) {
  Groups groups;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find(':'));
    const bool last = part.size() == text.size();
    std::uint16_t group = 0;
    if (const auto four = last ? find_ipv4(part) : std::nullopt) {
      groups.insert(groups.end(), four->begin(), four->end());
    } else if (const auto [at, bad] = std::from_chars(part.begin(), part.end(), group, 16);
               bad == std::errc() && at == part.end() && part.size() <= 4) {
      groups.push_back(group);
    } else {
      return std::nullopt;
    }
    if (last) break;
    text.remove_prefix(part.size() + 1);
    if (text.empty()) return std::nullopt;
  }
  return groups;
}

std::optional<Groups> find_ipv6(std::string_view text) {
  const auto gap = text.find("::");
  auto groups = find_groups(text.substr(0, gap));
  if (!groups) return std::nullopt;
  if (gap != std::string_view::npos) {
    const auto rest = find_groups(text.substr(gap + 2));
    if (!rest || groups->size() + rest->size() > 7) return std::nullopt;
    groups->resize(8 - rest->size());
    groups->insert(groups->end(), rest->begin(), rest->end());
  }
  return groups->size() == 8 ? groups : std::nullopt;
}

// One to four numbers, as inet_aton() reads them: the last one stands for all bytes that are left.
bool is_address_of_numbers(std::string_view text) {
  for (std::size_t bytes_left = 4; bytes_left > 0; --bytes_left) {
    const auto part = text.substr(0, text.find('.'));
    const bool is_last = part.size() == text.size();
    const auto number = find_number<std::uint64_t>(part);
    if (!number || *number >> (is_last ? 8 * bytes_left : 8) != 0) return false;
    if (is_last) return true;
    text.remove_prefix(part.size() + 1);
  }
  return false;
}

}  // namespace

bool is_ipv4(std::string_view text) { return find_ipv4(text).has_value(); }

bool is_ipv6(std::string_view text) {
  const auto zone = text.find('%');
  const bool whole = zone == std::string_view::npos ||
                     (zone + 1 < text.size() && std::ranges::all_of(text.substr(zone + 1), [](char c) {
                        return is_alnum_or("-._", c);
                      }));
  return whole && find_ipv6(text.substr(0, zone)).has_value();
}

bool is_host_name(std::string_view text) {
  constexpr std::size_t kMaxLabelBytes = 63;
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxHostNameBytes) return false;
  if (text.find_first_not_of("0123456789.") == std::string_view::npos) return is_address_of_numbers(text);
  while (true) {
    const auto label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > kMaxLabelBytes || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, [](char c) { return is_alnum_or("-_", c); }))
      return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

bool is_host(std::string_view text) { return is_host_name(text) || is_ipv6(text); }

std::string format_endpoint(std::string_view host, std::uint16_t port) {
  return host.find(':') == std::string_view::npos ? fmt::format("{}:{}", host, port)
                                                  : fmt::format("[{}]:{}", host, port);
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost") return true;
  if (const auto four = find_ipv4(host)) return four->front() >> 8 == 127;
  const auto six = find_ipv6(host);
  if (!six || std::any_of(six->begin(), six->begin() + 5, [](auto group) { return group != 0; }))
    return false;
  const auto [a, b, c] = std::array{(*six)[5], (*six)[6], (*six)[7]};
  return (a == 0 && b == 0 && c == 1) || (a == 0xffff && b >> 8 == 127);
}

}  // namespace footman::base
