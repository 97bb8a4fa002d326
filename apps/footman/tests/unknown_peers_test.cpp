#include "apps/footman/unknown_peers.hpp"

#include <doctest/doctest.h>

#include <list>
#include <string>

using namespace footman::app;

TEST_CASE("one address takes its share of the unknown connections, all together take the limit") {
  UnknownPeers peers;
  std::list<UnknownPeers::Place> places;
  while (!peers.is_full("192.0.2.1:1"))
    places.emplace_back(peers, "192.0.2.1:" + std::to_string(places.size()));
  CHECK(places.size() == kMaxUnknownOfOneHost);
  CHECK(peers.is_full("192.0.2.1:65535"));
  CHECK_FALSE(peers.is_full("192.0.2.10:1"));
  CHECK_FALSE(peers.is_full("[2001:db8::1]:1"));
  while (!peers.is_full("[2001:db8::1]:1"))
    places.emplace_back(peers, "[2001:db8::1]:" + std::to_string(places.size()));
  CHECK(places.size() == kMaxUnknownConnections);
  CHECK(peers.is_full("192.0.2.10:1"));
  places.pop_back();  // one of the second address
  CHECK_FALSE(peers.is_full("[2001:db8::1]:1"));
  CHECK_FALSE(peers.is_full("192.0.2.10:1"));
  CHECK(peers.is_full("192.0.2.1:1"));  // its share is taken still
  places.pop_front();                   // one of the first address
  CHECK_FALSE(peers.is_full("192.0.2.1:1"));
  places.clear();
  CHECK_FALSE(peers.is_full("192.0.2.1:1"));
}
