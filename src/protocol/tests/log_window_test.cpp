#include "protocol/log_window.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <random>
#include <string>

#include "protocol/limits.hpp"

using namespace footman::protocol;
namespace base = footman::base;

TEST_CASE("the sender never has more than the window under way nor more than the capacity at all") {
  LogSender sender(100, 10, 25);
  CHECK(sender.room() == 25);
  sender.append(25);
  CHECK(sender.room() == 0);
  CHECK(sender.sendable(4).offset == 100);
  CHECK(sender.sendable(4).size == 4);
  CHECK(sender.sendable(99).size == 10);
  sender.sent(10);
  CHECK(sender.sendable(99).size == 0);
  CHECK(sender.acknowledge(104) == 4U);
  CHECK(sender.room() == 4);
  CHECK(sender.sendable(99).offset == 110);
  CHECK(sender.sendable(99).size == 4);
  CHECK(sender.acknowledge(104) == 0U);
  CHECK(sender.acknowledge(50) == 0U);
  CHECK(sender.acknowledge(111).error().code == base::Errc::corrupt);
  sender.set_window(2);
  CHECK(sender.sendable(99).size == 0);
  CHECK(sender.first_unacknowledged() < sender.end());
}

TEST_CASE("a new connection sends again from what is durable") {
  LogSender sender(0, 100, 100);
  sender.append(60);
  sender.sent(50);
  CHECK(sender.acknowledge(10) == 10U);
  CHECK(sender.rewind(30) == 20U);  // the answer with 30 was lost
  CHECK(sender.sendable(99).offset == 30);
  CHECK(sender.sendable(99).size == 30);
  CHECK(sender.acknowledge(50) == 20U);  // more than was sent on this connection, but it was sent
  CHECK(sender.next() == 50);
  CHECK(sender.rewind(49).error().message == "the server has log bytes up to 49, but acknowledged 50");
  CHECK(sender.rewind(51).error().code == base::Errc::corrupt);
  sender.sent(10);
  CHECK(sender.acknowledge(60) == 10U);
  CHECK(sender.first_unacknowledged() == sender.end());
}

TEST_CASE("the receiver drops duplicates, trims overlaps and refuses gaps") {
  LogReceiver receiver(10, 100, kMaxOffset);
  CHECK_FALSE(receiver.take_ack().has_value());
  auto slice = receiver.accept(10, 5);
  CHECK(slice->skip == 0);
  CHECK(slice->take == 5);
  slice = receiver.accept(12, 8);
  CHECK(slice->skip == 3);
  CHECK(slice->take == 5);
  CHECK(receiver.received() == 20);
  CHECK(receiver.accept(21, 1).error().message == "the log continues at 21, but byte 20 is missing");
  CHECK(receiver.accept(kMaxOffset, 1).error().code == base::Errc::corrupt);
  CHECK_FALSE(receiver.take_ack().has_value());
  receiver.set_durable(15);
  CHECK(receiver.take_ack() == 15U);
  CHECK_FALSE(receiver.take_ack().has_value());
  CHECK(receiver.accept(3, 12)->take == 0);
  CHECK(receiver.take_ack() == 15U);  // who repeats has not heard it
  CHECK(receiver.accept(10, 10)->take == 0);
  CHECK(receiver.take_ack() == 15U);
  CHECK(receiver.accept(20, 95)->take == 95);
  CHECK(receiver.accept(115, 1).error().code == base::Errc::resource_exhausted);
  CHECK(receiver.received() == 115);
  receiver.forget_undurable();
  CHECK(receiver.accept(15, 1)->take == 1);
}

TEST_CASE("the receiver takes no more than a log may have; a new connection has its own window") {
  LogReceiver receiver(0, 10, 14);
  CHECK(receiver.accept(0, 10)->take == 10);
  CHECK(receiver.accept(10, 1).error().code == base::Errc::resource_exhausted);
  receiver.set_limits(4, 14);
  CHECK(receiver.accept(0, 10)->take == 0);  // sent again within the smaller window
  CHECK(receiver.accept(10, 1).error().message ==
        "the log is 11 bytes ahead of the acknowledged offset 0, the window is 4");
  receiver.set_durable(10);
  CHECK(receiver.accept(10, 5).error().code == base::Errc::resource_exhausted);
  receiver.set_limits(8, 14);
  CHECK(receiver.accept(10, 5).error().message == "the log has 15 bytes, 14 are the most it may have");
  CHECK(receiver.accept(10, 4)->take == 4);
  CHECK(receiver.accept(12, 2)->take == 0);
  CHECK(receiver.accept(14, 1).error().code == base::Errc::resource_exhausted);
}

