// A listener whose connections can be cut: as a process that is not there, or an answer that never comes.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "net/tcp.hpp"
#include "runtime/stream.hpp"

namespace footman::fake_jenkins {

// What is known of the open connections, shared with them.
class OpenConnections {
 public:
  void add(const std::string& peer, runtime::ByteStream* stream) { streams_[peer] = stream; }
  void remove(const std::string& peer) { streams_.erase(peer); }
  void cut(const std::string& peer);
  void cut_all();

  bool closed = false;  // new ones are cut at once

 private:
  std::map<std::string, runtime::ByteStream*> streams_;
};

std::unique_ptr<net::Listener> make_door(std::unique_ptr<net::Listener> inner,
                                         std::shared_ptr<OpenConnections> connections);

}  // namespace footman::fake_jenkins
