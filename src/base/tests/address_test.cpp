#include "base/address.hpp"

#include <doctest/doctest.h>

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
