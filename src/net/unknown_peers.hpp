// Counts the connections of peers that have not shown who they are, all of them and those of each address.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace footman::net {

// One address cannot take all: a stranger who holds his open keeps nobody else out. But behind a load
// balancer all have one address, and after a start of the server all agents come at once: with 512 of one
// address their return takes twice as long (`bench/run many_agents`). Who is not through TLS yet takes 44
// KiB.
struct UnknownPeerLimits {
  std::size_t all = 4096;
  std::size_t one_host = 3072;
};

class UnknownPeers {
 public:
  explicit UnknownPeers(UnknownPeerLimits limits) : limits_(limits) {}

  bool is_full() const { return count_ >= limits_.all; }
  // `peer`: "192.0.2.7:5123", "[::1]:5123". Its address has its share.
  bool is_full_of(std::string_view peer) const {
    const auto it = hosts_.find(host_of(peer));
    return it != hosts_.end() && it->second >= limits_.one_host;
  }
  static bool are_one_host(std::string_view peer, std::string_view other) {
    return host_of(peer) == host_of(other);
  }

  // One connection, as long as it is unknown.
  class Place {
   public:
    Place(UnknownPeers& peers, std::string_view peer)
        : peers_(peers), at_(peers.hosts_.try_emplace(std::string(host_of(peer)), 0).first) {
      ++peers_.count_;
      ++at_->second;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      --peers_.count_;
      if (--at_->second == 0) peers_.hosts_.erase(at_);
    }

   private:
    UnknownPeers& peers_;
    std::map<std::string, std::size_t, std::less<>>::iterator at_;
  };

 private:
  static std::string_view host_of(std::string_view peer) { return peer.substr(0, peer.rfind(':')); }

  UnknownPeerLimits limits_;
  std::size_t count_ = 0;
  std::map<std::string, std::size_t, std::less<>> hosts_;
};

}  // namespace footman::net
