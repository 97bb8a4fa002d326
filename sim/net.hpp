// The simulated network: ByteStreams between named nodes, with delay, back pressure and everything that goes
// wrong on the way. Reliable and ordered like TCP as long as a connection lives:
//
//   partition   what is sent waits (the senders retransmit) until it is healed
//   cut         both ends get an error, what was under way is lost
//   half-open   what is sent vanishes and nobody is told
//   a process dies  its peers get a reset; when its whole host dies, they hear nothing, until they write to
//                   the next process that listens there
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/stream.hpp"
#include "sim/loop.hpp"

namespace footman::sim {

class Wire;
struct Connecting;

class SimNet {
 public:
  SimNet(SimLoop& loop, Dice dice);
  ~SimNet();

  using Accept = std::function<void(runtime::ByteStreamPtr)>;
  // The node takes connections from now on; its ends of them belong to `life`.
  void listen(const std::string& node, Life& life, Accept accept);
  void stop_listening(const std::string& node);
  runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect(Life* life, std::string from,
                                                                   std::string to);
  // The life has ended: what its ends still wait for is released (to be destroyed with the life), their peers
  // are told unless `silent`.
  void end_life(const Life& life, bool silent);

  // Faults. The ones on connections hit one that exists; false: there is none.
  bool cut_one();
  bool half_open_one();
  // b: "*" for everybody.
  void set_partition(const std::string& a, const std::string& b, bool on);
  bool partitioned(const std::string& a, const std::string& b) const {
    return parted_since(a, b).has_value();
  }
  // Without a moment of connection between them; not set: they are not parted.
  std::optional<Duration> parted_since(const std::string& a, const std::string& b) const;
  void set_slow(bool on) { slow_ = on; }  // latencies of seconds
  void heal();

  // Sees all bytes where they are written: (connection, from, to, bytes).
  std::function<void(std::uint64_t, const std::string&, const std::string&, std::string_view)> tap;

 private:
  friend class Wire;
  struct Listener {
    Life* life;
    Accept accept;
  };

  Duration latency();
  void open(std::weak_ptr<Connecting> connecting);
  void forget_ended();

  SimLoop& loop_;
  Dice dice_;
  bool slow_ = false;
  std::uint64_t wires_made_ = 0;
  std::map<std::string, Listener> listeners_;
  std::map<std::pair<std::string, std::string>, Duration> partitions_;  // since
  std::list<std::shared_ptr<Wire>> wires_;
};

}  // namespace footman::sim
