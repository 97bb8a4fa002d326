// Logs: whole, in ranges, followed.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "api/tests/world.hpp"

using namespace footman::api;
using namespace footman::api::testing;

TEST_CASE("a log is answered whole and in ranges") {
  World world;
  world.submit();
  const auto nothing = world.get("/api/v1/builds/1/log");
  CHECK(nothing.status == 200);
  CHECK(nothing.body.empty());
  CHECK(nothing.header("Footman-Log-Finished") == "false");
  CHECK(nothing.header("Footman-Log-Attempt").empty());
  CHECK(world.get("/api/v1/builds/1/log", {{"Range", "bytes=0-"}}).error() == "416 range_not_satisfiable");

  auto worker = world.connect_worker();
  world.print(worker, "\x1b[31mred\x1b[0m\n0123456789");
  const auto whole = world.get("/api/v1/builds/1/log");
  CHECK(whole.body == "\x1b[31mred\x1b[0m\n0123456789");
  CHECK(whole.header("Content-Type") == "text/plain; charset=utf-8");
  CHECK(whole.header("Content-Security-Policy") == "default-src 'none'; sandbox");
  CHECK(whole.header("Footman-Log-Attempt") == "1");
  CHECK(whole.header("Footman-Log-Bytes") == "23");
  CHECK(whole.header("Footman-Log-Finished") == "false");

  const auto range = world.get("/api/v1/builds/1/log", {{"Range", "bytes=13-15"}});
  CHECK(range.status == 206);
  CHECK(range.body == "012");
  CHECK(range.header("Content-Range") == "bytes 13-15/23");
  CHECK(world.get("/api/v1/builds/1/log", {{"Range", "bytes=-2"}}).body == "89");
  CHECK(world.get("/api/v1/builds/1/log?offset=20").body == "789");
  CHECK(world.get("/api/v1/builds/1/log?offset=23").body.empty());
  CHECK(world.get("/api/v1/builds/1/log", {{"Range", "bytes=0-1,3-4"}}).status == 200);
  for (const auto& [target, header] : std::vector<std::pair<std::string, std::string>>{
           {"/api/v1/builds/1/log?offset=24", ""}, {"/api/v1/builds/1/log", "bytes=23-"}}) {
    const auto answer = world.get(target, {{"Range", header}});
    CHECK(answer.error() == "416 range_not_satisfiable");
    CHECK(answer.header("Content-Range") == "bytes */23");
  }

  world.finish(worker);
  CHECK(world.get("/api/v1/builds/1/log").header("Footman-Log-Finished") == "true");
}

TEST_CASE("what cannot be asked of a log") {
  World world;
  world.submit();
  CHECK(world.get("/api/v1/builds/9/log").error() == "404 not_found");
  CHECK(world.get("/api/v1/builds/1/log?attempt=1").error() == "404 not_found attempt");
  CHECK(world.get("/api/v1/builds/1/log?attempt=0").error() == "400 invalid_argument attempt");
  CHECK(world.get("/api/v1/builds/1/log?offset=-1").error() == "400 invalid_argument offset");
  CHECK(world.get("/api/v1/builds/1/log?follow=1").error() == "400 invalid_argument follow");
  CHECK(world.get("/api/v1/builds/1/log?tail=1").error() == "400 invalid_argument tail");
  const HeaderList range{{"Range", "bytes=0-"}};
  CHECK(world.get("/api/v1/builds/1/log?offset=0", range).error() == "400 invalid_argument Range");
  CHECK(world.get("/api/v1/builds/1/log?follow=true", range).error() == "400 invalid_argument Range");
  CHECK(world.get("/api/v1/builds/1/log?timestamps=true", range).error() ==
        "400 invalid_argument timestamps");
  CHECK(world.get("/api/v1/builds/1/log?timestamps=true&offset=3").error() ==
        "400 invalid_argument timestamps");
}

TEST_CASE("a big log is read and sent piece by piece") {
  World world;
  world.submit();
  auto worker = world.connect_worker();
  std::string text;
  for (int i = 0; text.size() < 3 * kLogChunkBytes; ++i) text += fmt::format("line {}\n", i);
  world.append_log(worker, text);
  const auto answer = world.get("/api/v1/builds/1/log");
  CHECK(answer.body == text);
  CHECK(!answer.broken);
  const auto range =
      world.get("/api/v1/builds/1/log", {{"Range", fmt::format("bytes=10-{}", 2 * kLogChunkBytes)}});
  CHECK(range.status == 206);
  CHECK(range.body == text.substr(10, 2 * kLogChunkBytes - 9));

  world.logs.broken = true;
  CHECK(world.get("/api/v1/builds/1/log").broken);  // not taken for the whole
}

