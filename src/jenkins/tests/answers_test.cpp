#include "jenkins/answers.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "jenkins/tests/captures.hpp"

using namespace footman;
using namespace footman::jenkins;
using testing::body_of;

namespace {

const QueueItem& item_of(const Queue& queue, std::int64_t id) {
  const auto found = std::ranges::find(queue.items, id, &QueueItem::id);
  REQUIRE(found != queue.items.end());
  return *found;
}

const Computer& computer_of(const Computers& computers, const std::string& name) {
  const auto found = std::ranges::find(computers.all, name, &Computer::name);
  REQUIRE(found != computers.all.end());
  return *found;
}

}  // namespace

TEST_CASE("a queue is read with the state, kind and label of each item, oldest first") {
  const auto queue = parse_queue(body_of("queue-mixed"));
  REQUIRE(queue);
  CHECK(queue->odd == 0);
  CHECK(std::ranges::is_sorted(queue->items, {}, [](const QueueItem& one) { return one.waits_since(); }));
  const auto& quiet = item_of(*queue, 173);
  CHECK(quiet.state == ItemState::waiting);
  CHECK(quiet.kind == TaskKind::freestyle);
  CHECK(quiet.label_expression == "linux");
  CHECK(quiet.task == "job/mix-quiet/");
  CHECK(quiet.buildable_since == 0);
  CHECK(item_of(*queue, 170).state == ItemState::blocked);
  const auto& step = item_of(*queue, 171);
  CHECK(step.state == ItemState::buildable);
  CHECK(step.kind == TaskKind::node_step);
  CHECK(step.task == "job/pipe-linux/16/");
  CHECK(step.title() == "pipe-linux #16");
  CHECK(step.key() == "171-1795456482228-job/pipe-linux/16/");
  CHECK(step.buildable_since == 1795456482237);
  CHECK(!step.label_expression);
  CHECK(!item_of(*queue, 166).label_expression);
}

TEST_CASE("pending items are told from those that wait, and left ones from all") {
  const auto queue = parse_queue(body_of("queue-freestyle-pending"));
  REQUIRE(queue);
  CHECK(std::ranges::count(queue->items, ItemState::pending, &QueueItem::state) == 1);
  CHECK(parse_queue(body_of("queue-empty"))->items.empty());
  const auto pipeline = parse_queue(body_of("queue-pipeline-quiet-period"));
  CHECK(pipeline->items.front().kind == TaskKind::pipeline);
}

TEST_CASE("URLs of tasks are the same whether they are absolute, relative or below a folder") {
  CHECK(task_path("http://jenkins.example.test:8080/job/x/") == "job/x/");
  CHECK(task_path("https://ci.example/jenkins/job/team/job/nested%20pl/3/") == "job/team/job/nested%20pl/3/");
  CHECK(task_path("job/x/3/") == "job/x/3/");
  CHECK(task_path("http://jenkins.example.test:8080/").empty());
  CHECK(task_path("/job/grid/OS=linux,ARCH=a+b/3/") == "job/grid/OS=linux,ARCH=a+b/3/");
  for (const std::string tail : {"?x=1", "#x", " ", "\r\nX-Evil: 1", "\x7f", "\xc3\xa4", "\"", "\\"}) {
    CAPTURE(tail);
    CHECK(task_path("http://x/job/app/1/" + tail).empty());
    CHECK(task_path("job/app/1/" + tail).empty());
  }
  CHECK(task_path("job/" + std::string(kMaxUrlBytes, 'x')).empty());
  CHECK(parse_queue(body_of("queue-folder-job"))->items.front().task.starts_with("job/"));
}

