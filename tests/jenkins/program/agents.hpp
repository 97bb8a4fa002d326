// The program's side of agents: the documented first steps of remoting, then lines of JSON instead of Java's
// objects.
//   to the agent:  {"ok":true}  {"start":7,"job":"x","number":1,"command":"…","until_told":true}  {"stop":7}
//   to Jenkins:    {"name":"n","secret":"…","same_workspace":false} (TCP only, first)
//   {"done":7,"result":"SUCCESS"}
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/stream.hpp"
#include "runtime/wait.hpp"
#include "tests/jenkins/fake_jenkins.hpp"
#include "tests/jenkins/program/remoting.hpp"

namespace footman::fake_jenkins {

std::optional<BuildResult> find_result(std::string_view word);  // "SUCCESS"

// All on one executor, with the double.
class AgentSide {
 public:
  // `now` tells the time, `changed` is called after each call into the double.
  AgentSide(FakeJenkins& jenkins, std::function<base::Instant()> now, std::function<void()> changed)
      : jenkins_(jenkins), now_(std::move(now)), changed_(std::move(changed)) {}

  // A connection to the agent port, to its end.
  runtime::Awaitable<void> serve_tcp(std::shared_ptr<runtime::ByteStream> stream);
  // A connected agent behind an upgraded request, to its end.
  runtime::Awaitable<void> serve(std::shared_ptr<runtime::ByteStream> stream, std::uint64_t connection,
                                 std::string rest);
  // The same of a real agent.jar: it is connected, and builds on it end by themselves.
  runtime::Awaitable<void> serve_remoting(std::shared_ptr<runtime::ByteStream> stream,
                                          std::uint64_t connection, std::string node);
  // Pings that real agents have answered, by node.
  const std::map<std::string, std::uint64_t>& pongs() const { return pongs_; }
  // What the double tells its agents.
  void deliver(const AgentEvent& event);

 private:
  struct Link {
    std::shared_ptr<runtime::ByteStream> stream;
    std::string outbox;
    std::shared_ptr<runtime::Event> filled = std::make_shared<runtime::Event>();
    bool closed = false;
    std::unique_ptr<RemotingChannel> channel;  // of a real agent
  };
  runtime::Awaitable<void> read_channel(std::shared_ptr<Link> link, std::string node);
  void end(const Link& link, std::uint64_t connection);
  runtime::Awaitable<void> write_outbox(std::shared_ptr<Link> link);
  bool take_line(std::string_view line);

  FakeJenkins& jenkins_;
  std::function<base::Instant()> now_;
  std::function<void()> changed_;
  std::map<std::uint64_t, std::shared_ptr<Link>> links_;
  std::map<std::string, std::uint64_t> pongs_;
};

}  // namespace footman::fake_jenkins
