#include "jenkins/why.hpp"

#include <doctest/doctest.h>

#include <boost/json/array.hpp>

#include "jenkins/answers.hpp"
#include "jenkins/tests/captures.hpp"

using namespace footman;
using namespace footman::jenkins;

TEST_CASE("why an item waits") {
  using enum WhyKind;
  CHECK(read_why("There are no nodes with the label ‘linux&&big’") == Why{label, "linux&&big"});
  CHECK(read_why("All nodes of label ‘linux’ are offline") == Why{label, "linux"});
  CHECK(read_why("Waiting for next available executor on ‘!windows’") == Why{label_or_node, "!windows"});
  CHECK(read_why("‘w-1’ is offline") == Why{node, "w-1"});
  CHECK(read_why("Waiting for next available executor") == Why{any, ""});
  CHECK(read_why("In the quiet period. Expires in 4.9 sec") == Why{quiet_period, ""});
  CHECK(read_why("Build #2 is already in progress (ETA: N/A)") == Why{blocked, ""});
  CHECK(read_why("Jenkins is about to shut down") == Why{shutting_down, ""});
  CHECK(read_why("Executor slot already in use") == Why{slot_taken, ""});
}

TEST_CASE("where several nodes refuse an item, the part that tells most counts") {
  using enum WhyKind;
  CHECK(read_why("‘a’ is reserved for jobs with matching label expression; ‘b’ is offline").kind == no_label);
  CHECK(read_why("‘a’ is offline; ‘b’ is offline").kind == node);
  CHECK(read_why("Executor slot already in use; Executor slot already in use").kind == slot_taken);
}

TEST_CASE("the nodes that are reserved for items with a label") {
  using Names = std::vector<std::string>;
  CHECK(list_reserved("‘a’ is reserved for jobs with matching label expression; ‘b’ is offline; "
                      "‘c d’ is reserved for jobs with matching label expression") == Names{"a", "c d"});
  CHECK(list_reserved("Waiting for next available executor").empty());
  CHECK(list_reserved("").empty());
}

TEST_CASE("what is not understood is unknown: other languages, other texts, nothing") {
  for (const auto* text : {"", "Alle Knoten des Labels „linux“ sind offline", "Throttled: 1 of 1 builds",
                           "All nodes of label ‘’ are offline", "All nodes of label linux are offline",
                           "There are no nodes with the label ‘x’ or so", "; ; "}) {
    CAPTURE(text);
    CHECK(read_why(text).kind == WhyKind::unknown);
  }
}

TEST_CASE("every recorded English reason is understood, none in another language") {
  for (const auto& name : testing::list_captures("queue-")) {
    const auto queue = parse_queue(testing::body_of(name));
    if (!queue || name == "queue-job-discover-only") continue;
    const bool is_foreign = name.ends_with("-de") || name.ends_with("-fr");
    for (const auto& item : queue->items) {
      CAPTURE(name);
      CAPTURE(item.why);
      if (name != "queue-parallel-no-node-with-label-ja" && name != "queue-parallel-ph-ja")
        CHECK((read_why(item.why).kind == WhyKind::unknown) == is_foreign);
    }
  }
}

TEST_CASE("a shown label is an expression, or one label with a space") {
  CHECK(parse_shown_label("linux&&(big||gpu)")->text() == "linux&&(big||gpu)");
  CHECK(parse_shown_label("(linux)")->text() == "linux");
  CHECK(parse_shown_label("with space")->text() == "\"with space\"");
  CHECK(parse_shown_label("a->b")->text() == "a->b");
  CHECK(!parse_shown_label("a \" b"));
}
