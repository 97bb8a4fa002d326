#include "web/words.hpp"

#include <fmt/format.h>

#include <array>

#include "base/ascii.hpp"
#include "controller/views.hpp"

namespace footman::web {
namespace {

struct Unit {
  Duration size;
  std::string_view name;
};
constexpr std::array<Unit, 4> kUnits{{{24h, "d"}, {1h, "h"}, {1min, "min"}, {1s, "s"}}};

std::string rough(Duration duration) {
  for (const auto& unit : kUnits)
    if (duration >= unit.size) return fmt::format("{} {}", duration / unit.size, unit.name);
  return "0 s";
}

Markup icon_of(Tone tone) {
  switch (tone) {
    case Tone::good:
      return html(R"(<path d="M3.5 8.5l3 3 6-7"/>)");
    case Tone::bad:
      return html(R"(<path d="M4.5 4.5l7 7m0-7l-7 7"/>)");
    case Tone::warning:
      return html(R"(<path d="M8 3.5v5.5m0 3v.5"/>)");
    case Tone::active:
      return html(R"(<path d="M8 2.5a5.5 5.5 0 1 1-5.5 5.5"/>)");
    case Tone::waiting:
      return html(R"(<circle cx="8" cy="8" r="5.7"/><path d="M8 5v3.2l2 1.3"/>)");
    case Tone::plain:
      break;
  }
  return html(R"(<path d="M4 8h8"/>)");
}

}  // namespace

// --- times

std::string relative_time(Instant at, Instant now) {
  if (at > now + 1s) return "in " + rough(at - now);
  const auto age = now - at;
  return age < 2s ? "just now" : rough(age) + " ago";
}

std::string utc_time(Instant at) {
  const auto text = format_rfc3339(at);  // 2026-11-24T08:40:15.123Z
  return text.substr(0, 10) + " " + text.substr(11, 8) + " UTC";
}

Markup when(Instant at, Instant now) {
  if (!at.is_set()) return {};
  return html(R"(<time class="relative" datetime="{}" title="{}">{}</time>)", format_rfc3339(at),
              utc_time(at), relative_time(at, now));
}

Markup when_exactly(Instant at, Instant now) {
  if (!at.is_set()) return {};
  const auto full = format_rfc3339(at);
  return html(
      R"(<time datetime="{}">{}</time> <span class="muted">(<time class="relative" datetime="{}">{}</time>)</span>)",
      full, utc_time(at), full, relative_time(at, now));
}

Markup price_of(const model::Price& price) {
  if (price.per_hour.is_zero()) return html(R"(<span class="muted">free</span>)");
  return html("{}", model::format_hourly_price(price.per_hour));
}

Markup cost_of(const api::ShownCost& shown) {
  const auto& cost = shown.cost;
  if (cost.total().is_zero()) return {};
  return html(R"({}{} <span class="muted">{} of work in {}, {} idle in {}</span>)",
              model::format_money(cost.total()), shown.is_final ? "" : " so far",
              model::format_money(cost.useful), format_duration(cost.useful_time),
              model::format_money(cost.idle), format_duration(cost.idle_time));
}

Markup how_long(Instant from, Instant to, Instant now) {
  if (!from.is_set()) return {};
  if (to.is_set()) return html(R"(<span class="number">{}</span>)", format_duration(to - from));
  return html(R"(<span class="number" data-since="{}">{}</span>)", format_rfc3339(from),
              format_duration(now - from));
}

std::string sentence(std::string_view message) {
  auto text = base::with_capital(message);
  if (text.empty()) return text;
  if (!std::string_view(".!?").contains(text.back())) text += '.';
  return text;
}

// --- states

std::string_view to_string(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "plain";
    case Tone::good:
      return "good";
    case Tone::bad:
      return "bad";
    case Tone::warning:
      return "warning";
    case Tone::active:
      return "active";
    case Tone::waiting:
      return "waiting";
  }
  return "plain";
}