TEST_CASE("builds are called as people call them") {
  CHECK(build_title("job/app/17/") == "app #17");
  CHECK(build_title("job/team/job/nested%20pl/3/") == "team/nested pl #3");
  CHECK(build_title("job/team/job/grid/ARCH=arm,OS=linux/3/") == "team/grid/ARCH=arm,OS=linux #3");
  CHECK(build_title("job/grid/OS%3Dlinux/3/") == "grid/OS=linux #3");
  CHECK(build_title("job/app/") == "job/app/");
  CHECK(build_title("job/app/ws/3/") == "job/app/ws/3/");
  CHECK(job_title("job/team/job/grid/OS=linux/") == "team/grid/OS=linux");
  CHECK(job_title("else") == "else");
  QueueItem cell;
  cell.task_class = "hudson.matrix.MatrixConfiguration";
  cell.task_name = "OS=linux";
  cell.task = "job/grid/OS=linux/";
  CHECK(cell.title() == "grid/OS=linux");
  QueueItem job;
  job.task_name = "app";
  job.task = "job/team/job/app/";
  CHECK(job.title() == "team/app");
  QueueItem part;
  part.task_name = "part of team » app #3";
  part.task = "job/team/job/app/3/";
  CHECK(part.title() == "team/app #3");
  CHECK(build_title("").empty());
}

TEST_CASE("every recorded queue and list of nodes is read without anything odd") {
  for (const auto& name : testing::list_captures("queue-")) {
    if (name.starts_with("queue-item") || name.starts_with("queue-cancel")) continue;
    const auto answer = testing::load_capture(name);
    if (answer.at("response").at("status").as_int64() != 200) continue;
    CAPTURE(name);
    const auto queue = parse_queue(body_of(name));
    REQUIRE(queue);
    CHECK(queue->odd == 0);
    for (const auto& item : queue->items) {
      CHECK(item.state != ItemState::unknown);
      CHECK((!item.task.empty() || name == "queue-no-tree"));
    }
  }
  for (const auto& name : testing::list_captures("computer-list")) {
    CAPTURE(name);
    const auto computers = parse_computers(body_of(name));
    REQUIRE(computers);
    CHECK(std::ranges::count(computers->all, false, &Computer::is_agent) == 1);
  }
}

TEST_CASE("nodes are read with what runs on them, and whether their agent is there") {
  const auto list = parse_computers(body_of("computer-list-mixed"));
  REQUIRE(list);
  const auto& busy = computer_of(*list, "linux-1");
  CHECK(busy.offline);
  CHECK(busy.held);
  CHECK(busy.connected);
  CHECK(!busy.idle);
  CHECK(busy.reason == "single use");
  CHECK(busy.labels == std::vector<std::string>{"big", "linux", "linux-1"});
  REQUIRE(busy.executors.size() == 1);
  CHECK(busy.executors[0].build == "job/hold-linux/2/");
  CHECK(busy.executors[0].build_class == "hudson.model.FreeStyleBuild");
  const auto& placeholder = computer_of(*list, "pool-gpu-ph1");
  CHECK(placeholder.held);
  CHECK(!placeholder.connected);
  CHECK(placeholder.idle);
  CHECK(!computer_of(*list, "Built-In Node").is_agent);
  CHECK(!computer_of(*list, "other-1").held);
}

TEST_CASE("a build that has its executor and has not begun leaves it busy without a build") {
  const auto computer = parse_computer(body_of("computer-executor-allocated-not-started"));
  REQUIRE(computer);
  CHECK(!computer->idle);
  const auto taken = std::ranges::find(computer->executors, false, &Executor::idle);
  REQUIRE(taken != computer->executors.end());
  CHECK(taken->build.empty());
}

TEST_CASE("a deleted node that is shown still is a ghost") {
  CHECK(parse_computer(body_of("computer-zombie"))->is_ghost());
  CHECK(!parse_computer(body_of("computer-recreated-over-zombie"))->is_ghost());
  CHECK(!parse_computer(body_of("computer-held-never-connected"))->is_ghost());
}

TEST_CASE("what became of an item") {
  const auto left = parse_item_fate(body_of("queue-item-left-freestyle"));
  REQUIRE(left);
  CHECK(left->left);
  CHECK(!left->cancelled);
  CHECK(left->build.starts_with("job/"));
  CHECK(parse_item_fate(body_of("queue-item-cancelled"))->cancelled);
  CHECK(parse_item_fate(body_of("queue-item-left-pipeline-node"))->left);
  CHECK(!parse_item_fate(body_of("queue-item-waiting"))->left);
  CHECK(!parse_item_fate(body_of("queue-item-404")));
}

