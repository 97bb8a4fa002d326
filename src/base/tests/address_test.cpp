#include "base/address.hpp"

#include <doctest/doctest.h>

#include <string>

using footman::base::format_endpoint;
using footman::base::is_host;
using footman::base::is_ipv4;
using footman::base::is_loopback_host;

TEST_CASE("an IPv4 address is four numbers") {
  for (const auto* good : {"0.0.0.0", "127.0.0.1", "255.255.255.255"}) CHECK(is_ipv4(good));
  for (const auto* bad : {"", "1", "127.1", "1.2.3", "1.2.3.", ".1.2.3", "1.2.3.4.", "1.2.3.4.5", "1.2.3.256",
                          "01.2.3.4", "1.2.3.+4", "1.2.3.-4", "a.b.c.d", "::1"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_ipv4(bad));
  }
}

TEST_CASE("a host is a name of DNS or an address") {
  const auto long_label = std::string(63, 'a');
  const auto long_name = long_label + '.' + long_label + '.' + long_label + '.' + std::string(61, 'a');
  for (const auto& good :
       {std::string("ci"), std::string("ci.example.com"), std::string("ci.example.com."),
        std::string("a-b_c.9"), std::string("_dmarc.x"), std::string("xn--bcher-kva"), std::string("127.1"),
        std::string("10.0.0.1"), std::string("2130706433"), std::string("10.65536"), std::string("1.2.3.4.a"),
        std::string("::1"), std::string("fe80::1%eth0"), std::string("2001:db8::7f00:1"),
        std::string("::ffff:10.0.0.1"), long_label, long_name}) {
    CAPTURE(good);
    CHECK(is_host(good));
  }
  for (const auto& bad : {std::string(),
                          std::string("."),
                          std::string("a b"),
                          std::string(" nlb"),
                          std::string("nlb "),
                          std::string("a..b"),
                          std::string(".a"),
                          std::string("a.."),
                          std::string("-a"),
                          std::string("a-.b"),
                          std::string("a:1"),
                          std::string("[::1]"),
                          std::string("1::1::1"),
                          std::string("::1%"),
                          std::string("::1%a b"),
                          std::string("b\xc3\xbc"
                                      "cher"),
                          std::string("a,b"),
                          std::string("a\\b"),
                          std::string("a\0b", 3),
                          std::string("a@b"),
                          std::string("256.1.1.1"),
                          std::string("1.2.3.256"),
                          std::string("1.2.3.4.5"),
                          std::string("1.2.65536"),
                          std::string("4294967296"),
                          "a" + long_label,
                          "a" + long_name}) {
    CAPTURE(bad);
    CHECK_FALSE(is_host(bad));
  }
}

TEST_CASE("an address and a port, IPv6 in brackets") {
  CHECK(format_endpoint("ci.example.com", 443) == "ci.example.com:443");
  CHECK(format_endpoint("10.0.0.1", 8443) == "10.0.0.1:8443");
  CHECK(format_endpoint("2001:db8::1", 8443) == "[2001:db8::1]:8443");
}

TEST_CASE("loopback, however it is written") {
  for (const auto* good : {"localhost", "127.0.0.1", "127.9.9.9", "::1", "0:0:0:0:0:0:0:1", "0::0:1",
                           "::ffff:127.0.0.1", "::FFFF:7f00:1", "0:0:0:0:0:ffff:127.1.2.3", "::0001"}) {
    CAPTURE(good);
    CHECK(is_loopback_host(good));
  }
  for (const auto* bad : {"",
                          "10.0.0.1",
                          "0.0.0.0",
                          "::",
                          "::2",
                          "1::1",
                          "::1:1",
                          "::ffff:10.0.0.1",
                          "::127.0.0.1",
                          "ffff::127.0.0.1",
                          "[::1]",
                          "::1:",
                          ":::1",
                          "::1::",
                          "1:2:3:4:5:6:7:8:9",
                          "0:0:0:0:0:0:1",
                          "::00001",
                          "::ffff:127.0.0.1:0",
                          "localhost.example.org",
                          "127.1",
                          "127.0.0.1.example.com",
                          "::x"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_loopback_host(bad));
  }
}
