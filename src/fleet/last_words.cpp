// The end of an agent, and what it said last: often the only one who knows why it ended or never came. A
// cloud may find that after everything else was written down.
#include <fmt/format.h>

#include <algorithm>

#include "fleet/core.hpp"

namespace footman::fleet {
namespace {

using model::EndReason;

// Where they may be why it ended or never came: not of one that was not wanted any more.
bool are_wanted(bool came, EndReason reason, const model::DeathCertificate& death) {
  using enum EndReason;
  if (came) return death.exit_status != 0 || death.signal != 0;
  return reason == none || reason == launch_deadline || reason == resource_gone || reason == agent_exited ||
         reason == out_of_memory;
}

void add_words(model::DeathCertificate& death, const std::string& lines) {
  while (death.text.ends_with('.')) death.text.pop_back();
  death.text += fmt::format("{}it said last: {}", death.text.empty() ? "" : "; ", lines);
}

}  // namespace

void Core::note_gone(AgentEntry* entry, const ports::Resource& resource) {
  note_steps(entry, resource);
  const bool is_news = !entry->gone;
  if (is_news)
    entry->gone = Gone{resource.ended, resource.death, resource.failure, resource.reclaimed, steady()};
  auto& gone = *entry->gone;
  const bool came = entry->seen.connected_at.is_set() || entry->row.connected.is_set();
  const auto reason = entry->ending ? entry->ending->reason : entry->row.end_reason;
  if (!gone.has_words && !resource.last_lines.empty() && are_wanted(came, reason, gone.death)) {
    const auto before = gone.death.text;
    add_words(gone.death, resource.last_lines);
    gone.has_words = true;
    tell_words(entry->row, gone.death, is_news ? std::string() : before);
  }
  if (!is_news) return;
  if (gone.reclaimed) note_reclaim(*entry, gone.death.text);
  touch(*entry);
  if (entry->worked_on) entry->wake.notify();
  look->notify();
}

void Core::note_last_words(const ports::Resource& resource) {
  if (resource.last_lines.empty()) return;
  const auto it = std::ranges::find(ended_, resource.agent, [](const EndedAgent& one) { return one.row.id; });
  if (it == ended_.end() || it->has_words || it->row.client_token != resource.client_token) return;
  auto& row = it->row;
  if (!are_wanted(row.connected.is_set(), row.end_reason, row.death)) return;
  it->has_words = true;
  const auto before = row.death.text;
  add_words(row.death, resource.last_lines);
  tell_words(row, row.death, before);
  store::AgentChange change;
  change.id = row.id;
  change.death = row.death;
  change.timeline.push_back({now(), "last_words", "It said last: " + resource.last_lines});
  scope.spawn("store last words", store_words(this, std::move(change)));
}

// They are worth one try: nothing depends on them.
Awaitable<void> Core::store_words(Core* self, store::AgentChange change) {
  const auto id = change.id;
  const auto stored = co_await self->parts.store.change_agent(std::move(change));
  if (!stored)
    self->parts.log.warning("what an agent said last cannot be stored",
                            {{"agent", id}, {"error", describe(stored.error())}});
}

void Core::tell_words(const model::Agent& row, const model::DeathCertificate& death,
                      const std::string& before) {
  auto* t = find_template(row);
  if (t == nullptr) return;
  auto& reason = t->breaker.reason;
  if (row.end_reason == EndReason::launch_deadline && t->breaker.failure == model::FailureClass::connect &&
      reason == kNotConnected)
    reason += ": " + death.text;
  else if (!before.empty() && reason.ends_with(before))
    reason.replace(reason.size() - before.size(), std::string::npos, death.text);
  else
    return;
  look->notify();
}

}  // namespace footman::fleet
