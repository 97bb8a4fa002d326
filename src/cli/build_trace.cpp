// build trace: the builds of the past, as `footman simulate` reads them.
#include <fmt/format.h>

#include "cli/context.hpp"
#include "cli/csv.hpp"
#include "cli/groups.hpp"
#include "cli/past_time.hpp"
#include "cli/progress.hpp"

namespace footman::cli {
namespace {

// What never ran has no duration.
std::string line_of(const json::value& build) {
  const auto duration = millis_of(build, "duration_ms");
  if (!duration) return {};
  return fmt::format("{},{},{:.3f},{}", text_of(build, "submitted_at"), csv_field(text_of(build, "label")),
                     std::chrono::duration<double>(*duration).count(), csv_field(text_of(build, "job")));
}

// Writes those of a page; false: it reaches back to the beginning.
bool write_page(Output& out, const json::value& page, Instant since, std::size_t& count) {
  for (const auto& build : list_of(page, "builds")) {
    if (time_of(build, "submitted_at") < since) return false;  // the newest come first
    const auto line = line_of(build);
    if (line.empty()) continue;
    out.line(line);
    ++count;
  }
  return true;
}

Awaitable<Result<int>> trace(Session& session, const Arguments& arguments) {
  Query query{{"state", "finished"}, {"limit", std::to_string(kMaxPage)}};
  if (arguments.has("job")) query.emplace_back("job", arguments.text("job"));
  Instant since;
  if (arguments.has("since")) {
    FOOTMAN_CO_TRY(since, read_past_time(arguments.text("since"), "--since", session.clock.now()));
  }
  Progress progress(session.err(), session.clock, session.executor, "reading builds");
  std::size_t count = 0;
  std::string next;
  do {
    auto page_query = query;
    if (!next.empty()) page_query.emplace_back("cursor", next);
    FOOTMAN_CO_TRY(const auto page, co_await session.client.get("/builds", std::move(page_query)));
    if (count == 0 && next.empty()) session.out().line("submitted,label,duration,job");
    next = text_of(page, "next");
    progress.hide();
    if (!write_page(session.out(), page, since, count)) break;
    progress.say(fmt::format("{} builds", count));
  } while (!next.empty());
  if (count == 0) session.err().line("no build ran in this time");
  co_return exit_ok;
}

}  // namespace

Command build_trace_command() {
  return {
      "trace",
      "finished builds as CSV, for footman simulate",
      "When each build was submitted, the label that it asked for, how long it ran in seconds, and its job.\n"
      "Builds that never ran are left out, and those that retention has deleted are gone.",
      {{"footman build trace --since 30d > trace.csv", "the last month"},
       {"footman simulate --trace trace.csv --vs other.yaml", "what another configuration had made of it"}},
      {{"since", 0, Value::text, "TIME", "submitted from then on: 7d, 2026-11-24, 2026-11-24T08:00:00Z"},
       {"job", 'j', Value::text, "JOB", "only of this job; \"\": only those without a job"}},
      {},
      {},
      {},
      trace};
}

}  // namespace footman::cli
