#include "cloud/aws/cached_credentials.hpp"

#include "cloud/aws/tests/world.hpp"

using namespace footman;
using namespace footman::base;
using namespace footman::cloud::aws;
using namespace footman::cloud::aws::test;

namespace {

// A source whose fetches take a second.
struct Source {
  World world;
  int fetches = 0;
  int fails = 0;  // the next ones
  Duration lasts = 6h;
  Duration takes = 1s;
  bool forever = false;
  CachedCredentials cache{[this] { return fetch(this); }, world.clock, {}};

  static Awaitable<Result<Credentials>> fetch(Source* self) {
    const auto number = ++self->fetches;
    co_await runtime::sleep_for(self->world.clock, self->takes);
    if (self->fails > 0) {
      --self->fails;
      co_return fail(Errc::unavailable, "failure " + std::to_string(number));
    }
    co_return Credentials{"key-" + std::to_string(number), Secret("s"), Secret("t"),
                          self->forever ? Instant() : self->world.now() + self->lasts, "a test"};
  }
  std::string key(const Result<Credentials>& got) { return got ? got->access_key_id : got.error().message; }
  std::string get() { return key(world.run(cache.get())); }
  // Without waiting for anything.
  std::string get_at_once() {
    const auto got = world.begin(cache.get());
    return *got ? key(**got) : "waits";
  }
};

}  // namespace

TEST_CASE("credentials are fetched once and kept") {
  Source source;
  CHECK(source.get() == "key-1");
  CHECK(source.get_at_once() == "key-1");
  source.world.move(5h);
  CHECK(source.get_at_once() == "key-1");
  CHECK(source.fetches == 1);
}

TEST_CASE("long-term credentials are never fetched again") {
  Source source;
  source.forever = true;
  CHECK(source.get() == "key-1");
  source.world.move(24h * 365);
  CHECK(source.get_at_once() == "key-1");
}

TEST_CASE("many callers, one fetch, one outcome") {
  Source source;
  for (const int fails : {0, 1}) {
    source.fails = fails;
    source.world.move(24h);
    std::vector<std::shared_ptr<std::optional<Result<Credentials>>>> got;
    got.reserve(20);
    for (int i = 0; i < 20; ++i) got.push_back(source.world.begin(source.cache.get()));
    const auto before = source.fetches;
    source.world.move(1s);
    CHECK(source.fetches == before);
    for (const auto& one : got) {
      REQUIRE(*one);
      CHECK((*one)->has_value() == (fails == 0));
    }
  }
  CHECK(source.fetches == 2);
  CHECK(source.get() == "key-3");  // the failure is not kept
}

TEST_CASE("one caller renews before they expire, the others go on with the old ones") {
  Source source;
  CHECK(source.get() == "key-1");
  source.world.move(6h - kRenewBefore - 2s);
  CHECK(source.get_at_once() == "key-1");
  CHECK(source.fetches == 1);
  source.world.move(3s);
  CHECK(source.get_at_once() == "waits");
  CHECK(source.get_at_once() == "key-1");
  CHECK(source.fetches == 2);
  source.world.move(1s);
  CHECK(source.get_at_once() == "key-2");
}

TEST_CASE("a renewal that fails is tried again after a pause; once they expire, everybody is told") {
  Source source;
  CHECK(source.get() == "key-1");
  source.world.move(6h - kRenewBefore);
  source.fails = 1000;
  CHECK(source.get() == "key-1");
  CHECK(source.fetches == 2);
  CHECK(source.get_at_once() == "key-1");
  CHECK(source.fetches == 2);
  source.world.move(kRenewPause);
  CHECK(source.get() == "key-1");
  CHECK(source.fetches == 3);
  source.world.move(kRenewBefore - kRenewPause - kLastMoment);
  CHECK(source.get() == "failure 4");
  source.fails = 0;
  CHECK(source.get() == "key-5");
}

TEST_CASE("short-lived credentials are renewed at half their time") {
  Source source;
  source.lasts = 10min;
  CHECK(source.get() == "key-1");
  source.world.move(4min);
  CHECK(source.get_at_once() == "key-1");
  source.world.move(1min + 1s);
  CHECK(source.get() == "key-2");
}

TEST_CASE("credentials that are nearly over when they come, or seem so to a wrong clock: no storm") {
  for (const auto lasts : {Duration(10s), Duration(-5h)}) {
    Source source;
    source.lasts = lasts;
    CHECK(source.get() == "key-1");
    for (int i = 0; i < 20; ++i) CHECK(source.get_at_once() == "key-1");  // AWS decides
    CHECK(source.fetches == 1);
    source.world.move(kRejectPause);
    CHECK(source.get() == "key-2");  // nobody relies on them for long
  }
}

TEST_CASE("a renewal that hangs, or whose caller goes, holds up nobody: the present ones are good") {
  Source source;
  CHECK(source.get() == "key-1");
  source.world.move(6h - kRenewBefore);
  source.takes = 10min;
  CHECK(source.get() == "key-1");  // after kRenewLimit
  CHECK(source.fetches == 2);
  CHECK(source.get_at_once() == "key-1");
  CHECK(source.fetches == 2);

  source.world.move(kRenewPause);
  runtime::Scope caller(source.world.io.get_executor(), {});
  struct Waits {
    static Awaitable<void> get(CachedCredentials* cache) { (void)co_await cache->get(); }
  };
  caller.spawn("caller", Waits::get(&source.cache));
  source.world.run_all(source.world.clock.steady());
  CHECK(source.fetches == 3);
  caller.cancel();
  source.world.run_all(source.world.clock.steady());
  CHECK(source.get_at_once() == "key-1");
  CHECK(source.fetches == 3);
}

TEST_CASE("a clock that is set changes nothing of how long credentials are kept") {
  Source source;
  CHECK(source.get() == "key-1");
  source.world.clock.set_wall(-5h);
  source.world.move(kRejectPause);
  CHECK(source.cache.reject("key-1"));
  CHECK(source.get() == "key-2");
  source.world.clock.set_wall(50h);
  CHECK(source.get_at_once() == "key-2");
}

TEST_CASE("rejected credentials are fetched anew, but not at once again") {
  Source source;
  CHECK(source.get() == "key-1");
  CHECK_FALSE(source.cache.reject("key-1"));
  CHECK(source.get_at_once() == "key-1");
  source.world.move(kRejectPause);
  source.cache.reject("another key");
  CHECK(source.get_at_once() == "key-1");
  source.cache.reject("key-1");
  CHECK(source.get() == "key-2");
  source.cache.reject("key-1");
  CHECK(source.get_at_once() == "key-2");
}

TEST_CASE("who fetches is cancelled: the next one fetches") {
  Source source;
  runtime::Scope caller(source.world.io.get_executor(), {});
  struct Waits {
    static Awaitable<void> get(CachedCredentials* cache) { (void)co_await cache->get(); }
  };
  caller.spawn("caller", Waits::get(&source.cache));
  source.world.run_all(source.world.clock.steady());
  const auto other = source.world.begin(source.cache.get());
  CHECK(source.fetches == 1);
  caller.cancel();
  source.world.run_all(source.world.clock.steady());
  CHECK(source.fetches == 2);
  source.world.move(1s);
  REQUIRE(*other);
  CHECK(source.key(**other) == "key-2");
}
