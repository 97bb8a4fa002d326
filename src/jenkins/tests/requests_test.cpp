#include "jenkins/requests.hpp"

#include <doctest/doctest.h>

#include "jenkins/tests/captures.hpp"
#include "tests/jenkins/http.hpp"

using namespace footman;
using namespace footman::jenkins;

namespace {

Answer answer_of(const std::string& name) {
  const auto response = testing::load_capture(name).at("response").as_object();
  Answer answer{
      static_cast<int>(response.at("status").as_int64()), {}, std::string(response.at("body").as_string())};
  for (const auto& [key, value] : response.at("headers").as_object())
    answer.headers.add(std::string(key), std::string(value.as_string()));
  return answer;
}

const Requests kRequests("scaler", Secret("t0ken"));

std::string body_sent(const std::string& name) {
  return std::string(testing::load_capture(name).at("request").at("body").as_string());
}

}  // namespace

TEST_CASE("requests say who asks, and want English") {
  const auto request = kRequests.list_queue();
  CHECK(request.method == "GET");
  CHECK(request.path.starts_with("/queue/api/json?tree=items%5Bid%2Cwhy%2C"));
  CHECK(request.headers.find("Authorization") == "Basic c2NhbGVyOnQwa2Vu");
  CHECK(request.headers.find("Accept-Language") == "en");
  CHECK(kRequests.get_computer("a b").path.starts_with("/computer/a%20b/api/json?tree="));
  CHECK(kRequests.get_steps("job/x/7/").path == "/job/x/7/flowGraphTable/");
  CHECK(kRequests.get_build("job/x/7/").path.starts_with("/job/x/7/api/json?tree="));
}

TEST_CASE("the form of a new node is what Jenkins takes") {
  const auto request =
      kRequests.create_node({"footman-a1", "an agent", {"linux", "big"}, "/home/x", false, true});
  CHECK(request.headers.find("Content-Type") == "application/x-www-form-urlencoded");
  const auto form = fake_jenkins::parse_form(request.body);
  CHECK(fake_jenkins::find_field(form, "name") == "footman-a1");
  CHECK(fake_jenkins::find_field(form, "type") == "hudson.slaves.DumbSlave");
  auto node = boost::json::parse(*fake_jenkins::find_field(form, "json")).as_object();
  // The same members as in a recorded request that was taken, with the same kinds of values.
  const auto recorded = fake_jenkins::parse_form(body_sent("doCreateItem-env-302"));
  const auto taken = boost::json::parse(*fake_jenkins::find_field(recorded, "json")).as_object();
  for (const auto& [key, value] : taken) {
    CAPTURE(std::string(key));
    REQUIRE(node.contains(key));
    CHECK(node.at(key).kind() == value.kind());
  }
  CHECK(node.size() == taken.size());
  CHECK(node.at("labelString") == "linux big");
  CHECK(node.at("mode") == "EXCLUSIVE");
  CHECK(node.at("numExecutors") == 1);
  CHECK(node.at("launcher").at("webSocket") == true);
  const auto normal = kRequests.create_node({"a", "", {}, "/x", true, false}).body;
  CHECK(boost::json::parse(*fake_jenkins::find_field(fake_jenkins::parse_form(normal), "json")).at("mode") ==
        "NORMAL");
}

TEST_CASE("a change is done when Jenkins leads to a page of its own") {
  for (const auto* name : {"doCreateItem-302", "toggleOffline-302-hold", "toggleOffline-302-release",
                           "doDelete-302", "doDelete-zombie-again", "doDelete-space-302"}) {
    CAPTURE(name);
    CHECK(check_change(answer_of(name), "x"));
  }
  // A proxy's way to a page for signing in.
  Answer proxy{302, {}, {}};
  proxy.headers.add("Location", "https://sso.example/login?rd=https://ci.example/computer/doCreateItem");
  REQUIRE(!check_change(proxy, "make node a1"));
  CHECK(check_change(proxy, "make node a1").error().code == Errc::corrupt);
  CHECK(check_change(Answer{200, {}, "<title>Sign in</title>"}, "make node a1").error().message ==
        "make node a1: Sign in (HTTP 200)");
}

TEST_CASE("what the refusals mean") {
  const auto code_of = [](const std::string& name) {
    const auto answer = answer_of(name);
    const auto checked = answer.status == 200 ? check_read(answer, "x") : check_change(answer, "x");
    REQUIRE(!checked);
    return checked.error().code;
  };
  CHECK(code_of("doCreateItem-403") == Errc::permission_denied);
  CHECK(code_of("toggleOffline-403") == Errc::permission_denied);
  CHECK(code_of("jenkins-agent-jnlp-403") == Errc::permission_denied);
  CHECK(code_of("queue-no-overall-read-403") == Errc::permission_denied);
  CHECK(code_of("doCreateItem-duplicate-400") == Errc::already_exists);
  CHECK(code_of("doCreateItem-unsafe-colon-400") == Errc::invalid_argument);
  CHECK(code_of("doCreateItem-nojson-400") == Errc::invalid_argument);
  CHECK(code_of("doCreateItem-badjson-500") == Errc::unavailable);
  CHECK(code_of("doDelete-404") == Errc::not_found);
  CHECK(code_of("toggleOffline-404") == Errc::not_found);
  CHECK(code_of("auth-bad-token-401") == Errc::unauthenticated);
  CHECK(code_of("auth-anonymous-403") == Errc::unauthenticated);
  CHECK(code_of("starting-queue-401") == Errc::unauthenticated);
  CHECK(code_of("starting-doCreateItem-403") == Errc::unauthenticated);
  CHECK(code_of("starting-queue-503") == Errc::unavailable);
}

TEST_CASE("a missing right is named, and what to do") {
  const auto refused = check_change(answer_of("doCreateItem-403"), "make node a1").error();
  CHECK(refused.message == "make node a1: scaler is missing the permission hudson.model.Computer.Create");
  CHECK(refused.hint.contains("Agent/Create"));
}

TEST_CASE("session and clock") {
  CHECK(find_session(answer_of("queue-mixed")) == "34ccefcc");
  Answer dated{200, {}, {}};
  CHECK(!find_date(dated));
  dated.headers.add("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(find_date(dated) == Instant{784'111'777'000'000});
}