Markup badge(Tone tone, std::string_view word) {
  return html(
      R"(<span class="badge {}"><svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">{}</svg>{}</span>)",
      to_string(tone), icon_of(tone), base::with_capital(word));
}

Tone tone_of(const model::Build& build) {
  if (build.state == model::BuildState::queued) return Tone::waiting;
  if (build.state == model::BuildState::running) return Tone::active;
  switch (build.result) {
    case model::BuildResult::success:
      return Tone::good;
    case model::BuildResult::failure:
      return Tone::bad;
    case model::BuildResult::unstable:
      return Tone::warning;
    case model::BuildResult::none:
    case model::BuildResult::not_built:
    case model::BuildResult::aborted:
      break;
  }
  return Tone::plain;
}

std::string_view word_of(const model::Build& build) {
  if (build.state == model::BuildState::queued) return "Waiting";
  if (build.state == model::BuildState::running) return build.cancel_requested ? "Cancelling" : "Running";
  switch (build.result) {
    case model::BuildResult::success:
      return "Success";
    case model::BuildResult::failure:
      return "Failure";
    case model::BuildResult::unstable:
      return "Unstable";
    case model::BuildResult::not_built:
      return "Not built";
    case model::BuildResult::aborted:
      return "Aborted";
    case model::BuildResult::none:
      break;
  }
  return "Finished";
}

Markup badge_of(const model::Build& build) { return badge(tone_of(build), word_of(build)); }

Markup badge_of(model::AgentState state) {
  switch (state) {
    case model::AgentState::planned:
    case model::AgentState::launching:
    case model::AgentState::connecting:
      return badge(Tone::waiting, model::to_string(state));
    case model::AgentState::online:
      return badge(Tone::good, "online");
    case model::AgentState::draining:
    case model::AgentState::terminating:
      return badge(Tone::warning, model::to_string(state));
    case model::AgentState::failed:
    case model::AgentState::lost:
      return badge(Tone::bad, model::to_string(state));
    case model::AgentState::terminated:
      break;
  }
  return badge(Tone::plain, model::to_string(state));
}

Markup badge_of(const fleet::AgentView& view) {
  if (view.agent.state != model::AgentState::online) return badge_of(view.agent.state);
  switch (view.observation.activity) {
    case ports::AgentActivity::busy:
      return badge(Tone::active, "busy");
    case ports::AgentActivity::idle:
      return badge(Tone::good, "idle");
    case ports::AgentActivity::disconnected:
      return badge(Tone::warning, "disconnected");
    case ports::AgentActivity::lost:
      return badge(Tone::bad, "lost");
    default:
      return badge_of(view.agent.state);
  }
}

Markup badge_of(model::ItemView view) {
  switch (view) {
    case model::ItemView::blocked:
      return badge(Tone::warning, "blocked");
    case model::ItemView::pending:
      return badge(Tone::active, "pending");
    default:
      return badge(Tone::waiting, model::to_string(view));
  }
}

// --- names

Markup labels(const std::vector<std::string>& names) {
  return each(names, [](const auto& name) { return html(R"(<span class="label">{}</span> )", name); });
}

Markup label_of(std::string_view expression) {
  if (expression.empty()) return html(R"(<span class="muted">any default agent</span>)");
  return html(R"(<span class="label">{}</span>)", expression);
}

Url build_url(BuildId id) { return {"/ui/builds/", id.str()}; }
Url job_url(const JobPath& path) { return {"/ui/jobs/", path.str()}; }
Url agent_url(const AgentId& id) { return {"/ui/agents/", id.str()}; }

Markup agent_link(const AgentId& id) {
  if (id.empty()) return {};
  return html(R"(<a class="mono" href="{}">{}</a>)", agent_url(id), id);
}

Markup job_link(const JobPath& path) {
  return html(R"(<a href="{}"><bdi>{}</bdi></a>)", job_url(path), path);
}

Markup build_link(const model::Build& build) {
  return html(R"(<a href="{}"><bdi>{}</bdi></a>)", build_url(build.id), controller::title_of(build));
}

}  // namespace footman::web
