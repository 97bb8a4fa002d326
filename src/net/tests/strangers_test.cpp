// Who gives way among the connections of strangers.
#include "net/strangers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "net/tests/world.hpp"
#include "runtime/manual_clock.hpp"

using namespace footman;
using namespace footman::net;
using namespace std::chrono_literals;

namespace {

struct KeptLines final : base::LogSink {
  void write(base::LogLevel level, std::string_view, const base::LogFields& fields) override {
    CHECK(level == base::LogLevel::warning);
    lines.push_back(fields);
  }
  std::vector<base::LogFields> lines;
};

std::string value_of(const base::LogFields& fields, std::string_view key) {
  const auto it = std::ranges::find(fields, key, &base::LogField::key);
  return it == fields.end() ? "" : it->value;
}

struct Crowded {
  explicit Crowded(StrangerLimits limits) : strangers(limits, io.get_executor(), clock, reports) {}

  StrangerPtr come(const std::string& address) {
    const auto name = address + "/" + std::to_string(++number);
    return strangers.admit(address + ":" + std::to_string(number), [this, name] { gone.push_back(name); });
  }
  void pass(base::Duration time) {
    const auto until = clock.steady() + time;
    while (clock.step(until)) io.restart(), io.poll();
    clock.set(until);
  }
  // What came of it: nothing yet, or whether there is a place.
  std::shared_ptr<std::optional<bool>> begin(Stranger& who) {
    auto result = std::make_shared<std::optional<bool>>();
    boost::asio::co_spawn(io, who.begin_handshake(), [result](const std::exception_ptr& error, bool done) {
      if (!error) *result = done;
    });
    settle();
    return result;
  }
  void settle() { io.restart(), io.poll(); }
  bool counted(const std::string& what, int value) {
    return metrics.expose().find(what + " " + std::to_string(value) + "\n") != std::string::npos;
  }

