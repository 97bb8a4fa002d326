#include "jenkins/record_json.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace footman;
using namespace footman::jenkins;

namespace {

// Nothing in it is as a new record has it.
NodeRecord full_record() {
  NodeRecord r;
  r.controller = ControllerName("ci");
  r.agent = AgentId("here-abc");
  r.attempt = 2;
  r.node = "footman-here-abc-2";
  r.labels = {"linux", "big"};
  r.max_builds = 3;
  r.is_default = true;
  r.item = {"7-1-job/app/", "linux&&big", Instant{5}, "app \"x\""};
  r.key_hash = "ab12";
  r.secret_lifetime = 5min;
  r.phase = NodePhase::noted;
  r.link = NodeLink::down;
  r.session = "abcd";
  r.released_id = 7;
  r.released_key = "7-1-job/app/";
  r.released_run = "job/app/1/";
  r.builds_done = 2;
  r.build = {"job/app/2/", "8-1-job/app/", "app #2", true, true, Instant{14}, Instant{15}, Instant{17}};
  r.awaited = {"job/app/1/", "7", "app #1", true, false, Instant{5}, Instant{6}, {}};
  r.created = Instant{10};
  r.connected_at = Instant{11};
  r.idle_since = Instant{12};
  r.silent_since = Instant{13};
  r.drained = r.lost = true;
  r.end_reason = model::EndReason::session_lost;
  r.detail = "It went.";
  r.violations = 1;
  r.note = "Footman: it went\n";
  r.note_shown = true;
  r.note_until = Instant{16};
  return r;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  REQUIRE(at != text.npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("a record is the same after it was kept as text, in every phase") {
  const NodeRecord fresh;
  auto record = full_record();
  CHECK(parse_record(encode_record(record)).value() == record);
  CHECK(parse_record(encode_record(fresh)).value() == fresh);
  using enum NodePhase;
  for (const auto phase : {planned, held, open, working, over, noted, going}) {
    record.phase = phase;
    CHECK(parse_record(encode_record(record)).value().phase == phase);
  }
  for (const auto link : {NodeLink::never, NodeLink::up, NodeLink::down}) {
    record.link = link;
    CHECK(parse_record(encode_record(record)).value().link == link);
  }
}

TEST_CASE("a record of a version that gave no secrets away, or did not note ends, is read") {
  auto record = full_record();
  auto text = encode_record(record);
  for (const auto* later :
       {R"("key_hash":"ab12",)", R"("secret_lifetime_us":300000000,)", R"("build_ended":17,)"})
    text = replaced(text, later, "");
  record.key_hash.clear();
  record.secret_lifetime = Duration(0);
  record.build.ended = {};
  CHECK(parse_record(text).value() == record);
}

TEST_CASE("a record that is not whole, or of another version, is an error") {
  const auto text = encode_record(full_record());
  const auto code_of = [](std::string_view kept) { return parse_record(kept).error().code; };
  CHECK(code_of(replaced(text, "\"version\":1", "\"version\":2")) == Errc::unsupported);
  CHECK(code_of(replaced(text, "\"noted\"", "\"gone\"")) == Errc::corrupt);
  CHECK(code_of(replaced(text, "\"down\"", "\"left\"")) == Errc::corrupt);
  CHECK(code_of(replaced(text, "\"session_lost\"", "\"sleepy\"")) == Errc::corrupt);
  CHECK(code_of(replaced(text, "\"build\":", "\"bild\":")) == Errc::corrupt);
  CHECK(code_of(replaced(text, "\"released_id\":7", "\"released_id\":7.5")) == Errc::corrupt);
  CHECK(code_of(replaced(text, "\"attempt\":2", "\"attempt\":-2")) == Errc::corrupt);
  for (std::size_t length = 0; length < text.size(); ++length)
    CHECK(code_of(text.substr(0, length)) == Errc::corrupt);
}
