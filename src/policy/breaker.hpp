// The circuit breaker of one template generation: how many launches may be made now, after those before
// failed or came up. Pure values and functions; the fleet keeps one for each template and tells it what
// happened.
//
//              enough failures in a row             the pause is over and an item waits
//     closed ─────────────────────────────► open ◄──────────────────────────────► half_open
//       ▲                                          the probe failed (a longer pause)   │
//       └──────────────────────────────────────────────────────────────────────────────┘
//                          the probe came as far as the failed ones had not
//     any ── configuration, permission, image ──► disabled, for as long as this generation is configured
//
// A new generation has a new one. After a restart of the server, or when a person says "try again" after
// mending what no configuration shows (a permission, an image, a network), one that was not closed is open
// and its pause is over: one agent is tried.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "model/agent.hpp"
#include "policy/retry.hpp"

namespace footman::policy {

enum class BreakerState { closed, open, half_open, disabled };
std::string_view to_string(BreakerState state);

// How far a launch has come; later ones include earlier ones.
enum class Stage {
  accepted,   // the cloud took the launch
  connected,  // the agent reached its controller
  at_work,    // work has begun on it
};
inline constexpr std::size_t kStages = 3;

// Three strikes for what may be chance, the first one for what the cloud itself says about the next launch:
// that would be refused in the same way. Libraries of breakers, whose calls are cheap and many, wait for
// about five; a launch is dear. The longest pause is that of Kubernetes' CrashLoopBackOff; jitter as in
// "Exponential Backoff And Jitter" of the AWS Architecture Blog.
struct BreakerLimits {
  std::uint32_t refusals = 1;  // throttled, capacity
  std::uint32_t strikes = 3;   // transient, boot, connect
  RetryLimits pause{.first_pause = 1s, .longest_pause = 5min, .shortest_pause = 200ms};
  // One that is launched in vain is paid for as long as its machine is there. The pause after it is at most
  // as long, then twice, … up to so many times, and never less than half of that: of all time probes take 5
  // to 10 %, and a cloud that works again is tried after about as long as it did not.
  std::int64_t most_lives = 18;
};

struct Breaker {
  BreakerState state = BreakerState::closed;
  Instant since;  // of the state; not set: from the beginning
  Instant until;  // open: no launch before it. half_open: when the probe must have connected
  AgentId probe;  // half_open: the agent that is tried
  // The last failure that counted.
  model::FailureClass failure = model::FailureClass::transient;
  std::string reason;
  std::array<std::uint32_t, kStages> failures{};  // in a row, by the stage that was not reached
  // Grows with each probe. A launch has the era in which it was made; those of an earlier one tell nothing
  // new: they were made before the probe.
  std::uint32_t era = 0;

  std::uint32_t failures_in_a_row() const;
  bool operator==(const Breaker&) const = default;
};

struct Failure {
  model::FailureClass failure = model::FailureClass::transient;
  std::string text;   // sentence, for people
  Instant retry_at;   // the cloud's wish; not set: none
  Duration lived{0};  // the machine was there, and paid for, for so long; 0: there was none
};

// What may be launched now.
enum class Permission { all, one_probe, none };
struct Allowance {
  Permission launches = Permission::all;
  Instant look_again;  // for none; not set: when the probe has told, or the configuration changes
};

// A launch of `era` has failed for good. random: uniform in [0, 1]. While it is open, failures of launches
// that were made before do not make the pause longer, however many there are.
Breaker on_failure(Breaker breaker, std::uint32_t era, Failure failure, double random, Instant now,
                   const BreakerLimits& limits = {});
// One was made while may_launch() said one_probe; no effect in another state than open.
Breaker on_probe_launched(Breaker breaker, AgentId probe, Instant deadline, Instant now);
// A launch of `era` has come so far. It ends a half-open state when the launches before had failed at this
// stage or an earlier one: a cloud that had no capacity has some again, a machine that dies after its
// connection has to be at work first.
Breaker on_success(Breaker breaker, std::uint32_t era, Stage stage, Instant now);
// The probe ended without telling anything (its item went away, a person ended it): soon the next one.
Breaker on_probe_gone(Breaker breaker, Instant now, const BreakerLimits& limits = {});

// A person wants it tried: one agent is, at once, also when it is disabled.
Breaker on_retry_wished(Breaker breaker, Instant now);

Allowance may_launch(const Breaker& breaker, Instant now);

// "paused since … after 3 failures in a row (boot: it ended before it connected); one agent is tried at …";
// empty when closed.
std::string describe(const Breaker& breaker, Instant now);

}  // namespace footman::policy
