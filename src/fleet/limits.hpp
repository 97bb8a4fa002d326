// The fleet's limits that nobody configures. Those that one may stand in config.hpp, a provider's own in its
// limits(), a controller's in its own config.hpp.
#pragma once

#include <cstddef>

#include "base/time.hpp"

namespace footman::fleet {

using namespace footman::base;

// Calls.
inline constexpr Duration kCallTimeout = 60s;  // one call to a cloud or controller that never answers
inline constexpr Duration kTerminateFirstPause = 500ms;  // between terminate calls, doubled up to the next
inline constexpr Duration kTerminateLongestPause = 1min;
inline constexpr Duration kLaunchFirstPause = 200ms;  // same request and token, while the outcome is unknown
inline constexpr Duration kLaunchLongestPause = 30s;
inline constexpr Duration kObserveFirstPause = 1s;  // after a failed observe(), doubled up to reconcile_every
inline constexpr Duration kListPatience = 3s;    // of the first plan after a start, for a list of each cloud
inline constexpr Duration kHandlePatience = 4s;  // of an agent that proves who it is, for its launch's answer
inline constexpr Duration kGoneGrace = 2s;  // for what a connected agent had sent before its resource ended

// Of one cloud. What is beyond waits: for the next look, or for the next round.
inline constexpr std::size_t kLaunchesAtOnce = 512;  // not answered yet: a burst is decided at once
inline constexpr std::size_t kTerminationsAtOnce = 256;
inline constexpr std::size_t kOrphansPerRound = 50;   // ended between two periodic rounds
inline constexpr std::size_t kStraysLookedAt = 1000;  // of one list after a start; more are counted unseen
inline constexpr std::size_t kLookUpsPerRound = 100;  // of resources that a list does not show
inline constexpr std::size_t kStrayTries = 10;        // in a row, to end one

// An agent that was connected for so long started well, though it never had work: its end says nothing of its
// template.
inline constexpr Duration kCameForGood = 5min;

// The cost of a plan grows with the agents and items that are news to it, and that of a list with all agents.
// The pause after one does too, so that they take a bounded share of the thread however many events come.
inline constexpr Duration kPlanPausePerThing = 4us;
inline constexpr Duration kObservePausePerThing = 20us;
inline constexpr Duration kShortestPause = 1ms;  // below this there is none
inline constexpr Duration kLongestLookPause =
    10s;                                      // every change wakes the loop, but for a clock that is set
inline constexpr Duration kSweepEvery = 30s;  // all agents are looked at, as if all were news
inline constexpr Duration kStorageLook = 1s;  // nobody tells when there is space again

// Kept in memory.
inline constexpr std::size_t kEndedAgentsKept = 200;  // for views, the latest; the rows stay in the store
inline constexpr std::size_t kFindingsKept = 1000;    // of one round, the first; all are counted
inline constexpr std::size_t kUnservedKept = 10'000;  // items whose agent ended; beyond it all are forgotten
inline constexpr std::size_t kLabelsKept = 10'000;    // parsed; beyond it all are parsed again
inline constexpr std::size_t kMessageBytes = 500;     // of a cloud, for people; the rest is cut
inline constexpr std::size_t kConsideredKept = 50;    // templates that were passed over, in an agent's row

}  // namespace footman::fleet
