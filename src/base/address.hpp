// Numeric addresses in texts from outside.
#pragma once

#include <string_view>

namespace footman::base {

// Four decimal numbers without leading zeros.
bool is_ipv4(std::string_view text);

// Where nobody but this machine is: 127.0.0.0/8, ::1, the former in IPv6 (::ffff:127.0.0.1), "localhost".
// Without brackets and port; 127.1 is a name like any other.
bool is_loopback_host(std::string_view host);

}  // namespace footman::base
