// What a test may do to the double, what the double notes, and who agents are to it.
#include <doctest/doctest.h>

#include "tests/jenkins/tests/story.hpp"

using namespace footman;
using namespace footman::fake_jenkins;
using namespace footman::fake_jenkins::test;

namespace {

int queue_status(Story& story) { return story.call("GET", "/queue/api/json?tree=items[id]").status; }

}  // namespace

TEST_CASE("faults: which calls they hit, how often, and whether the call had its effect") {
  Story story(nullptr);
  using Kind = Fault::Kind;
  SUBCASE("a proxy's page") {
    story.jenkins.add_fault(
        {.kind = Kind::proxy_page, .method = "GET", .path = "/queue", .times = 2, .status = 504});
    CHECK(story.call("GET", "/computer/api/json").status == 200);
    CHECK(queue_status(story) == 504);
    CHECK(story.call("GET", "/queue/api/json").body.contains("nginx"));
    CHECK(queue_status(story) == 200);
  }
  SUBCASE("a lost answer") {
    story.node("n-1", "linux");
    story.jenkins.add_fault({.kind = Kind::lost_answer, .path = "doDelete"});
    CHECK(story.call("POST", "/computer/n-1/doDelete").status == 0);
    CHECK_FALSE(story.jenkins.computers().contains("n-1"));
  }
  SUBCASE("a lost request") {
    story.node("n-1", "linux");
    story.jenkins.add_fault({.kind = Kind::lost_request, .path = "doDelete"});
    CHECK(story.call("POST", "/computer/n-1/doDelete").status == 0);
    CHECK(story.jenkins.computers().contains("n-1"));
  }
  SUBCASE("a slow answer, until it is cleared") {
    story.jenkins.add_fault({.kind = Kind::slow, .times = -1, .takes = 7s});
    CHECK(story.call("GET", "/queue/api/json").takes >= 7s);
    CHECK(story.call("GET", "/queue/api/json").takes >= 7s);
    story.jenkins.clear_faults();
    CHECK(story.call("GET", "/queue/api/json").takes < 1s);
  }
}

TEST_CASE("answers carry Jenkins' own clock") {
  Story story(nullptr);
  story.jenkins.set_clock_offset(3600s);
  story.freestyle("fs", "linux");
  REQUIRE(story.jenkins.trigger("fs", story.now).has_value());
  const auto answer = story.call("GET", "/queue/api/json?tree=items[inQueueSince]");
  CHECK(find_header(answer.headers, "Date") == format_date(story.now + base::Duration(3600s)));
  CHECK(answer.body.contains(std::to_string((story.now.us + 3'600'000'000) / 1000)));
}

TEST_CASE("what no correct client does is noted") {
  Story story(nullptr);
  const auto noted = [&] { return story.jenkins.violations().size(); };
  story.node("n-1", "linux");
  CHECK(noted() == 0);
  SUBCASE("a method that changes nothing") {
    story.call("DELETE", "/computer/n-1/");
    story.call("GET", "/computer/n-1/doDelete");
    story.call("GET", "/computer/doCreateItem?name=x");
    CHECK(noted() == 3);
    CHECK(story.jenkins.computers().contains("n-1"));
  }
  SUBCASE("a queue whose language is left to chance") {
    (void)story.jenkins.handle(
        {"GET", "/queue/api/json", {{"Authorization", "Basic c2NhbGVyOnNjYWxlci10b2tlbg=="}}, ""}, story.now);
    CHECK(noted() == 1);
  }
  SUBCASE("somebody else's node") {
    story.jenkins.add_user("eve", {"eve-token", "eve-password", FakeJenkins::least_rights()});
    story.as("eve");
    story.hold("n-1", "mine");
    story.remove("n-1");
    CHECK(noted() == 2);
    CHECK(story.jenkins.violations()[0].contains("eve calls toggleOffline of n-1, which scaler made"));
  }
  SUBCASE("a name that is used again") {
    story.remove("n-1");
    CHECK(noted() == 0);
    story.node("n-1", "linux");
    CHECK(noted() == 1);
  }
  SUBCASE("a node that anybody may use, or nobody can") {
    story.call("POST", "/computer/doCreateItem", "name=n-2&type=hudson.slaves.DumbSlave&json=%7B%7D");
    CHECK(noted() == 2);
  }
  SUBCASE("a tree that Jenkins cannot read") {
    CHECK(story.call("GET", "/queue/api/json?tree=items[id").status == 500);
    CHECK(noted() == 1);
  }
  SUBCASE("never more than a limit") {
    for (int i = 0; i < 500; ++i) story.call("DELETE", "/computer/n-1/");
    CHECK(noted() == FakeJenkins::kMaxViolations);
  }
}

TEST_CASE("agents: who may connect") {
  Story story(nullptr);
  story.node("n-1", "linux");
  const auto connect = [&](std::string name, std::string secret) {
    return story.jenkins.connect_agent({std::move(name), std::move(secret)}, story.now);
  };
  CHECK(connect("n-1", "wrong").error().code == base::Errc::permission_denied);
  CHECK(connect("n-2", story.jenkins.secret_of("n-2")).error().code == base::Errc::permission_denied);
  const auto first = connect("n-1", story.jenkins.secret_of("n-1"));
  REQUIRE(first.has_value());
  CHECK(story.jenkins.computers().at("n-1").is_offline());  // for some milliseconds
  story.wait(100ms);
  CHECK_FALSE(story.jenkins.computers().at("n-1").is_offline());
  CHECK(connect("n-1", story.jenkins.secret_of("n-1")).error().code == base::Errc::conflict);
  story.jenkins.disconnect_agent(*first, story.now);
  CHECK(connect("n-1", story.jenkins.secret_of("n-1")).has_value());
  // The secret is the name's: a new node of that name has it, too.
  const auto secret = story.jenkins.secret_of("n-1");
  story.remove("n-1");
  story.node("n-1", "linux");
  CHECK(connect("n-1", secret).has_value());
}

TEST_CASE("calls are counted by what they ask for") {
  Story story(nullptr);
  story.node("n-1", "linux");
  (void)queue_status(story);
  (void)queue_status(story);
  story.call("GET", "/computer/n-1/jenkins-agent.jnlp");
  CHECK(story.jenkins.calls().at("GET /queue/api/json") == 2);
  CHECK(story.jenkins.calls().at("GET /computer/*/jenkins-agent.jnlp") == 1);
  CHECK(story.jenkins.calls().at("POST /computer/doCreateItem") == 1);
}

TEST_CASE("bad tokens, and passwords without a crumb") {
  Story story(nullptr);
  story.jenkins.set_token("scaler", "another");
  CHECK(queue_status(story) == 401);
  story.jenkins.set_token("scaler", "scaler-token");
  CHECK(queue_status(story) == 200);
  story.as("scaler", true);
  CHECK(queue_status(story) == 200);
  CHECK(story.call("POST", "/computer/n-1/doDelete").status == 403);
}
