// run, build start|list|show|cancel|logs
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <fstream>

#include "base/log.hpp"
#include "cli/build_ref.hpp"
#include "cli/context.hpp"
#include "cli/costs.hpp"
#include "cli/document.hpp"
#include "cli/follow.hpp"
#include "cli/groups.hpp"
#include "cli/spec_options.hpp"

namespace footman::cli {
namespace {

const Argument kBuild{"BUILD", "a build's id such as 17, or JOB#NUMBER such as team/app#3"};

// --- run

Result<json::object> ad_hoc_request(const Session& session, const Arguments& arguments) {
  FOOTMAN_TRY(auto spec, read_spec_options(arguments));
  std::string script;
  if (arguments.has("script") && arguments.has("COMMAND")) {
    return fail(Errc::invalid_argument, "either --script or a command, not both");
  }
  if (arguments.has("script")) {
    FOOTMAN_TRY(script, read_document(session.context, arguments.text("script")));
  } else if (arguments.has("COMMAND")) {
    script = script_of(arguments.list("COMMAND"));
  } else {
    return fail(Errc::invalid_argument, "footman run needs a command", {},
                "Such as: footman run -- make test");
  }
  auto step = make_step(arguments, script);
  if (arguments.has("name")) step["name"] = arguments.text("name");
  spec["steps"] = json::array{std::move(step)};
  json::object request{{"spec", std::move(spec)}};
  if (arguments.has("cause")) request["cause"] = arguments.text("cause");
  return request;
}

void show_submitted(Session& session, const json::value& build) {
  if (session.json) {
    session.out().write(pretty(build));
  } else {
    session.out().line(fmt::format("build {} ({}) is {}", number_text(build, "id"),
                                   clean(text_of(build, "title")), clean(text_of(build, "state"))));
  }
}

Awaitable<Result<int>> run(Session& session, const Arguments& arguments) {
  FOOTMAN_CO_TRY(auto request, ad_hoc_request(session, arguments));
  const std::string_view steps = arguments.has("script") ? "--script" : "COMMAND";
  if (arguments.has("detach")) {
    FOOTMAN_CO_TRY(const auto build,
                   name_options(co_await submit_patiently(session, std::move(request)), steps));
    show_submitted(session, build);
    co_return exit_ok;
  }
  co_return name_options(
      co_await submit_and_watch(session, std::move(request),
                                {.quiet = arguments.has("quiet"), .cancel_on_interrupt = true}),
      steps);
}

// --- build start

Awaitable<Result<int>> start(Session& session, const Arguments& arguments) {
  json::object request{{"job", arguments.text("JOB")}};
  json::object parameters;
  for (const auto& text : arguments.list("param")) {
    FOOTMAN_CO_TRY(const auto pair, parse_pair(text, "--param", "NAME=VALUE"));
    parameters[pair.name] = pair.value;
  }
  if (!parameters.empty()) request["parameters"] = std::move(parameters);
  if (arguments.has("cause")) request["cause"] = arguments.text("cause");
  if (const auto quiet = arguments.duration("quiet-period"))
    request["quiet_period_ms"] = quiet->count() / 1000;
  if (arguments.has("follow")) {
    co_return name_options(
        co_await submit_and_watch(session, std::move(request), {.quiet = arguments.has("quiet")}), "JOB");
  }
  FOOTMAN_CO_TRY(const auto build,
                 name_options(co_await submit_patiently(session, std::move(request)), "JOB"));
  show_submitted(session, build);
  co_return exit_ok;
}

// --- build list

Awaitable<Result<int>> list_builds(Session& session, const Arguments& arguments) {
  Query query;
  if (arguments.has("job")) query.emplace_back("job", arguments.text("job"));
  if (arguments.has("state")) query.emplace_back("state", arguments.text("state"));
  if (arguments.has("result")) query.emplace_back("result", arguments.text("result"));
  const auto limit = arguments.number("limit").value_or(50);
  FOOTMAN_CO_TRY(const auto builds,
                 co_await session.client.list("/builds", "builds", std::move(query), limit));
  if (session.json) {
    session.out().write(pretty(builds));
    co_return exit_ok;
  }
  Table table({"ID", "BUILD", "STATE", "SUBMITTED", "TOOK", "WHY"});
  for (const auto& build : list_of(builds, "builds")) {
    const auto result = text_of(build, "result");
    const auto took = millis_of(build, "duration_ms");
    const auto reason = text_of(build, "reason");
    table.add({number_text(build, "id"), text_of(build, "title"),
               result.empty() ? text_of(build, "state") : result, show_time(time_of(build, "submitted_at")),
               took ? format_duration(*took) : "", reason.empty() ? text_of(build, "cause") : reason});
  }
  if (table.empty()) {
    session.err().line("no builds; start one with: footman run -- echo hello");
  } else {
    table.print(session.out());
  }
  if (!text_of(builds, "next").empty()) session.err().line("there are more: --limit N");
  co_return exit_ok;
}

// --- build show

std::string parameters_of(const json::value& build) {
  std::string text;
  if (const auto* all = part_of(build, "parameters").if_object()) {
    for (const auto& [name, value] : *all) {
      const auto* word = value.if_string();
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", std::string_view(name.data(), name.size()),
                          word == nullptr ? "" : std::string_view(word->data(), word->size()));
    }
  }
  return text;
}

Awaitable<Result<int>> show_build(Session& session, const Arguments& arguments) {
  FOOTMAN_CO_TRY(const auto id, co_await find_build(session, arguments.text("BUILD")));
  FOOTMAN_CO_TRY(const auto build, co_await session.client.get(fmt::format("/builds/{}", id)));
  if (session.json) {
    session.out().write(pretty(build));
    co_return exit_ok;
  }
  const auto took = millis_of(build, "duration_ms");
  const auto time = [&](const char* field) {
    const auto at = time_of(build, field);
    return at.is_set() ? show_time(at) : std::string();
  };
  Facts facts;
  facts.add("Build", fmt::format("{} ({})", number_text(build, "id"), text_of(build, "title")));
  facts.add("State", text_of(build, "state"));
  facts.add("Result", text_of(build, "result"));
  facts.add("Why", text_of(build, "reason"));
  facts.add("Cause", text_of(build, "cause"));
  facts.add("Retry of", number_text(build, "retry_of"));
  facts.add("Run again as", number_text(build, "retried_by"));
  facts.add("Label", text_of(build, "label"));
  facts.add("Parameters", parameters_of(build));
  facts.add("Agent", text_of(build, "agent"));
  facts.add("Submitted", time("submitted_at"));
  facts.add("Started", time("started_at"));
  facts.add("Finished", time("finished_at"));
  facts.add("Took", took ? format_duration(*took) : "");
  const auto& cost = part_of(build, "cost");
  facts.add("Cost", number_of(cost, "total_micro_usd").value_or(0) == 0 ? "" : cost_text(cost));
  facts.add("Cancelled", flag_of(build, "cancel_requested") ? "yes: " + text_of(build, "cancel_reason") : "");
  facts.print(session.out());
  show_steps(session.out(), part_of(build, "spec"));
  co_return exit_ok;
}

// --- build cancel

Awaitable<Result<int>> cancel(Session& session, const Arguments& arguments) {
  FOOTMAN_CO_TRY(const auto id, co_await find_build(session, arguments.text("BUILD")));
  json::object body;
  if (arguments.has("reason")) body["reason"] = arguments.text("reason");
  FOOTMAN_CO_TRY(const auto build,
                 co_await session.client.post(fmt::format("/builds/{}/cancel", id), std::move(body)));
  if (session.json) {
    session.out().write(pretty(build));
  } else if (text_of(build, "state") == "finished") {
    session.out().line(sentence_of_build(session.out(), build));
  } else {
    session.out().line(fmt::format("build {} is being cancelled", id));
  }
  co_return exit_ok;
}

// --- build logs

Awaitable<Result<int>> print_log(Session& session, std::int64_t id, Query query, LogWriter& writer,
                                 std::uint64_t offset) {
  FOOTMAN_CO_TRY(const auto body,
                 co_await session.client.open(fmt::format("/builds/{}/log", id), std::move(query), {}));
  while (true) {
    FOOTMAN_CO_TRY(const auto bytes, co_await body->read(kLogPieceBytes));
    if (bytes.empty()) break;
    writer.write(offset, bytes);
    offset += bytes.size();
  }
  writer.end();
  co_return exit_ok;
}

Awaitable<Result<int>> logs(Session& session, const Arguments& arguments) {
  const bool follow = arguments.has("follow");
  const auto offset = static_cast<std::uint64_t>(arguments.number("offset").value_or(0));
  if (arguments.has("timestamps") && (follow || arguments.has("offset"))) {
    co_return fail(Errc::invalid_argument, "--timestamps goes neither with --follow nor with --offset");
  }
  FOOTMAN_CO_TRY(const auto id, co_await find_build(session, arguments.text("BUILD")));
  const auto writer = session.json ? make_json_log(session.out(), id) : make_plain_log(session.out());
  if (!follow) {
    Query query;
    if (arguments.has("offset")) query.emplace_back("offset", std::to_string(offset));
    if (arguments.has("timestamps")) query.emplace_back("timestamps", "true");
    if (const auto attempt = arguments.number("attempt"))
      query.emplace_back("attempt", std::to_string(*attempt));
    co_return co_await print_log(session, id, std::move(query), *writer, offset);
  }
  Progress progress(session.err(), session.clock, session.executor,
                    fmt::format("build {} says nothing yet", id));
  Patience patience(session.clock, kReconnectFor);
  FOOTMAN_CO_TRY(const auto begun, co_await get_patiently(session, fmt::format("/builds/{}", id), patience));
  if (const auto waits = sentence_of_waiting(begun); !waits.empty()) progress.announce(waits);
  FOOTMAN_CO_TRY(const auto build, co_await follow_build(session, id, offset, *writer, &progress));
  progress.hide();
  if (session.json) {
    session.out().line(one_line({{"event", "finished"}, {"build", build}}));
  } else if (session.err().is_terminal()) {
    session.err().line(sentence_of_build(session.err(), build));
  }
  co_return co_await find_exit_code(session, build);
}

}  // namespace

