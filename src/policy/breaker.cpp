#include "policy/breaker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "model/words.hpp"

namespace footman::policy {
namespace {

using model::FailureClass;

constexpr model::Word<BreakerState> kStates[] = {{BreakerState::closed, "closed"},
                                                 {BreakerState::open, "open"},
                                                 {BreakerState::half_open, "half_open"},
                                                 {BreakerState::disabled, "disabled"}};

// The times of one plan differ by less.
constexpr Duration kClockSetBack = 1s;

// Nothing but a change makes the next launch end differently.
bool is_permanent(FailureClass failure) {
  return failure == FailureClass::configuration || failure == FailureClass::permission ||
         failure == FailureClass::image;
}

// The stage that was not reached.
Stage stage_of(FailureClass failure) {
  switch (failure) {
    case FailureClass::boot:
      return Stage::at_work;
    case FailureClass::connect:
      return Stage::connected;
    case FailureClass::throttled:
    case FailureClass::transient:
    case FailureClass::capacity:
    case FailureClass::configuration:
    case FailureClass::permission:
    case FailureClass::image:
      break;
  }
  return Stage::accepted;
}

std::uint32_t strikes_of(FailureClass failure, const BreakerLimits& limits) {
  const bool is_refusal = failure == FailureClass::throttled || failure == FailureClass::capacity;
  return is_refusal ? limits.refusals : limits.strikes;
}

// After the last of some failures whose machines were paid for.
Duration pause_after(std::uint32_t opened, Duration lived, double random, const BreakerLimits& limits) {
  const auto most = lived * limits.most_lives;
  auto ceiling = lived;
  for (std::uint32_t i = 1; i < opened && ceiling < most; ++i) ceiling *= 2;
  const auto share = (1 + std::clamp(random, 0.0, 1.0)) / 2;
  return Duration(static_cast<std::int64_t>(static_cast<double>(std::min(ceiling, most).count()) * share));
}

void enter(Breaker& breaker, BreakerState state, Instant until, Instant now) {
  breaker.state = state;
  breaker.since = now;
  breaker.until = until;
  breaker.probe = AgentId();
}

std::string describe_failures(const Breaker& breaker) {
  const auto count = breaker.failures_in_a_row();
  const auto what = fmt::format("{}: {}", to_string(breaker.failure), breaker.reason);
  return count == 1 ? fmt::format("a failure ({})", what)
                    : fmt::format("{} failures in a row ({})", count, what);
}

}  // namespace

std::string_view to_string(BreakerState state) { return model::get_word(kStates, state); }

std::uint32_t Breaker::failures_in_a_row() const {
  return std::accumulate(failures.begin(), failures.end(), std::uint32_t{0});
}

Breaker on_failure(Breaker breaker, std::uint32_t era, Failure failure, double random, Instant now,
                   const BreakerLimits& limits) {
  if (breaker.state == BreakerState::disabled) return breaker;
  const bool permanent = is_permanent(failure.failure);
  if (breaker.state == BreakerState::open && !permanent) {
    const auto wish = std::min(failure.retry_at, now + limits.pause.longest_wish);
    breaker.until = std::max(breaker.until, wish);
    return breaker;
  }
  if (era < breaker.era && !permanent) return breaker;
  auto& count = breaker.failures.at(static_cast<std::size_t>(stage_of(failure.failure)));
  ++count;
  breaker.failure = failure.failure;
  breaker.reason = std::move(failure.text);
  if (permanent) {
    enter(breaker, BreakerState::disabled, {}, now);
  } else if (breaker.state == BreakerState::half_open || count >= strikes_of(failure.failure, limits)) {
    const auto failures = breaker.failures_in_a_row();
    const auto until = next_try(failures, failure.retry_at, random, limits.pause, now);
    const auto strikes = strikes_of(failure.failure, limits);
    const auto opened = failures > strikes ? failures - strikes + 1 : 1;
    enter(breaker, BreakerState::open,
          std::max(until, now + pause_after(opened, failure.lived, random, limits)), now);
  }
  return breaker;
}

Breaker on_probe_launched(Breaker breaker, AgentId probe, Instant deadline, Instant now) {
  if (breaker.state != BreakerState::open) return breaker;
  enter(breaker, BreakerState::half_open, deadline, now);
  breaker.probe = std::move(probe);
  ++breaker.era;
  return breaker;
}

Breaker on_success(Breaker breaker, std::uint32_t era, Stage stage, Instant now) {
  const bool may_tell = breaker.state == BreakerState::closed || breaker.state == BreakerState::half_open;
  if (!may_tell || era < breaker.era) return breaker;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(stage); ++i) breaker.failures.at(i) = 0;
  if (breaker.state == BreakerState::half_open && stage >= stage_of(breaker.failure))
    enter(breaker, BreakerState::closed, {}, now);
  return breaker;
}

Breaker on_probe_gone(Breaker breaker, Instant now, const BreakerLimits& limits) {
  if (breaker.state == BreakerState::half_open)
    enter(breaker, BreakerState::open, now + limits.pause.shortest_pause, now);
  return breaker;
}

Breaker on_retry_wished(Breaker breaker, Instant now) {
  if (breaker.state == BreakerState::open || breaker.state == BreakerState::disabled)
    enter(breaker, BreakerState::open, now, breaker.since);
  return breaker;
}

Allowance may_launch(const Breaker& breaker, Instant now) {
  switch (breaker.state) {
    case BreakerState::closed:
      return {Permission::all, {}};
    case BreakerState::open: {
      // A clock that was set back must not make a pause of minutes one of hours.
      const bool over = now >= breaker.until || now + kClockSetBack < breaker.since;
      return over ? Allowance{Permission::one_probe, {}} : Allowance{Permission::none, breaker.until};
    }
    case BreakerState::half_open:
      return {Permission::none, breaker.until > now ? breaker.until : Instant()};
    case BreakerState::disabled:
      break;
  }
  return {Permission::none, {}};
}

std::string describe(const Breaker& breaker, Instant now) {
  const auto since = format_rfc3339(breaker.since);
  switch (breaker.state) {
    case BreakerState::closed:
      break;
    case BreakerState::open:
      return fmt::format("paused since {} after {}; one agent is tried {}", since, describe_failures(breaker),
                         may_launch(breaker, now).launches == Permission::one_probe
                             ? std::string("for the next item")
                             : "at " + format_rfc3339(breaker.until));
    case BreakerState::half_open:
      return fmt::format("paused since {} after {}: agent {} is tried, the others wait for it", since,
                         describe_failures(breaker), breaker.probe.str());
    case BreakerState::disabled:
      return fmt::format(
          "disabled since {} ({}: {}), until its configuration changes or the server is restarted", since,
          to_string(breaker.failure), breaker.reason);
  }
  return {};
}

}  // namespace footman::policy