TEST_CASE("a log is followed from before the build starts until it ends") {
  World world;
  world.submit();
  const auto follower = world.open("/api/v1/builds/1/log?follow=true");
  CHECK(follower->status == 200);
  world.advance(30s);
  CHECK(!follower->ended);
  auto worker = world.connect_worker();
  CHECK(follower->received.empty());
  world.print(worker, "one\n");
  CHECK(follower->take() == "one\n");
  world.advance(60s);
  CHECK(!follower->ended);
  const auto late = world.open("/api/v1/builds/1/log?follow=true&offset=2");
  CHECK(late->take() == "e\n");
  const auto ahead = world.open("/api/v1/builds/1/log?follow=true&offset=6");
  world.print(worker, "two\n");
  CHECK(follower->take() == "two\n");
  CHECK(late->take() == "two\n");
  CHECK(ahead->take() == "o\n");
  world.finish(worker);
  for (const auto& one : {follower, late, ahead}) {
    CHECK(one->ended);
    CHECK(one->received.empty());
  }
  CHECK(world.metrics.expose().find("footman_followed_logs 0") != std::string::npos);
  CHECK(world.get("/api/v1/builds/1/log?follow=true").body == "one\ntwo\n");
}

TEST_CASE("a follower of a build that never starts hears its end") {
  World world;
  world.submit("nothing-offers-this");
  const auto follower = world.open("/api/v1/builds/1/log?follow=true");
  const auto wanted = world.open("/api/v1/builds/1/log?follow=true&attempt=1");
  REQUIRE(world.post("/api/v1/builds/1/cancel").status == 200);
  CHECK(follower->ended);
  CHECK(wanted->ended);
  CHECK(world.get("/api/v1/builds/1/log?follow=true&attempt=1").error() == "404 not_found attempt");
}

TEST_CASE("an offer that is taken back is not the log") {
  World world;
  world.submit();
  const auto follower = world.open("/api/v1/builds/1/log?follow=true");
  auto first = world.connect_worker(false);
  first.agent->send(footman::protocol::Rejected{first.assign.assignment, "no room"});
  world.settle();
  first.agent->close();
  world.advance(5s);
  REQUIRE(world.get("/api/v1/builds/1").json().at("state") == "queued");
  CHECK(!follower->ended);
}

TEST_CASE("a slow reader holds up nobody and nothing piles up for it") {
  World world;
  world.submit();
  auto worker = world.connect_worker();
  const auto slow = world.open("/api/v1/builds/1/log?follow=true", {}, true);
  const std::string piece(kLogChunkBytes, 'x');
  for (int i = 0; i < 8; ++i) world.append_log(worker, piece);
  CHECK(world.logs.reads == 1);  // one piece waits with it
  slow->drain();
  world.settle();
  CHECK(slow->received.size() == 8 * piece.size());
}

TEST_CASE("who goes away is forgotten") {
  World world;
  world.submit();
  auto worker = world.connect_worker();
  const auto follower = world.open("/api/v1/builds/1/log?follow=true");
  follower->gone = true;
  world.print(worker, "x");
  CHECK(follower->ended);
  CHECK(world.metrics.expose().find("footman_followed_logs 0") != std::string::npos);
}

TEST_CASE("who follows with a token that is revoked follows no longer") {
  World world;
  world.submit();
  auto worker = world.connect_worker();
  const auto token = world.post("/api/v1/tokens", R"({"name":"x"})").json().at("token").as_string();
  const auto follower =
      world.open("/api/v1/builds/1/log?follow=true", {{"Authorization", "Bearer " + std::string(token)}});
  world.print(worker, "before");
  CHECK(follower->take() == "before");
  REQUIRE(world.request("DELETE", "/api/v1/tokens/x").status == 204);
  world.advance(kFollowLookAgain);
  CHECK(follower->ended);
}

TEST_CASE("a follower hears that a log was removed") {
  World world;
  world.submit();
  auto worker = world.connect_worker();
  world.print(worker, "text");
  const auto follower = world.open("/api/v1/builds/1/log?follow=true");
  CHECK(follower->take() == "text");
  world.finish(worker);
  CHECK(follower->ended);
  (void)world.run(world.logs.remove(worker.assign.stream));
  const auto gone = world.get("/api/v1/builds/1/log?follow=true");
  CHECK(gone.body.empty());
  CHECK(!gone.broken);
}

TEST_CASE("lines with the times they began at") {
  World world;
  world.submit();
  auto worker = world.connect_worker();
  world.append_log(worker, "one\ntwo\n",
                   {{0, Instant{1'700'000'000'000'000}}, {4, Instant{1'700'000'001'500'000}}});
  const std::string expected = "2023-11-14T22:13:20.000Z one\n2023-11-14T22:13:21.500Z two\n";
  CHECK(world.get("/api/v1/builds/1/log?timestamps=true").body == expected);
  CHECK(world.open("/api/v1/builds/1/log?timestamps=true&follow=true")->received == expected);
}