TEST_CASE("trimming keeps the time of the first byte that stays") {
  const auto at = [](std::int64_t us) { return base::Instant{us}; };
  const LogData data{base::StreamId(1), 100, {{0, at(1)}, {4, at(2)}, {8, at(3)}}, "aaaabbbbcc"};
  auto trimmed = data;
  trim_front(trimmed, 6);
  CHECK(trimmed.bytes == "bbcc");
  CHECK(trimmed.offset == 106);
  REQUIRE(trimmed.marks.size() == 2);
  CHECK(trimmed.marks[0].delta == 0);
  CHECK(trimmed.marks[0].at == at(2));
  CHECK(trimmed.marks[1].delta == 2);
  trimmed = data;
  trim_front(trimmed, 4);
  REQUIRE(trimmed.marks.size() == 2);
  CHECK(trimmed.marks[0].at == at(2));
  trimmed = data;
  trim_front(trimmed, 0);
  CHECK(trimmed.marks.size() == 3);
  trim_front(trimmed, 10);
  CHECK(trimmed.marks.empty());
  CHECK(trimmed.offset == 110);
}

// Agent and server with a wire that loses and is cut at random, and a server that forgets what it had not on
// disk.
TEST_CASE("no byte is lost or doubled over any cuts and restarts") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::uint64_t window = 1 + random() % 40;
    const std::uint64_t total = 200;
    LogSender sender(0, window, 64);
    LogReceiver receiver(0, window, 200);
    std::string received;  // in the server's memory and on its disk
    std::deque<LogRange> to_server;
    std::deque<std::uint64_t> to_agent;
    const auto byte_at = [](std::uint64_t offset) { return static_cast<char>('a' + offset * 7 % 26); };
    const auto reconnect = [&] {
      to_server.clear();
      to_agent.clear();
      REQUIRE(sender.rewind(receiver.durable()).has_value());
    };
    int steps = 0;
    while (sender.first_unacknowledged() < total) {
      REQUIRE(++steps < 20'000);
      const bool calm = steps > 5'000;
      switch (random() % 8) {
        case 0:
          sender.append(std::min({sender.room(), total - sender.end(), std::uint64_t{random() % 20}}));
          break;
        case 1:
        case 2:
          if (const auto range = sender.sendable(1 + random() % 16); range.size > 0) {
            to_server.push_back(range);
            sender.sent(range.size);
            REQUIRE(sender.next() - sender.first_unacknowledged() <= window);
          }
          break;
        case 3:
        case 4:
          if (!to_server.empty()) {
            const auto range = to_server.front();
            to_server.pop_front();
            const auto slice = receiver.accept(range.offset, range.size);
            REQUIRE(slice.has_value());
            for (std::size_t i = 0; i < slice->take; ++i) received += byte_at(range.offset + slice->skip + i);
          }
          break;
        case 5:
          receiver.set_durable(receiver.durable() +
                               random() % (receiver.received() - receiver.durable() + 1));
          if (const auto ack = receiver.take_ack()) to_agent.push_back(*ack);
          break;
        case 6:
          if (!to_agent.empty()) {
            REQUIRE(sender.acknowledge(to_agent.front()).has_value());
            to_agent.pop_front();
          }
          break;
        default:
          if (calm) break;
          if (random() % 4 == 0) reconnect();
          if (random() % 8 == 0) {  // the server restarts
            received.resize(receiver.durable());
            receiver = LogReceiver(receiver.durable(), window, 200);
            reconnect();
          }
      }
    }
    REQUIRE(receiver.durable() == total);
    for (std::uint64_t i = 0; i < total; ++i) REQUIRE(received[i] == byte_at(i));
    REQUIRE(received.size() == total);
  }
}
