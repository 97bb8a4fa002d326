#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "controller/views.hpp"
#include "model/look_again.hpp"
#include "web/pages.hpp"
#include "web/phases.hpp"
#include "web/web.hpp"

namespace footman::web {
namespace {

// --- lists

std::string_view why(const model::Build& build) { return build.reason.empty() ? build.cause : build.reason; }

Markup filters(const BuildsData& data) {
  struct Filter {
    std::string_view word, state, result;
  };
  static constexpr std::array<Filter, 8> kFilters{{{"All", "", ""},
                                                   {"Waiting", "queued", ""},
                                                   {"Running", "running", ""},
                                                   {"Success", "", "SUCCESS"},
                                                   {"Unstable", "", "UNSTABLE"},
                                                   {"Failure", "", "FAILURE"},
                                                   {"Not built", "", "NOT_BUILT"},
                                                   {"Aborted", "", "ABORTED"}}};
  return html(R"(<nav aria-label="Filter"><ul class="filters">{}</ul></nav>)",
              each(kFilters, [&](const Filter& one) {
                Url url("/ui/builds");
                if (!one.state.empty()) url.add("state", one.state);
                if (!one.result.empty()) url.add("result", one.result);
                return filter_link(one.word, url, one.state == data.state && one.result == data.result);
              }));
}

// --- one build

Markup expectation(Instant at, const View& view) {
  if (!at.is_set()) return {};
  return at > view.now ? html(R"( <span class="muted">Expected {}.</span>)", when(at, view.now))
                       : html(R"( <span class="muted">It takes longer than usual.</span>)");
}

Markup callout(const BuildData& data, const View& view) {
  const auto& build = data.story.told.build;
  if (build.state == model::BuildState::finished) {
    if (build.reason.empty()) return {};
    return html(R"(<p class="callout {}">{}</p>)", to_string(tone_of(build)), build.reason);
  }
  if (build.cancel_requested)
    return html(R"(<p class="callout warning">It is being cancelled: {}</p>)", build.cancel_reason);
  if (!data.story.told.queue) return {};
  const auto& reason = data.story.told.queue->reason;
  return html(R"(<p class="callout waiting"><strong>It waits:</strong> {}{}{}</p>)", reason.text,
              expectation(reason.expected_at, view),
              html(R"( <span class="muted">{}</span>)",
                   model::describe_look_again(reason.look_again, reason.look_again_on, view.now)));
}

Markup actions(const BuildData& data, const View& view) {
  const auto& build = data.story.told.build;
  if (!view.may_change()) return {};
  if (build.state == model::BuildState::finished)
    return html(
        R"(<div class="actions">{}</div>)",
        post_form(
            view, Url("/ui/builds/", build.id.str() + "/repeat"),
            html(
                R"(<input type="hidden" name="key" value="{}"><button type="submit" class="button">Run again</button>)",
                data.key)));
  if (build.cancel_requested) return {};
  return html(R"(<div class="actions">{}</div>)",
              post_button(view, Url("/ui/builds/", build.id.str() + "/cancel"), "Cancel", "button danger"));
}

// The builds before and after it, when an agent was lost.
Markup chain(const model::Build& build) {
  const auto link = [](std::string_view words, BuildId id) {
    return id.empty() ? Markup()
                      : html(R"( <span>{} <a href="{}">build {}</a></span>)", words, build_url(id), id.str());
  };
  return link("in place of", build.retry_of) + link("run again as", build.retried_by);
}

Markup summary(const BuildData& data, const View& view) {
  const auto& build = data.story.told.build;
  return html(
      R"(<p class="summary">{} <span>{}</span>{}{}{}{}</p>)", badge_of(build),
      build.cause.empty() ? "submitted" : build.cause,
      html(R"( <span>{}</span>)", when(build.submitted, view.now)),
      build.started.is_set() ? html(R"( <span>{} {}</span>)", build.finished.is_set() ? "took" : "for",
                                    how_long(build.started, build.finished, view.now))
                             : Markup(),
      data.story.agent ? html(R"( <span>agent {}</span>)", agent_link(data.story.agent->agent.id)) : Markup(),
      chain(build));
}

std::string ending_of(const model::StepRecord& step) {
  if (!step.finished.is_set()) return "running";
  if (step.out_of_memory) return "out of memory";
  if (step.signal != 0) return fmt::format("signal {}", step.signal);
  return step.exit_status ? fmt::format("exit {}", *step.exit_status) : "not known";
}

// Of what it used; empty while it runs.
std::string used(const model::StepRecord& step, std::string amount) {
  if (step.is_reported()) return amount;
  return step.finished.is_set() ? "not known" : "";
}

Markup step_table(const BuildData& data, const View& view) {
  if (data.story.told.steps.empty()) return {};
  return html(
      R"(<details><summary>What the steps used</summary><table class="rows"><thead><tr><th scope="col">Step</th><th scope="col">End</th><th scope="col">Took</th><th scope="col">CPU</th><th scope="col">Peak memory</th></tr></thead><tbody>{}</tbody></table></details>)",
      each(data.story.told.steps, [&](const model::StepRecord& step) {
        return html(
            R"(<tr><td data-label="Step"><bdi>{}</bdi></td><td data-label="End">{}</td><td data-label="Took">{}</td><td data-label="CPU">{}</td><td data-label="Peak memory">{}</td></tr>)",
            step.name, badge(tone_of(step), ending_of(step)), how_long(step.started, step.finished, view.now),
            used(step, format_duration(step.cpu_time)), used(step, format_bytes(step.peak_memory_bytes)));
      }));
}

Markup course(const BuildData& data, const View& view) {
  std::optional<model::Agent> agent;
  if (data.story.agent) agent = data.story.agent->agent;
  return html(R"(<section class="card" aria-labelledby="course"><h2 id="course">Timeline</h2>{}{}</section>)",
              draw_phases(phases_of(data.story.told, agent), view.now), step_table(data, view));
}

Markup considered(const BuildData& data, const View& view) {
  if (data.story.considered.empty()) return {};
  return html(
      R"(<section class="card" aria-labelledby="considered"><h2 id="considered">What the agent templates say</h2><ul class="plain">{}</ul></section>)",
      each(data.story.considered, [&](const fleet::Consideration& one) {
        return html(
            R"(<li><strong><bdi>{}</bdi></strong> <span class="muted">in <bdi>{}</bdi></span>: {} {}{}</li>)",
            one.template_name, one.cloud, one.text,
            model::describe_look_again(one.look_again, one.look_again_on, view.now),
            expectation(one.expected_at, view));
      }));
}

Markup attempts(const BuildData& data, const View& view) {
  if (data.story.told.assignments.empty()) return {};
  std::size_t number = 0;
  return html(
      R"(<section class="card" aria-labelledby="attempts"><h2 id="attempts">Agents it was given to</h2><table class="rows"><thead><tr><th scope="col">Attempt</th><th scope="col">Agent</th><th scope="col">State</th><th scope="col">Offered</th><th scope="col">Why it ended</th><th scope="col">Log</th></tr></thead><tbody>{}</tbody></table></section>)",
      each(data.story.told.assignments, [&](const model::Assignment& one) {
        Url log("/ui/builds/", data.story.told.build.id.str() + "/log");
        log.add("attempt", std::to_string(++number));
        return html(
            R"(<tr><td data-label="Attempt">{}</td><td data-label="Agent">{}</td><td data-label="State">{}</td><td data-label="Offered">{}</td><td data-label="Why it ended">{}</td><td data-label="Log"><a href="{}">Log</a></td></tr>)",
            number, agent_link(one.agent), model::to_string(one.state), when(one.offered, view.now),
            one.end_reason, log);
      }));
}

Markup parameters(const std::map<std::string, std::string>& values) {
  if (values.empty()) return {};
  return html(R"(<dl class="facts">{}</dl>)", each(values, [](const auto& pair) {
                return html(
                    R"(<div><dt class="mono"><bdi>{}</bdi></dt><dd class="mono"><bdi>{}</bdi></dd></div>)",
                    pair.first, pair.second);
              }));
}

Markup environment(const model::BuildSpec& spec) {
  if (spec.env.empty()) return {};
  return html(
      R"(<h3>Environment</h3><dl class="facts">{}</dl>)", each(spec.env, [](const model::EnvVar& one) {
        return html(R"(<div><dt class="mono"><bdi>{}</bdi></dt><dd class="mono">{}</dd></div>)", one.name,
                    one.secret_ref.empty()
                        ? html(R"(<bdi>{}</bdi>)", one.value)
                        : html(R"(<span class="muted">secret, from <bdi>{}</bdi></span>)", one.secret_ref));
      }));
}

Markup script_list(const model::BuildSpec& spec) {
  std::size_t number = 0;
  return each(spec.steps, [&](const model::StepSpec& step) {
    ++number;
    return html(
        R"(<details><summary><bdi>{}</bdi>{}{}</summary><pre class="script"><code>{}</code></pre></details>)",
        step.name.empty() ? fmt::format("step {}", number) : step.name,
        step.interpreter.empty() ? Markup() : html(R"( <code class="muted">{}</code>)", step.interpreter),
        unstable_note(step), step.script);
  });
}

Markup details(const BuildData& data, const View& view) {
  const auto& build = data.story.told.build;
  return html(
      R"(<section class="card" aria-labelledby="details"><h2 id="details">Details</h2>{}{}{}<h3>Steps</h3>{}</section>)",
      facts({{"Build", html("{}", build.id)},
             {"Job", build.job.empty() ? Markup()
                     : data.of_job     ? job_link(build.job)
                                       : html("<bdi>{}</bdi>", build.job)},
             {"Label", label_of(build.spec.label)},
             {"Submitted", when_exactly(build.submitted, view.now)},
             {"Started", when_exactly(build.started, view.now)},
             {"Finished", when_exactly(build.finished, view.now)},
             {"Exit status", build.exit_status ? html("{}", *build.exit_status) : Markup()},
             {"Time-out",
              build.spec.timeout.count() > 0 ? text(format_duration(build.spec.timeout)) : Markup()},
             {"Cost", cost_of(data.story.cost)}}),
      build.parameters.empty() ? Markup() : html("<h3>Parameters</h3>{}", parameters(build.parameters)),
      environment(build.spec), script_list(build.spec));
}

}  // namespace

Markup facts(const std::vector<std::pair<std::string_view, Markup>>& rows) {
  return html(R"(<dl class="facts">{}</dl>)", each(rows, [](const auto& row) {
                return row.second.empty()
                           ? Markup()
                           : html(R"(<div><dt>{}</dt><dd>{}</dd></div>)", row.first, row.second);
              }));
}

Markup build_table(const std::vector<model::Build>& builds, const View& view) {
  return html(
      R"(<table class="rows"><thead><tr><th scope="col">State</th><th scope="col">Build</th><th scope="col">Why</th><th scope="col">Submitted</th><th scope="col">Took</th></tr></thead><tbody>{}</tbody></table>)",
      each(builds, [&](const model::Build& build) {
        return html(
            R"(<tr><td data-label="State">{}</td><td data-label="Build">{}</td><td data-label="Why" class="wide">{}</td><td data-label="Submitted">{}</td><td data-label="Took">{}</td></tr>)",
            badge_of(build), build_link(build), why(build), when(build.submitted, view.now),
            how_long(build.started, build.finished, view.now));
      }));
}

// "api_answered" for people.
static std::string words_of(std::string kind) {
  std::ranges::replace(kind, '_', ' ');
  return kind;
}

Markup history_list(const std::vector<model::TimelineEntry>& entries, const View&) {
  if (entries.empty()) return nothing("Nothing has been noted yet.");
  const auto first = entries.front().at;
  const auto skipped = entries.size() > kMaxTimelineRows ? entries.size() - kMaxTimelineRows : 0;
  const std::vector<model::TimelineEntry> shown(entries.begin() + static_cast<std::ptrdiff_t>(skipped),
                                                entries.end());
  return html(
      R"({}<ol class="history">{}</ol>)",
      skipped == 0 ? Markup() : html(R"(<p class="muted">{} earlier lines are not shown.</p>)", skipped),
      each(shown, [&](const model::TimelineEntry& entry) {
        return html(
            R"(<li><time datetime="{}" title="{}">+{}</time> <span class="kind">{}</span> <span>{}</span></li>)",
            format_rfc3339(entry.at), format_rfc3339(entry.at), format_duration(entry.at - first),
            words_of(entry.kind), entry.text);
      }));
}

Markup filter_link(std::string_view word, const Url& url, bool chosen) {
  return html(R"(<li><a href="{}"{}>{}</a></li>)", url, attribute_if(chosen, "aria-current", "true"), word);
}

Page builds_page(const BuildsData& data, const View& view) {
  Page page;
  page.title = "Builds";
  page.section = Section::builds;
  page.events = "kinds=build";
  page.body =
      html(R"(<div class="heading"><h1>Builds</h1>{}</div>{}<div class="card">{}</div>{})",
           view.may_change()
               ? html(R"(<div class="actions"><a class="button" href="/ui/run">Run a command</a></div>)")
               : Markup(),
           filters(data), data.builds.empty() ? nothing("No such builds.") : build_table(data.builds, view),
           pager(data.newest, data.older));
  return page;
}

Page build_page(const BuildData& data, const View& view) {
  const auto& build = data.story.told.build;
  Page page;
  const auto title = controller::title_of(build);
  page.title = fmt::format("{}: {}", title, word_of(build));
  page.section = Section::builds;
  page.events = "build=" + build.id.str();
  if (data.story.told.queue) page.events += "&kinds=agent,build,plan,queue_item,step";
  if (data.story.agent) page.events += "&agent=" + net::percent_encode(data.story.agent->agent.id.str());
  page.body = html(
      R"(<div class="heading"><h1 id="title" data-announce="{}"><bdi>{}</bdi></h1>{}</div>{}{}{}{}{}<div class="columns">{}<section class="card" aria-labelledby="history"><h2 id="history">History</h2>{}</section></div>{})",
      fmt::format("{} is {}", title, word_of(build)), title, actions(data, view), summary(data, view),
      callout(data, view), course(data, view),
      log_box(data.log, build.id, build.state != model::BuildState::finished), considered(data, view),
      details(data, view), history_list(data.story.told.timeline, view), attempts(data, view));
  return page;
}

}  // namespace footman::web
