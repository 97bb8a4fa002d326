// Counts the connections that are not through TLS yet, all of them and those of each address.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace footman::app {

// Such a connection takes 44 KiB. Further ones are closed, and agents try again. One address cannot take all:
// a stranger who holds his open keeps nobody else out. But behind a load balancer all agents have one
// address, and after a start they come at once: with 512 of one address their return takes twice as long
// (`bench/run many_agents`).
inline constexpr std::size_t kMaxUnknownConnections = 4096;
inline constexpr std::size_t kMaxUnknownOfOneHost = 3072;

class UnknownPeers {
 public:
  // `peer`: "192.0.2.7:5123", "[::1]:5123".
  bool is_full(const std::string& peer) const {
    const auto it = hosts_.find(host_of(peer));
    return count_ >= kMaxUnknownConnections || (it != hosts_.end() && it->second >= kMaxUnknownOfOneHost);
  }

  // One connection, as long as it is unknown.
  class Place {
   public:
    Place(UnknownPeers& peers, const std::string& peer)
        : peers_(peers), at_(peers.hosts_.try_emplace(host_of(peer), 0).first) {
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
    std::map<std::string, std::size_t>::iterator at_;
  };

 private:
  static std::string host_of(const std::string& peer) { return peer.substr(0, peer.rfind(':')); }

  std::size_t count_ = 0;
  std::map<std::string, std::size_t> hosts_;
};

}  // namespace footman::app
