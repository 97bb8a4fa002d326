#include <algorithm>

#include "web/pages.hpp"

namespace footman::web {
namespace {

Markup number_card(std::string_view name, std::size_t number, const Url& url, std::string_view detail) {
  return html(
      R"(<a class="card figure" href="{}"><span class="figure-name">{}</span> <strong>{}</strong> <span class="muted">{}</span></a>)",
      url, name, number, detail);
}

Markup figures(const OverviewData& data) {
  std::size_t starting = 0;
  std::size_t online = 0;
  for (const auto& cloud : data.clouds) {
    starting += cloud.starting;
    online += cloud.online;
  }
  const auto troubled = static_cast<std::size_t>(std::ranges::count_if(
      data.clouds, [](const auto& cloud) { return !cloud.trouble.empty() || !cloud.healthy; }));
  Url running("/ui/builds");
  running.add("state", "running");
  return html(R"(<div class="figures">{}{}{}{}</div>)",
              number_card("Running", data.running_size, running, data.running_size == 1 ? "build" : "builds"),
              number_card("Waiting", data.queue_size, Url("/ui/queue"), "in the queue"),
              number_card("Agents", online, Url("/ui/agents"),
                          starting == 0 ? "online" : std::to_string(starting) + " more starting"),
              number_card("Clouds", data.clouds.size(), Url("/ui/clouds"),
                          troubled == 0 ? "all well" : std::to_string(troubled) + " in trouble"));
}

Markup troubles(const OverviewData& data) {
  Markup all;
  if (data.storage_full)
    all += html(
        R"(<p class="callout bad" role="alert">There is no space left for rows or logs. Nothing is acknowledged and no agent is launched until there is; it recovers by itself.</p>)");
  for (const auto& cloud : data.clouds) {
    if (cloud.trouble.empty()) continue;
    all += html(R"(<p class="callout warning">Cloud <a href="/ui/clouds"><bdi>{}</bdi></a>: {}</p>)",
                cloud.name, cloud.trouble);
  }
  return all;
}

Markup first_steps(const View& view) {
  return html(
      R"(<section class="card welcome" aria-labelledby="first-steps"><h2 id="first-steps">First steps</h2>
<p>No build has run here yet. An agent is launched when there is work, and gone when it is done.</p>
<ol><li>Run a command on an agent of its own:
<pre class="command"><code>footman run -- echo Hello world</code></pre></li>
<li>Create a job, with parameters and steps, and start it whenever you like:
<pre class="command"><code>footman job create hello --step 'echo Hello world'
footman build start hello --follow</code></pre></li></ol>
{}</section>)",
      view.may_change()
          ? html(
                R"(<p class="actions"><a class="button primary" href="/ui/run">Run a command</a> <a class="button" href="/ui/new-job">Create a job</a></p>)")
          : Markup());
}

Markup section(std::string_view id, std::string_view title, const Url& more, const Markup& content) {
  return html(
      R"(<section class="card" aria-labelledby="{}"><h2 id="{}"><a href="{}">{}</a></h2>{}</section>)", id,
      id, more, title, content);
}

}  // namespace

Page overview_page(const OverviewData& data, const View& view) {
  Page page;
  page.title = "Overview";
  page.section = Section::overview;
  page.events = "kinds=build,queue_item,agent,job,config";
  const bool nothing_yet = data.running.empty() && data.recent.empty() && data.queue_size == 0;
  Markup sections;
  if (nothing_yet) sections += first_steps(view);
  if (!data.running.empty()) {
    Url running("/ui/builds");
    running.add("state", "running");
    sections += section("running", "Running", running, build_table(data.running, view));
  }
  if (!data.queue.empty())
    sections += section("waiting", "Waiting", Url("/ui/queue"), queue_table(data.queue, view));
  if (!data.agents.empty())
    sections += section("agents", "Agents", Url("/ui/agents"), agent_table(data.agents, view));
  if (!data.recent.empty())
    sections += section("recent", "Recent builds", Url("/ui/builds"), build_table(data.recent, view));
  page.body =
      html(R"(<div class="heading"><h1>Overview</h1>{}</div>{}{}{})",
           view.may_change() && !nothing_yet
               ? html(R"(<div class="actions"><a class="button" href="/ui/run">Run a command</a></div>)")
               : Markup(),
           troubles(data), figures(data), sections);
  return page;
}

}  // namespace footman::web
