#include "jenkins/flow_graph.hpp"

#include <doctest/doctest.h>

#include "jenkins/tests/captures.hpp"

using namespace footman;
using namespace footman::jenkins;
using testing::body_of;
using Labels = std::vector<std::string>;

TEST_CASE("the labels that a run waits for, out of its page of steps") {
  CHECK(parse_waiting_labels(body_of("flowGraphTable-simple-waiting")) == Labels{"linux"});
  CHECK(parse_waiting_labels(body_of("flowGraphTable-declarative-waiting")) == Labels{"declared && gpu"});
  CHECK(parse_waiting_labels(body_of("flowGraphTable-nolabel-waiting")) == Labels{""});
  CHECK(parse_waiting_labels(body_of("flowGraphTable-parallel-waiting")) == Labels{"linux", "gpu && big"});
}

TEST_CASE("a node step that has its node waits for none") {
  CHECK(parse_waiting_labels(body_of("flowGraphTable-running")) == Labels{});
}

TEST_CASE("other pages are none") {
  CHECK(!parse_waiting_labels("<html><body>Sign in</body></html>"));
  CHECK(!parse_waiting_labels("<table><tr><td>a</td><td>b</td></tr></table>"));
  CHECK(!parse_waiting_labels(std::string(kMaxFlowPageBytes + 1, 'x')));
}
