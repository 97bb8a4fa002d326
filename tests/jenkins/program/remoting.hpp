// The controller's end of Jenkins' remoting, as far as an agent.jar needs it to be connected: chunks, the
// ping with the questions that it brings, the orderly close. No class is ever sent, so nothing runs there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace footman::fake_jenkins {

// Whether the header X-Remoting-Capability is a real agent.jar's; the stand-in for java sends a stub.
bool is_remoting(std::string_view capability);
// What Jenkins answers with: no classes with loaders, no jar caches.
std::string_view remoting_capability();

// Sans-IO. Bytes of binary messages go in in any pieces; what is to be sent comes out of take_output().
class RemotingChannel {
 public:
  void ping();
  void close();
  // False: what came is no such channel, or the agent has closed it; the connection is to be closed.
  bool feed(std::string_view bytes);
  std::string take_output();
  // Pings that the agent has answered: its classes took our objects and we its.
  std::uint64_t pongs() const { return pongs_; }

 private:
  bool take_command(std::string_view command);
  void send(std::string_view command);

  std::string input_;
  std::string command_;
  std::string output_;
  std::int32_t request_ = 0;  // of the last ping
  std::uint64_t pongs_ = 0;
};

}  // namespace footman::fake_jenkins
