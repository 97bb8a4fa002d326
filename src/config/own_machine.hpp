// Whether a host of an address can only be the machine that connects to it.
#pragma once

#include <string_view>

namespace footman::config {

// Loopback and "no address" (0.0.0.0, ::), in every form that some resolver takes for them: localhost and the
// names below it, what distributions call the machine itself in /etc/hosts (ip6-loopback,
// localhost.localdomain), with a dot at the end or without, 127.1, 0x7f000001, 2130706433, ::ffff:127.0.0.1,
// ::127.0.0.1. IPv6 without brackets.
bool is_own_machine(std::string_view host);

}  // namespace footman::config
