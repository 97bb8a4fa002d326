#include <doctest/doctest.h>

#include <initializer_list>

#include "tests/jenkins/tests/stories.hpp"

namespace footman::fake_jenkins::test {

namespace {

void check_all(Story& story, std::initializer_list<const char*> names) {
  for (const auto* name : names) story.check(name);
}

Rights without(Right right) {
  auto rights = FakeJenkins::least_rights();
  rights.erase(right);
  return rights;
}

}  // namespace

void tell_identity(Story& story) {
  check_all(story, {"queue-empty", "queue-empty-percent-encoded", "computer-list-no-agents", "root-api-json",
                    "root-head", "whoami-scaler", "crumbIssuer-token", "queue-item-404", "computer-404",
                    "jenkins-agent-jnlp-404", "jenkins-agent-jnlp-builtin", "job-404", "job-config-404",
                    "doDisconnect-404", "toggleOffline-404"});
  story.as("anonymous");
  check_all(story, {"auth-anonymous-403", "root-anonymous-403", "whoami-anonymous", "login-page",
                    "tcpSlaveAgentListener", "tcpSlaveAgentListener-noslash", "agent-jar-head"});
  story.as("bad token");
  check_all(story, {"auth-bad-token-401", "auth-bad-token-post-401"});
  story.as("scaler", true);
  check_all(story, {"crumbIssuer-password", "doCreateItem-password-nocrumb-403",
                    "doCreateItem-password-crumb-nocookie-403", "doCreateItem-password-crumb-302"});
}

void tell_nodes(Story& story) {
  check_all(story, {"doCreateItem-302",
                    "computer-never-connected",
                    "computer-full-never-connected",
                    "label-offline",
                    "label-unknown",
                    "label-expression",
                    "doCreateItem-env-302",
                    "computer-list-never-connected",
                    "computer-space-in-name",
                    "jenkins-agent-jnlp",
                    "jenkins-agent-jnlp-websocket",
                    "jenkins-agent-jnlp-anonymous",
                    "doCreateItem-duplicate-400",
                    "doCreateItem-unsafe-colon-400",
                    "doCreateItem-unsafe-slash-400",
                    "doCreateItem-empty-name-400",
                    "doCreateItem-badtype-500",
                    "doCreateItem-badjson-500",
                    "doCreateItem-nojson-400",
                    "doCreateItem-get-404",
                    "toggleOffline-get-405",
                    "node-config-xml-403"});
  check_all(story, {"toggleOffline-302-hold", "computer-held-never-connected"});
  story.connect("a1");
  check_all(story, {"computer-held-connected", "toggleOffline-302-release", "computer-connected-idle",
                    "computer-full-connected-idle", "computer-list-connected-idle", "label-idle"});
  story.jenkins.set_rights("scaler", without(Right::agent_disconnect));
  check_all(story, {"doDisconnect-403", "toggleOffline-403"});
  story.jenkins.set_rights("scaler", FakeJenkins::least_rights());
  check_all(story, {"doDisconnect-302", "computer-disconnecting"});
  story.wait(1s);
  check_all(story, {"computer-disconnected-by-user", "doDisconnect-302-again"});
  story.jenkins.set_rights("scaler", without(Right::agent_disconnect));
  check_all(story, {"doDisconnect-no-right-not-connected-302"});
  story.jenkins.set_rights("scaler", FakeJenkins::least_rights());
  check_all(story, {"node-delete-verb", "doDelete-302", "doDelete-404", "doDelete-space-302"});
  story.as("admin");
  story.node("a1", "linux docker");
  check_all(story, {"node-config-xml"});
}

void tell_builds_on_a_node(Story& story) {
  check_all(story, {"doCreateItem-302", "doCreateItem-env-302"});
  story.connect("a1");
  story.freestyle("busy-fs", "linux");
  story.queue("busy-fs", 1);
  story.wait(1s);
  check_all(story,
            {"computer-busy-freestyle", "computer-list-busy-freestyle", "label-busy",
             "toggleOffline-302-busy", "computer-busy-held", "computer-list-busy-held", "label-busy-held"});
  story.jenkins.finish("busy-fs", 1, BuildResult::success, story.now);
  story.wait(1s);
  check_all(story, {"computer-held-idle-after-build"});
  story.hold("a1", "");
  story.pipeline("busy-pl", {block("linux")});
  story.queue("busy-pl", 5);
  story.wait(1s);
  check_all(story, {"computer-busy-pipeline", "computer-list-busy-pipeline", "computer-list-oneoff",
                    "computer-list-untree"});
  story.as("admin");
  story.hold("a1", "single+use");
  check_all(story, {"computer-busy-pipeline-held"});
  story.hold("a1", "");
  story.as("scaler");
  story.jenkins.finish("busy-pl", 1, BuildResult::success, story.now);
  story.freestyle("busy-fs2", "linux");
  story.queue("busy-fs2", 9);
  story.wait(1s);
  story.drop("a1");
  check_all(story, {"computer-list-channel-broken"});
  story.wait(20ms);
  check_all(story, {"build-agent-killed-freestyle", "computer-channel-broken",
                    "computer-channel-broken-settled", "computer-list-channel-broken"});
  story.connect("a1");
  check_all(story, {"computer-reconnected"});
}

void tell_lost_agents(Story& story) {
  story.node("lost-1", "lost");
  story.connect("lost-1");
  story.pipeline("lost-pl", {block("lost")});
  story.queue("lost-pl", 5);
  story.wait(1s);
  story.drop("lost-1");
  check_all(story, {"computer-agent-killed-pipeline", "build-agent-killed-pipeline"});
  story.remove("lost-1");
  check_all(story,
            {"computer-list-node-deleted-under-pipeline", "computer-zombie", "jenkins-agent-jnlp-zombie"});
  story.wait(299s);
  check_all(story, {"computer-zombie"});
  story.wait(2s);
  check_all(story, {"computer-404-after-pipeline-gave-up", "build-agent-lost-pipeline-aborted"});

  story.node("lost2-1", "lost2");
  story.connect("lost2-1");
  story.pipeline("lost2-pl", {block("lost2")});
  story.queue("lost2-pl", 9);
  story.wait(1s);
  story.drop("lost2-1");
  story.remove("lost2-1");
  check_all(story, {"doDelete-zombie-again", "computer-zombie-after-second-delete"});
  CHECK(story.jenkins.find_run("lost2-pl", 1)->building);  // the run itself goes on waiting
  // A third one of that kind, whose zombie is replaced.
  story.pipeline("lost3-pl", {block("lost2")});
  story.node("lost2-1", "lost2");
  story.connect("lost2-1");
  story.queue("lost3-pl", 19);
  story.wait(1s);
  story.drop("lost2-1");
  story.remove("lost2-1");
  check_all(story, {"doCreateItem-zombie-name-302", "computer-recreated-over-zombie"});
  story.clear();
  story.remove("lost2-1");
  check_all(story, {"computer-404-after-zombie"});
}

// A new node of a name whose node was deleted five minutes ago loses its pipeline, when it is held at that
// moment.
void tell_name_reused(Story& story) {
  story.node("again-1", "again");
  story.remove("again-1");
  story.node("again-1", "again");
  story.connect("again-1");
  story.pipeline("again-pl", {block("again")});
  story.queue("again-pl", 5);
  story.wait(1s);
  story.as("admin");
  story.hold("again-1", "single+use");
  story.as("scaler");
  story.wait(295s);
  CHECK(story.jenkins.find_run("again-pl", 1)->building);
  story.wait(5s);
  check_all(story, {"build-held-pipeline-cancelled-by-old-deletion",
                    "computer-held-pipeline-cancelled-by-old-deletion"});
}

void tell_rights(Story& story) {
  const auto with = [&](Rights rights) { story.jenkins.set_rights("scaler", std::move(rights)); };
  with({});
  check_all(story, {"queue-no-overall-read-403"});
  with(without(Right::agent_create));
  check_all(story, {"doCreateItem-403"});
  with(FakeJenkins::least_rights());
  check_all(story, {"doCreateItem-302"});
  with(without(Right::agent_delete));
  check_all(story, {"doDelete-403"});
  auto blind = without(Right::agent_connect);
  blind.erase(Right::agent_disconnect);
  with(blind);
  check_all(story, {"jenkins-agent-jnlp-403"});
  with(FakeJenkins::least_rights());
  story.remove("a1");

  story.node("duo", "", 2);
  story.connect("duo");
  story.freestyle("duo-job", "duo");
  story.jenkins.set_next_item(5);
  REQUIRE(story.jenkins.trigger("duo-job", story.now).has_value());
  // Until its build is shown: an executor that is taken and shows nothing.
  while (story.jenkins.waiting_items().size() == 1) story.wait(1ms);
  check_all(story, {"computer-executor-allocated-not-started"});
  story.wait(1s);
  check_all(story, {"computer-two-executors-one-busy"});
  auto no_jobs = blind;
  no_jobs.erase(Right::job_read);
  with(no_jobs);
  check_all(story, {"computer-busy-no-job-read", "queue-no-job-read"});
  with(FakeJenkins::least_rights());
  story.node("lost-1", "lost");
  story.connect("lost-1");
  story.pipeline("lost-pl", {block("lost")});
  story.queue("lost-pl", 9);
  story.wait(1s);
  story.drop("lost-1");
  story.remove("lost-1");
  with(blind);
  check_all(story, {"computer-list-no-connect-right"});
}

}  // namespace footman::fake_jenkins::test