Command run_command() {
  return {"run",
          "run a command as a build and show its log",
          "Submits a build without a job, waits for an agent that is launched for it, shows the log as it "
          "comes and\n"
          "ends with the build's exit status. Ctrl-C cancels the build. When the connection or the server "
          "goes away,\n"
          "the log goes on where it stopped once it is back.\n"
          "\n"
          "One word after -- is a shell script; several are a command with its arguments, which arrive "
          "unchanged.\n"
          "It begins in a folder that is empty on a new agent: what it needs, such as the source, it fetches "
          "itself.",
          {{"footman run -- 'echo Hello from $(hostname)'", "a script on any default agent"},
           {"footman run -l 'linux && gpu' -t 30m -- ./train.sh --epochs 3", "on an agent with these labels"},
           {"footman run --secret-env KEY=file:/run/secrets/key -- 'deploy \"$KEY\"'",
            "with a secret that only the server reads"},
           {"footman run --script build.sh", "a whole script; - reads standard input"},
           {"footman run --json -- make | jq .", "one JSON object a line: submitted, log, finished"}},
          spec_options() + step_options("it") +
              std::vector<Option>{
                  {"script", 0, Value::file, "FILE",
                   "run this script instead of a command; -: from standard input"},
                  {"name", 0, Value::text, "NAME", "name of the step, shown with the build"},
                  {"cause", 0, Value::text, "TEXT", "why, shown with the build"},
                  {"detach", 'd', Value::none, "", "submit, print the build's id and leave"},
                  {"quiet", 'q', Value::none, "", "print nothing but the log"},
              },
          {{"COMMAND", "what to run, after --", Value::text, false, true}},
          {},
          {},
          run};
}

