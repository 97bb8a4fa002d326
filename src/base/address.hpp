// Hosts in texts from outside: numeric addresses and names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace footman::base {

// Four decimal numbers without leading zeros.
bool is_ipv4(std::string_view text);

// Without brackets; with or without the network interface behind a '%'.
bool is_ipv6(std::string_view text);

// What DNS takes for a name: labels of letters, digits, '-' and '_', with or without the dot at the end.
// Numbers alone must be an address as some resolvers read it ("127.1").
inline constexpr std::size_t kMaxHostNameBytes = 253;
bool is_host_name(std::string_view text);

// An address or a name; IPv6 without brackets.
bool is_host(std::string_view text);

// "10.0.0.1:443", "[::1]:443", "build.example.org:443". The host is without brackets.
std::string format_endpoint(std::string_view host, std::uint16_t port);

// Where nobody but this machine is: 127.0.0.0/8, ::1, the former in IPv6 (::ffff:127.0.0.1), "localhost".
// Without brackets and port; 127.1 is a name like any other.
bool is_loopback_host(std::string_view host);

}  // namespace footman::base
