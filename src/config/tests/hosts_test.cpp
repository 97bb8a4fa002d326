// Hosts and ports in the configuration.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "config/config.hpp"

using namespace footman::config;

namespace {

std::string error_of(std::string_view text) {
  auto config = parse_config(text, "f", {}, "x86_64");
  return config ? "ok" : describe(config.error().at(0));
}

}  // namespace

TEST_CASE("ports that agents connect to are ports") {
  for (const auto* bad : {"44x", "99999", "65536", "0", "", "-1", "+1", "1:2"}) {
    CAPTURE(bad);
    for (const auto* url : {"wss://ci:{}", "wss://ci:{}/base", "tcp://[2001:db8::1]:{}", "https://ci:{}?x"}) {
      const auto text = fmt::format("agent_url: '{}'\n", fmt::format(fmt::runtime(url), bad));
      CHECK(error_of(text) ==
            fmt::format("f:1:12: 'agent_url': a port from 1 to 65535 was expected after the host, "
                        "or none, like wss://ci.example.com:8443; found '{}'",
                        bad));
    }
    const auto tunnel = fmt::format("clouds:\n- {{name: a, type: local, tunnel: 'x:{}'}}\n", bad);
    CHECK(error_of(tunnel) ==
          fmt::format("f:2:34: 'tunnel': a host and a port from 1 to 65535 were expected, like "
                      "lb.example.com:443; found 'x:{}'",
                      bad));
  }
  for (const auto* bad : {"x", "", ":443", "[::1]", "::1:443", "wss://x:443", "x:443/", "me@x:443"}) {
    CAPTURE(bad);
    CHECK(error_of(fmt::format("tunnel: '{}'\n", bad))
              .starts_with("f:1:9: 'tunnel': a host and a port from 1"));
  }
  for (const auto* good : {"agent_url: 'wss://ci:65535'", "agent_url: 'tcp://[2001:db8::1]'",
                           "tunnel: '[::1]:443'", "tunnel: lb.example.com:1"}) {
    CAPTURE(good);
    CHECK(error_of(good) == "ok");
  }
}

TEST_CASE("hosts are names of DNS or addresses") {
  for (const std::string bad : {"[::1", "[::1]x"}) {  // a port is missed first
    CHECK(error_of("agent_url: 'wss://" + bad + "'\n").starts_with("f:1:12: 'agent_url': a port from 1 "));
    CHECK(error_of("tunnel: '" + bad + ":5'\n").starts_with("f:1:9: 'tunnel': a host and a port from 1"));
    CHECK(error_of("listen: '" + bad + ":5'\n").starts_with("f:1:9: 'listen': an address and a port"));
  }
  for (const std::string bad : {"a b", " a", "a ", "-a", "a..b", "a,b", "b\xc3\xbc", "[1::1::1]", "a\\b"}) {
    CAPTURE(bad);
    const auto url = error_of(fmt::format("agent_url: 'wss://{}'\n", bad));
    CHECK(
        url.starts_with("f:1:12: 'agent_url': a name of DNS or an address was expected after wss://, like "));
    CHECK(error_of(fmt::format("tunnel: '{}:5'\n", bad))
              .starts_with("f:1:9: 'tunnel': a name of DNS or an address"));
    CHECK(
        error_of(fmt::format("listen: '{}:5'\n", bad)).starts_with("f:1:9: 'listen': an address and a port"));
    CHECK(error_of(fmt::format("hosts: ['{}']\n", bad)).starts_with("f:1:9: 'hosts': a name without scheme"));
  }
  CHECK(
      error_of("tunnel: ' nlb:5'\n") ==
      "f:1:9: 'tunnel': a name of DNS or an address was expected before the port, like lb.example.com:443 or "
      "[2001:db8::1]:443; found ' nlb'");
  CHECK(error_of("agent_url: 'wss://ci.example.com/a b'\n")
            .starts_with("f:1:12: 'agent_url': a URL has no spaces"));
  for (const auto* good :
       {"agent_url: 'wss://ci_1.example.com.'", "tunnel: '10.0.0.1:443'", "listen: '[::]:80'",
        "listen: 'localhost:80'", "hosts: [ci.example.com, 10.0.0.1]"}) {
    CAPTURE(good);
    CHECK(error_of(good) == "ok");
  }
}