Command build_commands() {
  const Option quiet{"quiet", 'q', Value::none, "", "with --follow: print nothing but the log"};
  const Option follow{"follow", 'f', Value::none, "",
                      "show the log until the build is finished, end with its status"};
  return {
      "build",
      "start, list, show and cancel builds; read their logs",
      "A BUILD is an id such as 17, or JOB#NUMBER such as team/app#3.",
      {{"footman build list --state running", "what runs now"}},
      {},
      {},
      {
          {"start",
           "start a build of a job",
           "",
           {{"footman build start team/app", "with the job's defaults"},
            {"footman build start team/app -p BRANCH=release --follow", "with a parameter, and watch it"}},
           {{"param", 'p', Value::text, "K=V", "a parameter of the job; may be repeated", true},
            follow,
            {"cause", 0, Value::text, "TEXT", "why, shown with the build"},
            {"quiet-period", 0, Value::duration, "TIME",
             "wait that long first, instead of the job's quiet period"},
            quiet},
           {{"JOB", "the job's path such as team/app"}},
           {},
           {},
           start},
          {"list",
           "builds, newest first",
           "",
           {{"footman build list", "the last 50"},
            {"footman build list --job team/app --result FAILURE --limit 10", "the last failures of a job"},
            {"footman build list --json | jq '.builds[].id'", "their ids"}},
           {{"job", 'j', Value::text, "JOB", "only of this job; \"\": only those without a job"},
            {"state",
             's',
             Value::text,
             "STATE",
             "only in this state",
             false,
             {"queued", "running", "finished"}},
            {"result",
             'r',
             Value::text,
             "RESULT",
             "only with this result",
             false,
             {"SUCCESS", "UNSTABLE", "FAILURE", "NOT_BUILT", "ABORTED"}},
            {"limit", 'n', Value::number, "N", "at most this many (50)"}},
           {},
           {},
           {},
           list_builds},
          {"show",
           "a build with its steps",
           "",
           {{"footman build show 17", "by its id"},
            {"footman build show team/app#3", "by its job and number"}},
           {},
           {kBuild},
           {},
           {},
           show_build},
          {"cancel",
           "cancel a build in any state",
           "A build that waits is finished at once; one that runs ends within its grace time.",
           {{"footman build cancel 17 --reason 'wrong branch'", "with a reason that others see"}},
           {{"reason", 0, Value::text, "TEXT", "shown with the build"}},
           {kBuild},
           {},
           {},
           cancel},
          {"logs",
           "the log of a build",
           "Prints the bytes that the build printed, unchanged. With --follow it goes on until the build is "
           "finished,\n"
           "over restarts of the server, and ends with the build's exit status; without, the exit code is 0.",
           {{"footman build logs 17", "all there is now"},
            {"footman build logs -f 17", "until it is finished"},
            {"footman build logs --timestamps 17", "with a time before every line"}},
           {{"follow", 'f', Value::none, "", "go on until the build is finished, end with its status"},
            {"timestamps", 0, Value::none, "",
             "when each line was printed; neither with --follow nor with --offset"},
            {"offset", 0, Value::number, "BYTES", "begin behind that many bytes"},
            {"attempt", 0, Value::number, "N", "of this attempt instead of the last one"}},
           {kBuild},
           {},
           {},
           logs},
          build_trace_command(),
      }};
}

}  // namespace footman::cli
