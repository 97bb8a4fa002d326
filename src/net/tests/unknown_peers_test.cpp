#include "net/unknown_peers.hpp"

#include <doctest/doctest.h>

#include <list>
#include <string>

using footman::net::UnknownPeers;

TEST_CASE("one address takes its share of the unknown connections, all together take the limit") {
  UnknownPeers peers({.all = 8, .one_host = 6});
  std::list<UnknownPeers::Place> places;
  while (!peers.is_full_of("192.0.2.1:1"))
    places.emplace_back(peers, "192.0.2.1:" + std::to_string(places.size()));
  CHECK(places.size() == 6);
  CHECK(peers.is_full_of("192.0.2.1:65535"));
  CHECK_FALSE(peers.is_full());
  CHECK_FALSE(peers.is_full_of("192.0.2.10:1"));
  CHECK_FALSE(peers.is_full_of("[2001:db8::1]:1"));
  while (!peers.is_full()) places.emplace_back(peers, "[2001:db8::1]:" + std::to_string(places.size()));
  CHECK(places.size() == 8);
  CHECK_FALSE(peers.is_full_of("[2001:db8::1]:1"));
  places.pop_back();  // one of the second address
  CHECK_FALSE(peers.is_full());
  CHECK(peers.is_full_of("192.0.2.1:1"));  // its share is taken still
  places.pop_front();                      // one of the first address
  CHECK_FALSE(peers.is_full_of("192.0.2.1:1"));
  CHECK(UnknownPeers::are_one_host("[2001:db8::1]:1", "[2001:db8::1]:2"));
  CHECK_FALSE(UnknownPeers::are_one_host("192.0.2.1:1", "192.0.2.10:1"));
}