  boost::asio::io_context io;
  runtime::ManualClock clock;
  base::Metrics metrics;
  std::shared_ptr<KeptLines> lines = std::make_shared<KeptLines>();
  ConnectionReports reports{metrics, base::Logger(lines), clock, "listen"};
  Strangers strangers;
  int number = 0;
  std::vector<std::string> gone;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("of one address the one that has been there for longest gives way, once it has had its time") {
  Crowded crowd({.all = 2, .handshakes = 2, .patience = 100ms});
  const auto first = crowd.come("a");
  const auto second = crowd.come("a");
  CHECK_FALSE(crowd.come("a"));
  crowd.pass(99ms);
  CHECK_FALSE(crowd.come("a"));
  crowd.pass(1ms);
  const auto fifth = crowd.come("a");
  CHECK(fifth);
  const auto sixth = crowd.come("a");
  CHECK(sixth);
  CHECK(crowd.gone == Names{"a/1", "a/2"});
  CHECK_FALSE(crowd.come("a"));
  CHECK(crowd.strangers.count() == 2);
  CHECK(crowd.counted("footman_connections_gave_way_total{limit=\"strangers\",port=\"listen\"}", 2));
  CHECK(crowd.counted("footman_connections_refused_total{limit=\"strangers\",port=\"listen\"}", 3));
}

TEST_CASE("the address that has most gives way at once, and never what another one needs") {
  Crowded crowd({.all = 4, .handshakes = 4, .patience = 1h});
  std::vector<StrangerPtr> all;
  for (const auto* address : {"a", "a", "b", "a"}) all.push_back(crowd.come(address));
  all.push_back(crowd.come("c"));  // a, a, b, c
  CHECK(crowd.gone == Names{"a/1"});
  all.push_back(crowd.come("b"));  // it would have as many: nobody has more
  CHECK_FALSE(all.back());
  CHECK_FALSE(crowd.come("a"));
  all.push_back(crowd.come("d"));
  CHECK(crowd.gone == Names{"a/1", "a/2"});
  CHECK_FALSE(crowd.come("e"));  // one of each
}

TEST_CASE("who is served does not give way, and is the newest of his address afterwards") {
  Crowded crowd({.all = 2, .handshakes = 2, .patience = 10ms});
  const auto served = crowd.come("a");
  const auto other = crowd.come("a");
  served->stay(true);
  crowd.pass(10ms);
  const auto third = crowd.come("a");
  CHECK(crowd.gone == Names{"a/2"});
  served->stay(false);
  crowd.pass(10ms);
  const auto fourth = crowd.come("a");
  CHECK(crowd.gone == Names{"a/2", "a/3"});
  served->stay(true);
  fourth->stay(true);
  CHECK_FALSE(crowd.come("b"));
}

TEST_CASE("who is known is no stranger: a fleet behind one address keeps nobody out") {
  Crowded crowd({.all = 2, .handshakes = 1, .patience = 1h});
  for (int i = 0; i < 100; ++i) {
    auto agent = crowd.come("a");
    REQUIRE(agent);
    REQUIRE(crowd.begin(*agent)->value_or(false));
    REQUIRE(agent->end_handshake());
  }
  CHECK(crowd.strangers.count() == 0);
  CHECK(crowd.gone.empty());
}

TEST_CASE("handshakes: who comes from the address that has most waits, and is served in order") {
  Crowded crowd({.all = 10, .handshakes = 2, .patience = 100ms});
  const auto first = crowd.come("a");
  const auto second = crowd.come("a");
  const auto third = crowd.come("a");
  auto fourth = crowd.come("a");
  auto fifth = crowd.come("a");
  CHECK(crowd.begin(*first)->value_or(false));
  CHECK(crowd.begin(*second)->value_or(false));
  const auto third_in = crowd.begin(*third);
  const auto fourth_in = crowd.begin(*fourth);
  const auto fifth_in = crowd.begin(*fifth);
  CHECK_FALSE(third_in->has_value());
  first->end_handshake();
  crowd.settle();
  CHECK(third_in->value_or(false));
  CHECK_FALSE(fourth_in->has_value());

  const auto other = crowd.come("b");  // does not wait
  CHECK(crowd.begin(*other)->value_or(false));
  CHECK(crowd.gone == Names{"a/2"});
  crowd.pass(99ms);
  CHECK_FALSE(fourth_in->has_value());
  crowd.pass(1ms);  // nobody ended, so the oldest ones give way
  CHECK(fourth_in->value_or(false));
  CHECK(fifth_in->value_or(false));
  CHECK(crowd.gone.size() == 3);
  CHECK(crowd.counted("footman_connections_gave_way_total{limit=\"handshakes\",port=\"listen\"}", 3));
}

TEST_CASE("handshakes: addresses take turns") {
  Crowded crowd({.all = 10, .handshakes = 10, .patience = 1h});
  std::vector<StrangerPtr> all;
  std::vector<std::shared_ptr<std::optional<bool>>> in;
  for (const auto* address : {"a", "a", "a", "b", "c"}) {
    all.push_back(crowd.come(address));
    in.push_back(std::make_shared<std::optional<bool>>());
    boost::asio::co_spawn(
        crowd.io, all.back()->begin_handshake(),
        [result = in.back(), this_one = all.size(), &crowd](const std::exception_ptr& error, bool done) {
          if (!error) *result = done;
          crowd.gone.push_back(std::to_string(this_one));
        });
  }
  crowd.settle();
  CHECK(crowd.gone == Names{"1", "4", "5", "2", "3"});
}

TEST_CASE("who gives way while he waits for his handshake is told") {
  Crowded crowd({.all = 3, .handshakes = 1, .patience = 1h});
  const auto first = crowd.come("b");
  CHECK(crowd.begin(*first)->value_or(false));
  const auto waits = crowd.come("a");
  const auto waits_too = crowd.come("a");
  const auto in = crowd.begin(*waits);
  auto in_too = crowd.begin(*waits_too);
  const auto other = crowd.come("c");
  crowd.settle();
  CHECK(crowd.gone == Names{"a/2"});
  CHECK(*in == std::optional(false));
  CHECK_FALSE(in_too->has_value());
}

TEST_CASE("behind the handshake there is a limit of its own") {
  Crowded crowd({.all = 10, .handshakes = 10, .secured = 2, .patience = 0ms, .secured_patience = 1s});
  std::vector<StrangerPtr> all;
  const auto secure = [&](const char* address) {
    crowd.pass(1ms);  // one after the other
    all.push_back(crowd.come(address));
    CHECK(crowd.begin(*all.back())->value_or(false));
    return all.back()->end_handshake();
  };
  CHECK(secure("a"));
  CHECK(secure("a"));
  CHECK_FALSE(secure("a"));
  CHECK(secure("b"));
  CHECK(crowd.gone == Names{"a/1"});
  CHECK_FALSE(secure("b"));
  crowd.pass(1s);
  CHECK(secure("a"));
  CHECK(crowd.gone == Names{"a/1", "a/2"});
  CHECK(crowd.counted("footman_connections_gave_way_total{limit=\"secured\",port=\"listen\"}", 2));
}

TEST_CASE("who is within or behind his handshake does not give way to those who just come from his address") {
  Crowded crowd({.all = 2, .handshakes = 2, .secured = 2, .patience = 10ms, .secured_patience = 1h});
  const auto first = crowd.come("a");
  const auto second = crowd.come("a");
  CHECK(crowd.begin(*first)->value_or(false));
  CHECK(crowd.begin(*second)->value_or(false));
  crowd.pass(1min);
  CHECK_FALSE(crowd.come("a"));
  CHECK(first->end_handshake());
  crowd.pass(1min);
  CHECK_FALSE(crowd.come("a"));
  CHECK(crowd.gone.empty());
  CHECK(crowd.come("b"));
  CHECK(crowd.gone == Names{"a/1"});
}

TEST_CASE("the log says once in a while which limit, and whose connections") {
  Crowded crowd({.all = 1, .handshakes = 1, .patience = 1h});
  const auto first = crowd.come("[2001:db8::1]");
  for (int i = 0; i < 5; ++i) CHECK_FALSE(crowd.come("[2001:db8::2]"));
  REQUIRE(crowd.lines->lines.size() == 1);
  crowd.pass(10s);
  CHECK_FALSE(crowd.come("[2001:db8::3]"));
  REQUIRE(crowd.lines->lines.size() == 2);
  const auto& line = crowd.lines->lines[1];
  CHECK(value_of(line, "port") == "listen");
  CHECK(value_of(line, "limit") == "strangers");
  CHECK(value_of(line, "most") == "1");
  CHECK(value_of(line, "address") == "2001:db8::/64");
  CHECK(value_of(line, "closed_since_last_line") == "5");
}

TEST_CASE("addresses: IPv4 ones, and what one network of IPv6 has") {
  CHECK(address_group("192.0.2.7:5123") == "192.0.2.7");
  CHECK(address_group("[::ffff:192.0.2.7]:5123") == "192.0.2.7");
  CHECK(address_group("[2001:db8:1:2:3:4:5:6]:1") == "2001:db8:1:2::/64");
  CHECK(address_group("[2001:db8:1:2::9]:1") == "2001:db8:1:2::/64");
  CHECK(address_group("[fe80::1%eth0]:1") == "fe80::/64");
  CHECK(address_group("something else") == "something else");
}

TEST_CASE("TLS: who has not sent his first message as a whole takes no place among the handshakes") {
  test::World world;
  const auto identity = test::make_identity({"127.0.0.1"}, world.clock->now());
  base::Metrics metrics;
  ConnectionReports reports(metrics, {}, *world.clock, "t");
  Strangers strangers({.all = 10, .handshakes = 1, .patience = 1h}, world.executor(), *world.clock, reports);
  auto listener = world.listen();
  const auto endpoint = listener->endpoint();
  const auto connect = [&] {
    return std::move(
        *world.run(connect_tcp(world.executor(), *world.clock, endpoint.host, endpoint.port, 5s)));
  };
  std::vector<StrangerPtr> places;
  int served = 0;
  const auto accept = [&] {
    auto stream = std::move(*world.run(listener->accept()));
    places.push_back(strangers.admit(*stream));
    boost::asio::co_spawn(
        world.io, accept_tls(std::move(stream), identity.server, *world.clock, 5s, places.back().get()),
        [&served](const std::exception_ptr& error, base::Result<runtime::ByteStreamPtr> done) {
          if (!error && done) ++served;
        });
  };
  auto half = connect();
  accept();
  // The header of a record of 517 bytes, and the begin of a ClientHello.
  CHECK(world.run(half->write(std::string("\x16\x03\x01\x02\x05\x01\x00\x02\x01", 9))));
  auto honest = connect();
  accept();
  const auto shaken =
      world.run(connect_tls(std::move(honest), test::trusting(identity), "127.0.0.1", *world.clock, 2s));
  REQUIRE(shaken);
  world.step_until([&] { return served == 1; });
  half->close();
  places[0].reset();
}
