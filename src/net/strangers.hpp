// The connections of one port whose peers have not shown who they are: how many there may be, how many of
// them may be within a TLS handshake or behind it, and who gives way.
//
// At a limit the newcomer gets the place of another one: of the address that has most, the one that has been
// there for longest. So no address takes what another one needs, and where all come through one (a load
// balancer) whoever means it gets through. Where no address has more than the newcomer's, only who has had
// his time gives way: of many that come at once none is thrown out by those behind it. An address is an IPv4
// address or the first 64 bits of an IPv6 one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "base/log.hpp"
#include "base/log_limiter.hpp"
#include "base/metrics.hpp"
#include "base/time.hpp"
#include "runtime/clock.hpp"
#include "runtime/stream.hpp"
#include "runtime/wait.hpp"

namespace footman::net {

// What one takes in the server (measured): 6 KiB until its ClientHello is here as a whole, up to 60 KiB in
// the handshake, 24 KiB from then on. So all of them take 64 MiB or so at most. Who comes with thousands of
// others, when the server was away, waits for his handshake; more places for those who wait make the return
// of a fleet quicker (`bench/run many_agents`).
struct StrangerLimits {
  std::size_t all = 4096;
  std::size_t handshakes = 512;  // further ones wait
  std::size_t secured = 1024;    // behind the handshake
  // The time that somebody has before he gives way to others of his own address: for his first message, for
  // his handshake, and until he has shown who he is. The last one is mostly the server's: when thousands come
  // back at once, none must be thrown out while the controller has not looked at him.
  base::Duration patience = std::chrono::seconds(1);
  base::Duration secured_patience = std::chrono::seconds(5);
};

// Counts in `footman_connections_gave_way_total` and `…_refused_total`, by port and limit, and warns.
class ConnectionReports {
 public:
  ConnectionReports(base::Metrics& metrics, base::Logger log, runtime::Clock& clock, std::string port);
  // `limit`: its name. `address`: whose connections gave way or were refused.
  void gave_way(std::string_view limit, std::size_t most, std::string_view address);
  void refused(std::string_view limit, std::size_t most, std::string_view address);

 private:
  void report(const char* what, const char* help, std::string_view limit, std::size_t most,
              std::string_view address);

  base::Metrics& metrics_;
  base::Logger log_;
  runtime::Clock& clock_;
  std::string port_;
  base::LogLimiter lines_{std::chrono::seconds(10)};
};

class Stranger;
using StrangerPtr = std::unique_ptr<Stranger>;

// All calls on the executor. Outlives its strangers.
class Strangers {
 public:
  Strangers(StrangerLimits limits, runtime::Executor executor, runtime::Clock& clock,
            ConnectionReports& reports);
  ~Strangers();
  Strangers(const Strangers&) = delete;
  Strangers& operator=(const Strangers&) = delete;

  // For a connection that has come; closes another one where it must. Null: there is no room.
  // `give_way` closes this one; it is called at most once, and then the place is another's already.
  StrangerPtr admit(std::string_view peer, std::function<void()> give_way);
  // Of a connection that a Listener of this module gave.
  StrangerPtr admit(const runtime::ByteStream& stream);

  std::size_t count() const;

 private:
  friend Stranger;
  struct Group {
    std::string address;
    std::size_t count = 0;
    std::list<Stranger*> oldest_first;  // who can give way
  };
  using Groups = std::map<std::string, Group, std::less<>>;
  struct Seat {
    Group* group = nullptr;  // null: none is taken
    base::Duration since{0};
    bool stays = false;
    std::list<Stranger*>::iterator place{};
  };
  // Who shares one limit.
  struct Crowd {
    std::string_view name;
    std::size_t most = 0;
    base::Duration patience{0};
    Seat Stranger::* seat;
    std::size_t count = 0;
    Groups groups;
    // Of those in whom somebody can give way: more first, then older ones first.
    std::set<std::tuple<std::ptrdiff_t, base::Duration, Group*>> ranks{};
  };

  static void rank(Crowd& crowd, Group& group, bool in);
  void stay(Crowd& crowd, Stranger& who, bool stays);
  void sit_down(Crowd& crowd, Stranger& who);
  void stand_up(Crowd& crowd, Stranger& who);
  // There is room afterwards, or false. `of_larger_only`: nobody gives way for the time he has had.
  bool make_room(Crowd& crowd, const std::string& address, bool of_larger_only = false);
  void dismiss(Stranger& who);
  void leave_line(Stranger& who);
  void look_at_line();  // soon
  void serve_next();
  void wait_for_room();

  StrangerLimits limits_;
  runtime::Executor executor_;
  runtime::Clock& clock_;
  ConnectionReports& reports_;
  Crowd all_;
  Crowd shaking_;
  Crowd secured_;
  // Before their handshakes, by address: addresses take turns, and what else the executor has to do comes in
  // between, because a handshake takes as long as a dozen other things.
  std::map<std::string, std::list<Stranger*>, std::less<>> line_;
  std::string served_;  // the address
  bool looks_soon_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::unique_ptr<runtime::Timer> timer_;
};

// One connection, as long as it is a stranger's.
class Stranger {
 public:
  Stranger(Strangers& strangers, std::string address, std::function<void()> give_way);
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  ~Stranger();

  // Waits for a place among the handshakes. False: it has given way.
  runtime::Awaitable<bool> begin_handshake();
  // False: there is no room behind it.
  bool end_handshake();
  // Something runs for it: it does not give way for now. It is the newest of its address afterwards.
  void stay(bool stays);
  void on_give_way(std::function<void()> give_way) { give_way_ = std::move(give_way); }

 private:
  friend Strangers;
  Strangers& strangers_;
  std::string address_;
  std::function<void()> give_way_;
  Strangers::Seat seat_;
  Strangers::Seat handshake_;
  Strangers::Seat secured_;
  std::list<Stranger*>::iterator in_line_{};
  bool waits_ = false;
  runtime::Event turn_;
};

// "192.0.2.7:5123" -> "192.0.2.7", "[2001:db8::1]:5123" -> "2001:db8::/64".
std::string address_group(std::string_view peer);

}  // namespace footman::net