TEST_CASE("a build is over when nothing of it is in progress any more") {
  CHECK(!parse_build(body_of("build-freestyle-building"))->over);
  const auto failed = parse_build(body_of("build-freestyle-failure"));
  CHECK(!failed->over);  // its result is set, and it is still being written
  CHECK(failed->result == "FAILURE");
  CHECK(parse_build(body_of("build-freestyle-finished"))->over);
  CHECK(!parse_build(body_of("build-pipeline-waiting"))->over);
  CHECK(parse_build(body_of("build-pipeline-aborted"))->result == "ABORTED");
}

TEST_CASE("the secret of an agent is read, but not that of a node that was deleted") {
  const auto secret = parse_agent_secret(body_of("jenkins-agent-jnlp"), "a1");
  REQUIRE(secret);
  CHECK(secret->expose() == "06892ff9b50dee0d9124ff6c28a5a31f17e7a2ddea3e89da60a3c44d21764e6d");
  CHECK(parse_agent_secret(body_of("jenkins-agent-jnlp-websocket"), "pool ws-1"));
  const auto ghost = parse_agent_secret(body_of("jenkins-agent-jnlp-zombie"), "lost-1");
  REQUIRE(!ghost);
  CHECK(ghost.error().code == Errc::not_found);
  CHECK(parse_agent_secret(body_of("jenkins-agent-jnlp"), "a2").error().code == Errc::corrupt);
  CHECK(parse_agent_secret("<html>", "a1").error().code == Errc::corrupt);
}

TEST_CASE("what is not JSON is named by what it says") {
  const auto queue = parse_queue("<html><head><title>Sign in &amp; go</title></head><body>…</body></html>");
  REQUIRE(!queue);
  CHECK(queue.error().code == Errc::corrupt);
  CHECK(queue.error().message == "no JSON came but a page that says 'Sign in & go'");
  CHECK(parse_queue("[1]").error().message == "no JSON came");
  CHECK(parse_queue("{}").error().message == "the answer is JSON, but holds no items of a queue");
  CHECK(find_page_text(body_of("doCreateItem-duplicate-400")) ==
        "Error: Agent called \u2018a1\u2019 already exists");
  CHECK(find_page_text(body_of("doCreateItem-403")) ==
        "Access Denied: scaler is missing the Agent/Create permission");
}

TEST_CASE("items without an id, a time or a task are left out, and that is said") {
  const auto queue = parse_queue(
      R"({"items":[{"id":1},{"id":2,"inQueueSince":5,"task":{}},{"id":-1,"inQueueSince":5,"task":{}},7]})");
  REQUIRE(queue);
  REQUIRE(queue->items.size() == 1);
  CHECK(queue->items[0].state == ItemState::unknown);
  CHECK(queue->odd == 3);
}

TEST_CASE("a time that cannot be is bounded, as all that is made of it") {
  const auto queue = parse_queue(
      R"({"items":[{"id":1,"inQueueSince":9223372036854775807,"buildableStartMilliseconds":-7,"task":{}},)"
      R"({"id":2,"inQueueSince":5,"buildableStartMilliseconds":9223372036854775807,"task":{}}]})");
  REQUIRE(queue);
  REQUIRE(queue->items.size() == 2);
  for (const auto& item : queue->items) CHECK(Instant{item.waits_since() * 1000} > Instant{});
  CHECK(queue->items[0].buildable_since == 0);
}

TEST_CASE("a list of nodes is one of all, or none") {
  const std::string built_in =
      R"({"_class":"hudson.model.Hudson$MasterComputer","displayName":"Built-In Node","offline":false})";
  const std::string agent = R"({"_class":"hudson.slaves.SlaveComputer","displayName":"a1","offline":true})";
  const auto read = [](const std::string& list) { return parse_computers(R"({"computer":[)" + list + "]}"); };
  CHECK(read(built_in + "," + agent)->all.size() == 2);
  for (const auto& list : {std::string(), agent, built_in + R"(,{"displayName":"a1"})", built_in + ",7"}) {
    CAPTURE(list);
    const auto computers = read(list);
    REQUIRE(!computers);
    CHECK(computers.error().code == Errc::corrupt);
  }
}
