// The event stream.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json/parse.hpp>

#include "api/tests/world.hpp"
#include "net/sse.hpp"

using namespace footman::api;
using namespace footman::api::testing;

namespace {

std::vector<footman::net::SseEvent> parse(const std::string& text) {
  footman::net::SseParser parser;
  auto events = parser.feed(text);
  REQUIRE(events);
  return *events;
}

std::vector<footman::net::SseEvent> take(const std::shared_ptr<OpenAnswer>& stream) {
  return parse(stream->take());
}

void publish(World& world, std::string kind, std::string id, std::string state = "x",
             std::string parent = {}) {
  world.changes.publish(
      {0, world.clock.now(), std::move(kind), std::move(id), std::move(state), std::move(parent)});
  world.settle();
}

}  // namespace

TEST_CASE("a new stream begins with a reset, then tells every change in order") {
  World world;
  world.submit();
  const auto stream = world.open("/api/v1/events");
  CHECK(stream->status == 200);
  CHECK(stream->headers.value_or("Content-Type", "") == "text/event-stream");
  auto events = take(stream);
  REQUIRE(events.size() == 1);
  CHECK(events[0].event == "reset");
  CHECK(events[0].data == R"({"reason":"new"})");
  CHECK(!events[0].id.empty());

  REQUIRE(world.post("/api/v1/builds/1/cancel").status == 200);
  events = take(stream);
  bool finished = false;
  std::int64_t sequence = 0;
  for (const auto& event : events) {
    CHECK(event.event == "change");
    const auto change = json::parse(event.data).as_object();
    CHECK(change.at("sequence").as_int64() > sequence);
    sequence = change.at("sequence").as_int64();
    CHECK(event.id.ends_with(fmt::format("-{}", sequence)));
    finished |= change.at("kind") == "build" && change.at("id") == "1" && change.at("state") == "finished";
  }
  CHECK(finished);
  CHECK(world.api->event_streams() == 1);
}

TEST_CASE("a stream goes on where it was, wherever it was broken") {
  World world;
  const auto whole = world.open("/api/v1/events");
  for (int i = 0; i < 20; ++i) publish(world, "build", std::to_string(i));
  const auto all = take(whole);
  REQUIRE(all.size() == 21);
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    const auto resumed = take(world.open("/api/v1/events", {{"Last-Event-ID", all[i].id}}));
    CHECK(resumed == std::vector(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end()));
  }
}

TEST_CASE("who missed changes is told to look at everything again") {
  World world;
  publish(world, "build", "1");
  const auto first = take(world.open("/api/v1/events")).back().id;
  for (int i = 0; i < 100; ++i) publish(world, "build", std::to_string(i));  // more than the feed keeps
  const auto stream = world.open("/api/v1/events", {{"Last-Event-ID", first}});
  auto events = take(stream);
  REQUIRE(events.size() == 1);
  CHECK(events[0].event == "reset");
  CHECK(events[0].data == R"({"reason":"missed"})");
  publish(world, "build", "last");
  events = take(stream);
  REQUIRE(events.size() == 1);
  CHECK(json::parse(events[0].data).at("id") == "last");

  const auto slow = world.open("/api/v1/events", {}, true);
  for (int i = 0; i < 100; ++i) publish(world, "build", std::to_string(i));
  slow->drain();
  world.settle();
  events = take(slow);
  REQUIRE(events.size() == 2);
  CHECK(events[0].data == R"({"reason":"new"})");
  CHECK(events[1].data == R"({"reason":"missed"})");
}

TEST_CASE("ids of another run of the server, and nonsense, give a reset") {
  World world;
  publish(world, "build", "1");
  const auto old = take(world.open("/api/v1/events")).back().id;
  const auto run = old.substr(0, old.rfind('-'));
  for (const auto& id : {std::string("otherrun-1"), std::string("1"), std::string("-"), run, run + "-",
                         run + "-x", run + "-999", run + "--1", std::string(1000, 'x')}) {
    CAPTURE(id);
    const auto events = take(world.open("/api/v1/events", {{"Last-Event-ID", id}}));
    REQUIRE(events.size() == 1);
    CHECK(events[0].data == R"({"reason":"restarted"})");
  }
  world.restart_api();
  CHECK(take(world.open("/api/v1/events", {{"Last-Event-ID", old}})).at(0).data ==
        R"({"reason":"restarted"})");
}

TEST_CASE("only what was asked for is told") {
  World world;
  const auto told = [&](const std::string& query) {
    const auto stream = world.open("/api/v1/events" + query);
    stream->take();
    publish(world, "build", "7", "a");
    publish(world, "build", "8", "b");
    publish(world, "step", "0", "c", "7");
    publish(world, "queue_item", "7", "d", "8");
    publish(world, "agent", "local-1", "e");
    publish(world, "job", "7", "f");
    publish(world, "plan", "7", "g");
    std::string states;
    for (const auto& event : take(stream)) states += json::parse(event.data).at("state").as_string();
    return states;
  };
  CHECK(told("") == "abcdefg");
  CHECK(told("?kinds=build") == "ab");
  CHECK(told("?kinds=build,agent") == "abe");
  CHECK(told("?build=7") == "ac");
  CHECK(told("?build=7&kinds=step") == "c");
  CHECK(told("?build=7&kinds=step,plan") == "cg");
  CHECK(told("?agent=local-1") == "e");
  CHECK(told("?agent=local-1&build=8") == "bde");
  CHECK(world.get("/api/v1/events?kinds=builds").error() == "400 invalid_argument kinds");
  CHECK(world.get("/api/v1/events?build=x").error() == "400 invalid_argument build");
  CHECK(world.get("/api/v1/events?kind=build").error() == "400 invalid_argument kind");
}

TEST_CASE("a quiet stream is kept open by comments") {
  World world;
  const auto stream = world.open("/api/v1/events?kinds=job");
  stream->take();
  world.advance(kEventKeepAlive - 1s);
  CHECK(stream->received.empty());
  publish(world, "build", "1");  // not for this one, and no reason to wait longer
  world.advance(1s);
  CHECK(stream->take() == ": \n\n");
  world.advance(kEventKeepAlive);
  CHECK(stream->take() == ": \n\n");
  stream->gone = true;
  world.advance(kEventKeepAlive);
  CHECK(stream->ended);
  CHECK(world.api->event_streams() == 0);
}

TEST_CASE("a stream ends with the token it was opened with") {
  World world;
  const auto token =
      world.post("/api/v1/tokens", R"({"name":"x","access":"read"})").json().at("token").as_string();
  const auto stream = world.open("/api/v1/events", {{"Authorization", "Bearer " + std::string(token)}});
  const auto busy = world.open("/api/v1/events", {{"Authorization", "Bearer " + std::string(token)}});
  REQUIRE(world.request("DELETE", "/api/v1/tokens/x").status == 204);
  for (int second = 0; second < 15; ++second) {
    world.advance(1s);
    publish(world, "build", "1");
  }
  CHECK(stream->ended);
  CHECK(busy->ended);
}

TEST_CASE("streams have a limit") {
  World world;
  std::vector<std::shared_ptr<OpenAnswer>> open;
  open.reserve(kMaxEventStreams);
  for (std::size_t i = 0; i < kMaxEventStreams; ++i) open.push_back(world.open("/api/v1/events"));
  const auto refused = world.get("/api/v1/events");
  CHECK(refused.error() == "429 resource_exhausted");
  CHECK(!refused.header("Retry-After").empty());
  open[0]->gone = true;
  publish(world, "build", "1");
  CHECK(world.open("/api/v1/events")->status == 200);
}
