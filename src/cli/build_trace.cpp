// build trace: the builds of the past, as `footman simulate` reads them.
#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/context.hpp"
#include "cli/csv.hpp"
#include "cli/groups.hpp"
#include "cli/past_time.hpp"
#include "cli/progress.hpp"

namespace footman::cli {
namespace {

constexpr std::string_view kHead = "submitted,label,duration,job";

std::string csv_line(const json::value& build, double seconds) {
  return fmt::format("{},{},{:.3f},{}", text_of(build, "submitted_at"), csv_field(text_of(build, "label")),
                     seconds, csv_field(text_of(build, "job")));
}

std::string json_line(const json::value& build, double seconds) {
  return json::serialize(json::object{{"submitted", text_of(build, "submitted_at")},
                                      {"label", text_of(build, "label")},
                                      {"duration", seconds},
                                      {"job", text_of(build, "job")}});
}

// Writes those of a page; false: it reaches back to the beginning.
bool write_page(Session& session, const json::value& page, Instant since, std::size_t& count) {
  for (const auto& build : list_of(page, "builds")) {
    if (time_of(build, "submitted_at") < since) return false;  // the newest come first
    const auto duration = millis_of(build, "duration_ms");
    if (!duration) continue;  // it never ran
    const auto seconds = std::chrono::duration<double>(*duration).count();
    session.out().line(session.json ? json_line(build, seconds) : csv_line(build, seconds));
    ++count;
  }
  return true;
}

// Of one that is deleted there may be builds still.
Awaitable<Status> expect_job(Session& session, std::string job) {
  const auto known = co_await session.client.get("/jobs/" + net::percent_encode(job));
  co_return known ? Status() : std::unexpected(known.error());
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
    if (next.empty()) {
      const auto job = arguments.has("job") ? arguments.text("job") : std::string();
      if (!job.empty() && list_of(page, "builds").empty())
        FOOTMAN_CO_TRY_STATUS(co_await expect_job(session, job));
      if (!session.json) session.out().line(kHead);
    }
    next = text_of(page, "next");
    progress.hide();
    if (!write_page(session, page, since, count)) break;
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
      "Builds that never ran are left out, and those that retention has deleted are gone. With --json each\n"
      "is an object on a line of its own, which footman simulate does not read.",
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
