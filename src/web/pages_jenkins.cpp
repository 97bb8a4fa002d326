// Each Jenkins that gets agents.
#include <fmt/format.h>

#include <algorithm>

#include "web/pages.hpp"
#include "web/web.hpp"

namespace footman::web {
namespace {

template <class Row>
std::vector<Row> first_rows(const std::vector<Row>& all) {
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), kPageRows))};
}

Markup reach_badge(const ports::JenkinsStatus& one) {
  if (one.detached) return badge(Tone::plain, "detached");
  const auto tone = one.reach == "well" && one.trouble.empty() ? Tone::good
                    : one.reach == "unasked"                   ? Tone::waiting
                    : one.reach == "well"                      ? Tone::warning
                                                               : Tone::bad;
  return badge(tone, one.reach == "well" ? "reached" : one.reach);
}

// The fleet's reason where it is to get an agent, else why it gets none.
Markup why_of(const ports::JenkinsItem& item) {
  if (!item.text.empty()) return text(item.text);
  if (item.reason == nullptr) return text("An agent is being chosen for it.");
  return html("{}{}", item.reason->text,
              item.reason->agent.empty() ? Markup() : html(" {}", agent_link(item.reason->agent)));
}

std::string readable(std::string word) {
  std::ranges::replace(word, '_', ' ');
  return word;
}

Markup item_table(const std::vector<ports::JenkinsItem>& items, const View& view) {
  if (items.empty()) return nothing("Nothing waits there.");
  return html(
      R"(<table class="rows"><thead><tr><th scope="col">State</th><th scope="col">Build</th><th scope="col">Why it waits</th><th scope="col">Label</th><th scope="col">Waits</th></tr></thead><tbody>{}</tbody></table>)",
      each(first_rows(items), [&](const ports::JenkinsItem& one) {
        return html(
            R"(<tr><td data-label="State">{}</td><td data-label="Build"><bdi>{}</bdi></td><td data-label="Why it waits" class="wide">{}</td><td data-label="Label">{}</td><td data-label="Waits">{}</td></tr>)",
            badge(one.verdict == "wanted" ? Tone::waiting : Tone::plain, readable(one.verdict)), one.title,
            why_of(one), one.label ? label_of(*one.label) : text("not told"),
            how_long(one.since, Instant(), view.now));
      }));
}

Markup node_table(const std::vector<ports::JenkinsNode>& nodes, const View& view) {
  if (nodes.empty()) return nothing("No agent is there.");
  return html(
      R"(<table class="rows"><thead><tr><th scope="col">State</th><th scope="col">Node</th><th scope="col">Agent</th><th scope="col">Build</th><th scope="col">Made</th></tr></thead><tbody>{}</tbody></table>)",
      each(first_rows(nodes), [&](const ports::JenkinsNode& one) {
        return html(
            R"(<tr><td data-label="State">{}</td><td data-label="Node"><code>{}</code></td><td data-label="Agent">{}</td><td data-label="Build" class="wide"><bdi>{}</bdi> <span class="muted">{}</span></td><td data-label="Made">{}</td></tr>)",
            badge(one.working_since.is_set() ? Tone::active
                  : one.connected            ? Tone::good
                                             : Tone::waiting,
                  one.state),
            one.name, agent_link(one.agent), one.work, one.note, when(one.created, view.now));
      }));
}

Markup violation_list(const std::vector<std::string>& violations) {
  if (violations.empty()) return {};
  return html(R"(<h3>Second builds on nodes for one</h3><ul>{}</ul>)",
              each(violations, [](const std::string& one) { return html("<li>{}</li>", one); }));
}

Markup jenkins_card(const ports::JenkinsStatus& one, const View& view) {
  const auto count = [](std::size_t all) {
    return all <= kPageRows ? std::to_string(all) : fmt::format("the first {} of {}", kPageRows, all);
  };
  return html(
      R"(<section class="card"><h2><bdi>{}</bdi> {}</h2><p class="muted"><code>{}</code> {}</p>{}{}<h3>Waits there ({})</h3>{}<h3>Nodes of agents ({})</h3>{}{}</section>)",
      one.name, reach_badge(one), one.url, when(one.since, view.now),
      one.trouble.empty() ? Markup() : html(R"(<p class="callout warning">{}</p>)", one.trouble),
      one.detached || one.tells_labels || one.reach != "well"
          ? Markup()
          : html(
                R"(<p class="muted">Its placeholders do not stand yet: labels of pipeline steps may not be told.</p>)"),
      count(one.items.size()), item_table(one.items, view), count(one.nodes.size()),
      node_table(one.nodes, view), violation_list(one.violations));
}

}  // namespace

Page jenkins_page(const std::vector<ports::JenkinsStatus>& all, const View& view) {
  Page page;
  page.title = "Jenkins";
  page.section = Section::jenkins;
  page.events = "kinds=agent,plan";
  page.body =
      html(R"(<div class="heading"><h1>Jenkins</h1></div>{})",
           all.empty() ? html(R"(<div class="card">{}</div>)", nothing("No Jenkins is configured."))
                       : each(all, [&](const ports::JenkinsStatus& one) { return jenkins_card(one, view); }));
  return page;
}

}  // namespace footman::web
