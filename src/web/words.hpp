// Small pieces that pages are made of: times, states, reasons.
#pragma once

#include <string>
#include <string_view>

#include "api/story.hpp"
#include "base/time.hpp"
#include "fleet/views.hpp"
#include "model/agent.hpp"
#include "model/work.hpp"
#include "ports/controller_port.hpp"
#include "web/html.hpp"

namespace footman::web {

using namespace footman::base;

// "just now", "12 s ago", "3 min ago", "in 4 h".
std::string relative_time(Instant at, Instant now);
std::string utc_time(Instant at);  // "2026-11-24 08:40:15 UTC"

// Relative, with the full time as the title. Nothing when it never was.
Markup when(Instant at, Instant now);
// The full time, then relative.
Markup when_exactly(Instant at, Instant now);
// How long from `from` to `to`, or until now and counting when `to` is not set.
Markup how_long(Instant from, Instant to, Instant now);
Markup price_of(const model::Price& price);
Markup cost_of(const api::ShownCost& shown);  // empty for what is free

enum class Tone { plain, good, bad, warning, active, waiting };
std::string_view to_string(Tone tone);  // the class
// An error's message as a sentence: with a capital letter and a full stop.
std::string sentence(std::string_view message);

// A state as icon and word, with a capital letter: never colour alone.
Markup badge(Tone tone, std::string_view word);

Tone tone_of(const model::Build& build);
std::string_view word_of(const model::Build& build);  // "Running", "Success", …
Markup badge_of(const model::Build& build);
Markup badge_of(model::AgentState state);
Markup badge_of(const fleet::AgentView& agent);
Markup badge_of(model::ItemView view);

Markup labels(const std::vector<std::string>& names);
Markup label_of(std::string_view expression);  // of a build; "any" when empty

Url build_url(BuildId id);
Url job_url(const JobPath& path);
Url agent_url(const AgentId& id);
Markup agent_link(const AgentId& id);
Markup job_link(const JobPath& path);
Markup build_link(const model::Build& build);

}  // namespace footman::web
