// Queue, agents, clouds.
#include <fmt/format.h>

#include <algorithm>

#include "fleet/frozen_request.hpp"
#include "web/pages.hpp"

namespace footman::web {
namespace {

Markup end_of(const model::Agent& agent) {
  if (agent.end_reason == model::EndReason::none) return {};
  return text(model::describe_end(agent.end_reason, agent.end_detail));
}

bool has_death(const model::DeathCertificate& death) { return death != model::DeathCertificate(); }

bool ended_well(const model::Agent& agent) {
  const auto& death = agent.death;
  return agent.state == model::AgentState::terminated && death.exit_status.value_or(0) == 0 &&
         death.signal == 0 && !death.out_of_memory;
}

Markup end_card(const model::Agent& agent) {
  const auto& death = agent.death;
  if (agent.end_reason == model::EndReason::none && !has_death(death)) return {};
  return html(R"(<section class="card" aria-labelledby="death"><h2 id="death">{}</h2>{}</section>)",
              ended_well(agent) ? "Its end" : "Death certificate",
              facts({{"Why", end_of(agent)},
                     {"How", text(death.text)},
                     {"Exit status", death.exit_status ? html("{}", *death.exit_status) : Markup()},
                     {"Signal", death.signal != 0 ? html("{}", death.signal) : Markup()},
                     {"Memory", death.out_of_memory ? html("It was ended for want of memory.") : Markup()}}));
}

Markup work_table(const AgentData& data, const std::string& node, const View& view) {
  if (!node.empty()) return nothing("Its builds are in Jenkins; the timeline names them.");
  if (data.story.work.empty()) return nothing("It has been given no build yet.");
  return html(
      R"(<table class="rows"><thead><tr><th scope="col">Build</th><th scope="col">State</th><th scope="col">Offered</th><th scope="col">Took</th><th scope="col">Why it ended</th></tr></thead><tbody>{}</tbody></table>)",
      each(data.story.work, [&](const model::Assignment& one) {
        return html(
            R"(<tr><td data-label="Build"><a href="{}">build {}</a></td><td data-label="State">{}</td><td data-label="Offered">{}</td><td data-label="Took">{}</td><td data-label="Why it ended">{}</td></tr>)",
            build_url(one.build), one.build, model::to_string(one.state), when(one.offered, view.now),
            how_long(one.started, one.ended, view.now), one.end_reason);
      }));
}

Markup host_facts(const std::optional<controller::NodeView>& node) {
  if (!node || !node->host) return {};
  const auto& host = *node->host;
  return html(R"(<section class="card" aria-labelledby="host"><h2 id="host">Its machine</h2>{}</section>)",
              facts({{"Host name", text(host.hostname)},
                     {"System", text(fmt::format("{} {}", host.os, host.arch))},
                     {"Processors", html("{}", host.cpus)},
                     {"Memory", text(format_bytes(host.memory_bytes))},
                     {"Agent version", text(host.agent_version)},
                     {"Connected from", text(host.peer)}}));
}

Markup agent_actions(const AgentData& data, const View& view) {
  const auto& agent = data.story.agent.agent;
  if (!view.may_change() || agent.state == model::AgentState::terminated ||
      agent.state == model::AgentState::terminating)
    return {};
  return html(
      R"(<div class="actions">{}<details class="menu"><summary class="button danger">End now</summary><div class="card"><p>A build that runs on it ends as a failure; work that has not started goes back to the queue.</p>{}</div></details></div>)",
      agent.state == model::AgentState::draining
          ? Markup()
          : post_button(view, Url("/ui/agents/", agent.id.str() + "/drain"), "Drain"),
      post_button(view, Url("/ui/agents/", agent.id.str() + "/terminate"), "End the agent now",
                  "button danger"));
}

Markup cap_of(std::uint32_t used, std::uint32_t cap) {
  if (cap == 0) return html(R"({} <span class="muted">no cap</span>)", used);
  return html(
      R"(<meter min="0" max="{}" value="{}" aria-label="Agents of the cap">{} of {}</meter> {} of {})", cap,
      std::min(used, cap), used, cap, used, cap);
}

Markup breaker_badge(const fleet::BreakerView& breaker) {
  if (breaker.state == "open") return badge(Tone::warning, "open");
  if (breaker.state == "half_open") return badge(Tone::warning, "half-open");
  if (breaker.state == "disabled") return badge(Tone::bad, "disabled");
  return badge(Tone::good, "ready");
}

Markup what_is_tried_next(const fleet::BreakerView& breaker, const View& view) {
  if (breaker.state == "disabled")
    return html(
        "Nothing is launched until its configuration changes, the server is restarted, or somebody "
        "wants it to be tried.");
  if (breaker.state == "half_open")
    return html("{} is tried; the others wait for it.", agent_link(breaker.probe));
  if (breaker.next_probe > view.now)
    return html("One agent is tried {}.", when(breaker.next_probe, view.now));
  return html("One agent is tried for the next build that waits.");
}

Markup variant_fact(const fleet::VariantView& variant, const View& view) {
  if (!variant.rests_until.is_set()) return {};
  return html(R"( <span>{} rests, until {} <span class="muted">{}</span></span>)", variant.name,
              when(variant.rests_until, view.now), variant.reason);
}

Markup breaker_facts(const fleet::BreakerView& breaker, const View& view) {
  return html(R"( <span>{} <span class="muted">{}, {}, {}</span></span> <span>{}</span>)", breaker.reason,
              breaker.failure,
              breaker.failures == 1 ? std::string("1 failure")
                                    : fmt::format("{} failures in a row", breaker.failures),
              when(breaker.since, view.now), what_is_tried_next(breaker, view));
}

std::string kind_of(std::uint32_t max_builds) {
  if (max_builds == 1) return "one build each";
  return max_builds == 0 ? "kept while there is work" : fmt::format("up to {} builds each", max_builds);
}

Markup goal_fact(const fleet::PoolView& pool, const View& view) {
  if (!pool.goal) return {};
  if (!pool.answer)
    return html(R"( <span class="muted">goal: {}; its size is being found</span>)",
                model::describe(*pool.goal));
  return html(R"( <span class="muted">goal: {}; {} {}</span>)", model::describe(*pool.goal),
              pool.answer->text, when(pool.answer->at, view.now));
}

Markup pool_facts(const fleet::PoolView& pool, const View& view) {
  return html(
             R"( <span class="muted">pool: {} ready of {} wanted, {} on the way; {} of {} builds served at once{}{}</span>)",
             pool.idle, pool.target, pool.on_way, pool.hits, pool.hits + pool.misses,
             pool.trouble.empty() ? "" : "; ", pool.trouble) +
         goal_fact(pool, view);
}

Markup idle_fact(const fleet::TemplateView& one) {
  if (one.idle_time < 1s) return {};
  return html(R"( <span class="muted">idle for {}{}</span>)", format_duration(one.idle_time),
              one.idle_cost.is_zero() ? "" : fmt::format(" ({})", model::format_money(one.idle_cost)));
}

Markup template_table(const fleet::CloudView& cloud, const View& view) {
  if (cloud.templates.empty()) return nothing("It has no agent templates.");
  return html(
      R"(<table class="rows"><caption class="hidden">Agent templates</caption><thead><tr><th scope="col">Template</th><th scope="col">Labels</th><th scope="col">Agents</th><th scope="col">Price</th><th scope="col">Kind</th><th scope="col">State</th></tr></thead><tbody>{}</tbody></table>)",
      each(cloud.templates, [&](const fleet::TemplateView& one) {
        return html(
            R"(<tr><td data-label="Template"><bdi>{}</bdi> <span class="muted">generation {}</span></td><td data-label="Labels">{}{}</td><td data-label="Agents">{}{}</td><td data-label="Price">{}</td><td data-label="Kind">{}</td><td data-label="State" class="wide">{}{}</td></tr>)",
            one.name, one.generation, labels(one.labels),
            one.is_default ? html(R"(<span class="muted">takes builds without a label</span>)") : Markup(),
            cap_of(one.holding, one.cap),
            (one.pool ? pool_facts(*one.pool, view) : Markup()) + idle_fact(one), price_of(one.price),
            kind_of(one.max_builds), breaker_badge(one.breaker),
            (one.held ? breaker_facts(one.breaker, view) : Markup()) +
                each(one.variants,
                     [&](const fleet::VariantView& variant) { return variant_fact(variant, view); }));
      }));
}

Markup cloud_actions(const fleet::CloudView& cloud, const View& view) {
  if (!view.may_change() || !cloud.is_configured) return {};
  const auto resume = Url("/ui/clouds/", cloud.name.str() + "/resume");
  if (cloud.pause.since.is_set()) return post_button(view, resume, "Resume launches");
  const auto waits = [](const fleet::TemplateView& one) { return one.held && one.breaker.probe.empty(); };
  return (std::ranges::any_of(cloud.templates, waits)
              ? post_button(view, resume, "Try an agent of held templates now")
              : Markup()) +
         post_button(view, Url("/ui/clouds/", cloud.name.str() + "/pause"), "Pause launches");
}

Markup cloud_card(const fleet::CloudView& cloud, const View& view) {
  const bool paused = cloud.pause.since.is_set();
  return html(
      R"(<section class="card"><h2><bdi>{}</bdi> {}{}</h2>{}{}{}{}{}{}</section>)", cloud.name,
      cloud.healthy ? badge(Tone::good, "answers")
                    : badge(Tone::bad, cloud.is_configured ? "does not answer" : "not configured"),
      paused ? badge(Tone::warning, "paused") : Markup(),
      paused
          ? html(
                R"(<p class="callout warning">Launches no agents: paused {} <span class="muted">{}</span></p>)",
                cloud.pause.text, when(cloud.pause.since, view.now))
          : Markup(),
      cloud.trouble.empty() ? Markup()
                            : html(R"(<p class="callout warning">{} <span class="muted">{}</span></p>)",
                                   cloud.trouble, when(cloud.trouble_since, view.now)),
      cloud.warning.empty() ? Markup() : html(R"(<p class="callout warning">{}</p>)", cloud.warning),
      facts({{"Agents", cap_of(cloud.starting + cloud.online + cloud.ending, cloud.cap)},
             {"Of these",
              html("{} starting, {} online, {} ending", cloud.starting, cloud.online, cloud.ending)},
             {"Last listed", when_exactly(cloud.last_listed, view.now)}}),
      template_table(cloud, view), cloud_actions(cloud, view));
}

// One word of a person settles both.
Markup hold_callout(const std::optional<fleet::Hold>& hold, std::size_t builds, const View& view) {
  if (!hold && builds == 0) return {};
  const auto* label = !hold         ? "Let these builds run"
                      : builds == 0 ? "End these agents"
                                    : "End these agents, let these builds run";
  return html(
      R"(<div class="callout warning">{}{}<p>Do so here or with <code>footman reconcile --apply</code>. If this server is a copy of another one, stop it instead.</p>{}</div>)",
      hold
          ? html(
                R"(<p>{} of {} agents that live in the clouds have no record here and are not ended: {} Look at the findings; then end them.</p>)",
                hold->would_end, hold->seen, hold->text)
          : Markup(),
      builds > 0
          ? html(
                R"(<p>{} builds that waited in this database may have run since, and wait in the <a href="{}">queue</a>: cancel those that must not run again; then let the others run.</p>)",
                builds, Url("/ui/queue"))
          : Markup(),
      view.may_change() ? post_button(view, Url("/ui/reconcile/apply"), label) : Markup());
}

Markup reconcile_card(const fleet::ReconcileView& reconcile, std::size_t doubtful_builds, const View& view) {
  return html(
      R"(<section class="card" aria-labelledby="reconcile"><h2 id="reconcile">Records and clouds compared</h2><p>{}</p>{}{}</section>)",
      reconcile.at.is_set() ? html(R"({} agents agree, {} findings, {}.)", reconcile.matched,
                                   reconcile.findings.size(), when(reconcile.at, view.now))
                            : html(R"(Not yet.)"),
      hold_callout(reconcile.held, doubtful_builds, view),
      reconcile.findings.empty()
          ? Markup()
          : html(
                R"(<table class="rows"><thead><tr><th scope="col">Finding</th><th scope="col">Agent</th><th scope="col">Cloud</th><th scope="col">What</th></tr></thead><tbody>{}</tbody></table>)",
                each(reconcile.findings, [](const fleet::Finding& one) {
                  return html(
                      R"(<tr><td data-label="Finding">{}</td><td data-label="Agent">{}</td><td data-label="Cloud"><bdi>{}</bdi></td><td data-label="What" class="wide">{}</td></tr>)",
                      fleet::to_string(one.verdict), agent_link(one.agent), one.cloud, fleet::sentence(one));
                })));
}

}  // namespace

Markup agent_table(const std::vector<fleet::AgentView>& agents, const View& view) {
  return html(
      R"(<table class="rows"><thead><tr><th scope="col">State</th><th scope="col">Agent</th><th scope="col">Template</th><th scope="col">Builds</th><th scope="col">Planned</th><th scope="col">Lived</th><th scope="col">End</th></tr></thead><tbody>{}</tbody></table>)",
      each(agents, [&](const fleet::AgentView& one) {
        return html(
            R"(<tr><td data-label="State">{}</td><td data-label="Agent">{}</td><td data-label="Template"><bdi>{}</bdi> <span class="muted">in <bdi>{}</bdi></span></td><td data-label="Builds">{}</td><td data-label="Planned">{}</td><td data-label="Lived">{}</td><td data-label="End" class="wide">{}</td></tr>)",
            badge_of(one), agent_link(one.agent.id), one.agent.template_name, one.agent.cloud,
            std::max(one.agent.builds_done, one.observation.builds_done), when(one.agent.planned, view.now),
            how_long(one.agent.planned, one.agent.ended, view.now), end_of(one.agent));
      }));
}

Markup queue_table(const std::vector<controller::QueueEntry>& entries, const View& view) {
  return html(
      R"(<table class="rows"><thead><tr><th scope="col">State</th><th scope="col">Build</th><th scope="col">Why it waits</th><th scope="col">Label</th><th scope="col">Waits</th></tr></thead><tbody>{}</tbody></table>)",
      each(entries, [&](const controller::QueueEntry& entry) {
        return html(
            R"(<tr><td data-label="State">{}</td><td data-label="Build"><a href="{}"><bdi>{}</bdi></a></td><td data-label="Why it waits" class="wide">{}{}</td><td data-label="Label">{}</td><td data-label="Waits">{}</td></tr>)",
            badge_of(entry.view), build_url(entry.item.build), entry.title, entry.reason.text,
            entry.reason.agent.empty() ? Markup() : html(R"( {})", agent_link(entry.reason.agent)),
            label_of(entry.item.label), how_long(entry.item.since, Instant(), view.now));
      }));
}

Page queue_page(const QueueData& data, const View& view) {
  Page page;
  page.title = "Queue";
  page.section = Section::queue;
  page.events = "kinds=queue_item,plan,agent";
  page.body =
      html(R"(<div class="heading"><h1>Queue</h1><p class="muted">{}</p></div><div class="card">{}</div>{})",
           data.total == 1 ? "1 build waits" : fmt::format("{} builds wait", data.total),
           data.entries.empty() ? nothing("Nothing waits.") : queue_table(data.entries, view),
           pager(data.newest, data.older));
  return page;
}

Page agents_page(const AgentsData& data, const View& view) {
  Page page;
  page.title = "Agents";
  page.section = Section::agents;
  page.events = "kinds=agent";
  Url ended("/ui/agents");
  ended.add("ended", "true");
  page.body = html(
      R"(<div class="heading"><h1>Agents</h1></div><nav aria-label="Filter"><ul class="filters"><li><a href="/ui/agents"{}>There now</a></li><li><a href="{}"{}>Also ended</a></li></ul></nav><div class="card">{}</div>{})",
      attribute_if(!data.ended, "aria-current", "true"), ended,
      attribute_if(data.ended, "aria-current", "true"),
      !data.agents.empty() ? agent_table(data.agents, view)
      : data.ended         ? nothing("No agent has been launched yet.")
                           : nothing("No agent is there. One is launched when a build waits."),
      pager(data.newest, data.older));
  return page;
}

Page agent_page(const AgentData& data, const View& view) {
  const auto& agent = data.story.agent.agent;
  const auto request = fleet::parse_request(agent.frozen_request);
  const auto node = request && request->spec.endpoint.program == ports::AgentProgram::jenkins
                        ? request->spec.endpoint.name
                        : std::string();
  Page page;
  page.title = agent.id.str();
  page.section = Section::agents;
  page.events = "agent=" + net::percent_encode(agent.id.str());
  page.body = html(
      R"(<div class="heading"><h1 class="mono">{}</h1>{}</div><p class="summary">{} <span>template <bdi>{}</bdi> in <a href="/ui/clouds"><bdi>{}</bdi></a></span> <span>lived {}</span></p>{}
<div class="columns"><div><section class="card" aria-labelledby="life"><h2 id="life">Life</h2>{}</section>{}</div><section class="card" aria-labelledby="history"><h2 id="history">Timeline</h2>{}</section></div><section class="card" aria-labelledby="work"><h2 id="work">Builds</h2>{}</section>)",
      agent.id, agent_actions(data, view), badge_of(data.story.agent), agent.template_name, agent.cloud,
      how_long(agent.planned, agent.ended, view.now), end_card(agent),
      facts({{"Jenkins", node.empty() ? Markup() : html(R"(<a href="/ui/jenkins">{}</a>)", agent.controller)},
             {"Node there", node.empty() ? Markup() : html("<code>{}</code>", node)},
             {"Launched for", request ? text(request->spec.work) : Markup()},
             {"Trouble", text(data.story.agent.trouble)},
             {"Labels", labels(agent.labels)},
             {"Kind", text(kind_of(agent.max_builds))},
             {"Launched for queue item",
              node.empty() && !agent.for_item.empty() ? text(agent.for_item) : Markup()},
             {"Promised to queue item",
              node.empty() && !agent.promised_to.empty() ? text(agent.promised_to) : Markup()},
             {"Planned", when_exactly(agent.planned, view.now)},
             {"Cloud answered", when_exactly(agent.launched, view.now)},
             {"Connected", when_exactly(agent.connected, view.now)},
             {"Must connect until",
              agent.connected.is_set() ? Markup() : when_exactly(agent.launch_deadline, view.now)},
             {"Ended", when_exactly(agent.ended, view.now)},
             {"The cloud's name for it",
              agent.handle.empty() ? Markup() : html("<code>{}</code>", agent.handle)},
             {"Launch attempt", html("{}", agent.attempt)},
             {"Template generation", html("{}", agent.template_generation)},
             {"Size", text(model::format_size(agent.size))},
             {"Price", price_of(agent.price)},
             {"Cost", cost_of(data.story.cost)}}),
      host_facts(data.node), history_list(data.story.timeline, view), work_table(data, node, view));
  return page;
}

Page clouds_page(const CloudsData& data, const View& view) {
  Page page;
  page.title = "Clouds";
  page.section = Section::clouds;
  page.events = "kinds=agent,cloud,plan,config";
  page.body = html(
      R"(<div class="heading"><h1>Clouds</h1></div>{}{}<p class="muted">What to launch was decided last: {}. Launches: {}; waiting: {}.</p>)",
      data.clouds.empty() ? html(R"(<div class="card">{}</div>)", nothing("No cloud is configured."))
                          : each(data.clouds, [&](const auto& cloud) { return cloud_card(cloud, view); }),
      reconcile_card(data.reconcile, data.doubtful_builds, view),
      data.plan.at.is_set() ? when(data.plan.at, view.now) : text("not yet"), data.plan.launches,
      data.plan.items.size());
  return page;
}

}  // namespace footman::web
