#include <doctest/doctest.h>
#include <fmt/format.h>

#include <initializer_list>

#include "tests/jenkins/tests/stories.hpp"

namespace footman::fake_jenkins::test {

namespace {

void check_these(Story& story, std::initializer_list<const char*> names) {
  for (const auto* name : names) story.check(name);
}

}  // namespace

void tell_jobs(Story& story) {
  story.freestyle("hello-freestyle", "linux");
  story.freestyle("hello-copy", "linux");
  story.jenkins.add_job({.name = "hello-params",
                         .label = "linux",
                         .work = {.takes = 30ms},
                         .parameters = {{"WHO", "world"}, {"FAIL", "false"}}});
  story.pipeline("hello-pipeline", {block("linux")});
  check_these(story, {"job-never-built", "build-trigger-get-405", "build-trigger-404", "build-404",
                      "build-trigger-403", "job-config-get-403", "job-delete-403", "progressiveText-404"});
  story.as("admin");
  check_these(story,
              {"job-disable", "build-trigger-disabled-409", "job-enable", "build-trigger-noparams-bwp-400",
               "build-trigger-params-by-build-400", "build-stop-404"});
  story.node("w-1", "linux");
  story.connect("w-1");
  story.jenkins.set_next_item(178);
  check_these(story, {"build-trigger-freestyle-201"});
  story.wait(500ms);
  check_these(story, {"build-freestyle-building", "build-freestyle-building-full", "job-building",
                      "queue-item-left-freestyle", "queue-item-left-tree"});
  story.wait(7s);
  story.jenkins.finish("hello-freestyle", 1, BuildResult::success, story.now);
  story.wait(100ms);
  check_these(story, {"build-freestyle-finished", "build-freestyle-finished-full", "job-finished"});
  story.jenkins.set_next_item(179);
  check_these(story, {"build-trigger-params-201"});
  story.wait(500ms);
  check_these(story, {"build-params-finished", "build-kill-freestyle-302"});
  story.jenkins.set_next_item(180);
  check_these(story, {"build-trigger-params-default-201"});
  story.wait(500ms);
  story.jenkins.add_job({.name = "hello-params",
                         .label = "linux",
                         .work = {.takes = 30ms, .result = BuildResult::failure},
                         .parameters = {{"WHO", "world"}, {"FAIL", "false"}}});
  story.trigger("hello-params", 181);
  while (story.jenkins.find_run("hello-params", 3) == nullptr ||
         story.jenkins.find_run("hello-params", 3)->building) {
    story.wait(1ms);
  }
  check_these(story, {"build-freestyle-failure", "job-params"});
  story.wait(100ms);
  story.freestyle("hello-unstable", "linux", {.takes = 30ms, .result = BuildResult::unstable});
  story.trigger("hello-unstable", 182);
  while (story.jenkins.find_run("hello-unstable", 1) == nullptr ||
         story.jenkins.find_run("hello-unstable", 1)->building) {
    story.wait(1ms);
  }
  check_these(story, {"build-freestyle-unstable"});
  story.wait(100ms);

  // Stopped, cancelled, deleted under it.
  story.trigger("hello-freestyle", 190);
  story.wait(1s);
  story.as("scaler");
  check_these(story, {"build-stop-403"});
  story.as("admin");
  check_these(story, {"build-stop-freestyle"});
  story.wait(100ms);
  check_these(story, {"build-freestyle-aborted", "build-stop-finished"});
  story.hold("w-1", "");
  story.trigger("hello-freestyle", 192);
  check_these(story, {"build-trigger-already-queued"});
  story.as("scaler");
  check_these(story, {"queue-cancel-no-right-422"});
  story.as("admin");
  check_these(story,
              {"queue-cancel-204", "queue-item-cancelled", "queue-cancel-again-500", "queue-cancel-404"});
  story.hold("w-1", "");
  story.freestyle("long-fs", "linux");
  story.trigger("long-fs", 201);
  story.wait(1500ms);
  check_these(story, {"doDelete-302-busy"});
  story.wait(20ms);
  check_these(story, {"build-node-deleted-freestyle", "build-node-deleted-freestyle-full",
                      "computer-404-after-delete"});

  story.freestyle("hello-renamed", "linux");
  check_these(story, {"job-delete-302", "job-delete-404"});

  // In folders.
  story.node("w-1", "linux");
  story.freestyle("team/nested job", "linux");
  story.pipeline("team/nested pl", {block("linux")});
  story.queue("team/nested job", 198);
  check_these(story, {"queue-folder-job"});
  story.clear();
  story.queue("team/nested pl", 200);
  check_these(story, {"queue-folder-pipeline"});
  story.clear();
  story.pipeline("staged", {block("nowhere")});
  story.pipeline("staged-par", {block("linux", "unit"), block("gpu&&big", "gpu")});
  story.remove("w-1");
  story.node("other-1", "other");
  story.queue("staged", 242);
  story.queue("staged-par", 243);
  check_these(story, {"queue-pipeline-stage-names"});
}

void tell_job_list(Story& story) {
  story.freestyle("hello-freestyle", "linux");
  story.freestyle("hello-params", "linux");
  story.pipeline("hello-pipeline", {block("linux")});
  story.pipeline("lost-pl", {block("lost")});
  story.freestyle("team/nested job", "linux");
  story.queue("lost-pl", 20);
  check_these(story, {"job-list"});
  story.clear();
  story.freestyle("build-any", "");
  story.freestyle("build-expr", "linux && big");
  story.queue("build-expr", 71);
  story.queue("build-any", 72);
  auto rights = FakeJenkins::least_rights();
  rights.erase(Right::job_read);
  rights.insert(Right::job_discover);
  story.jenkins.set_rights("scaler", rights);
  check_these(story, {"queue-job-discover-only"});
}

void tell_pipelines(Story& story) {
  story.node("w-1", "linux");
  story.connect("w-1");
  story.as("admin");
  story.pipeline("hello-pipeline", {block("linux")});
  story.jenkins.set_next_item(183);
  check_these(story, {"build-trigger-pipeline-201"});
  story.wait(1s);
  check_these(story, {"build-pipeline-building", "job-pipeline-building", "queue-item-left-pipeline"});
  const auto print_step = [&](int line) {
    story.jenkins.print(
        "hello-pipeline", 1,
        {"[Pipeline] sh", fmt::format("+ echo line {}", line), fmt::format("line {}", line), "+ sleep 1"});
  };
  print_step(1);
  check_these(story, {"progressiveText-pipeline-0"});
  for (int line = 2; line <= 4; ++line) print_step(line);
  story.wait(5s);
  story.jenkins.finish("hello-pipeline", 1, BuildResult::success, story.now);
  story.wait(100ms);
  check_these(story, {"build-pipeline-finished", "consoleText-pipeline"});
  story.jenkins.set_next_item(185);
  (void)story.jenkins.trigger("hello-pipeline", story.now);
  story.wait(1s);
  story.jenkins.finish("hello-pipeline", 2, BuildResult::success, story.now);
  story.wait(100ms);
  story.hold("w-1", "");
  story.queue("hello-pipeline", 188);
  check_these(story, {"queue-item-pipeline-node"});
  story.hold("w-1", "");
  story.wait(1s);
  check_these(story, {"queue-item-left-pipeline-node", "build-stop-pipeline"});
  story.wait(100ms);
  check_these(story, {"build-pipeline-aborted"});
  story.hold("w-1", "");
  story.queue("hello-pipeline", 194);
  REQUIRE(story.jenkins.cancel(194, story.now).has_value());
  story.wait(100ms);
  check_these(story, {"build-pipeline-queue-item-cancelled"});
  story.queue("hello-pipeline", 196);
  story.jenkins.set_quieting_down(true, story.now);
  story.wait(10ms);
  check_these(story, {"queue-quieting-down-placeholder"});
  story.jenkins.set_quieting_down(false, story.now);
  story.clear();
  story.jenkins.set_next_item(197);
  (void)story.jenkins.trigger("hello-pipeline", story.now, std::nullopt);
  story.wait(20ms);
  check_these(story, {"queue-pipeline-quiet-period"});
  story.clear();
  story.hold("w-1", "");
  story.pipeline("stubborn", {block("linux")});
  story.queue("stubborn", 220);
  story.wait(1s);
  check_these(story, {"build-term-pipeline", "build-after-term", "build-kill-pipeline"});
  story.wait(100ms);
  check_these(story, {"build-after-kill"});
}

void tell_restarts(Story& story) {
  story.freestyle("build-linux", "linux");
  story.pipeline("pipe-linux", {block("linux")});
  story.node("other-1", "other");
  // What was saved a while ago is what a crash leaves.
  story.jenkins.set_next_item(233);
  story.wait(61s);
  story.queue("build-linux", 232);
  story.queue("pipe-linux", 234);
  check_these(story, {"queue-before-unclean-restart"});
  story.jenkins.restart(false, 2s, story.now);
  story.wait(3s);
  check_these(story, {"starting-queue-503", "starting-doCreateItem-503"});
  while (story.call("GET", "/queue/api/json").status == 503) story.wait(10ms);
  check_these(story, {"starting-queue-401", "starting-doCreateItem-403"});
  story.wait(400ms);
  check_these(story, {"starting-doCreateItem-401"});
  while (!story.jenkins.is_up()) story.wait(10ms);
  check_these(story, {"queue-after-unclean-restart-first", "whoami-after-restart",
                      "queue-item-after-unclean-restart"});
  story.wait(5s);
  check_these(story, {"queue-after-unclean-restart", "computer-list-after-restart"});
  story.clear();

  story.jenkins.set_next_number("pipe-linux", 1);
  story.queue("build-linux", 234);
  story.queue("pipe-linux", 236);
  check_these(story, {"queue-before-clean-restart"});
  story.as("admin");
  check_these(story, {"exit-post"});
  story.as("scaler");
  while (!story.jenkins.is_up()) story.wait(100ms);
  check_these(story, {"queue-after-clean-restart-first"});
  story.wait(5s);
  check_these(story, {"queue-after-clean-restart", "queue-item-after-clean-restart"});
}

}  // namespace footman::fake_jenkins::test
