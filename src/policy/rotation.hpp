// Which variant of a template is launched next: a cloud may offer the same machine in several zones, sizes,
// architectures or prices, best first. One that had no capacity, or whose machines die at once, rests for a
// while; the next one that does not rest takes its place. Pure values and functions; the fleet keeps one
// rotation for each template.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/agent.hpp"
#include "policy/breaker.hpp"
#include "policy/retry.hpp"

namespace footman::policy {

using namespace footman::base;

// A zone that has no capacity has none for minutes.
inline constexpr RetryLimits kVariantRest{
    .first_pause = 30s, .longest_pause = 10min, .shortest_pause = 5s, .longest_wish = 1h};

struct VariantRest {
  std::uint32_t failures = 0;  // in a row
  Instant since;               // the last failure; not set: none
  Instant until;               // not launched before; not set, or past: it does not rest
  std::string reason;          // of the last failure
};

struct Rotation {
  std::vector<VariantRest> variants{VariantRest()};  // best first; never empty
  // Rests in a row, of any of them, because machines died or did not connect: none of them has ever come to
  // work meanwhile.
  std::uint32_t deaths = 0;
};

// The first one that does not rest; when all do, the one whose rest ends first.
std::size_t choose_variant(const Rotation& rotation, Instant now);
// From when on another one may be chosen though nothing happens; not set: never.
Instant next_choice(const Rotation& rotation, Instant now);
bool has_rested_variant(const Rotation& rotation, Instant now);

// Another variant may do better; the other classes say nothing about one of them.
bool concerns_variant(model::FailureClass failure);

// A launch of this variant has failed. While it rests already, the failures of launches that were made before
// change nothing. random: uniform in [0, 1].
Rotation on_variant_failure(Rotation rotation, std::size_t variant, const Failure& failure, double random,
                            Instant now);
// The cloud has taken a machine of this variant back. All that it may take back (`may_go`, of each variant)
// rest, as without capacity, so that what replaces the machine stays. Nothing happens where none stays, or
// where the variant is not one of them: its host has failed.
Rotation on_reclaim(Rotation rotation, std::size_t variant, const std::vector<bool>& may_go,
                    const std::string& text, double random, Instant now);
// Another variant is tried instead, so that the template's breaker need not know of it. No more so once more
// machines of all variants died than there are variants: it is none of theirs, such as a wrong address.
bool is_for_others(const Rotation& rotation, const Failure& failure, Instant now);
// Work has begun on an agent of this variant: it is as good as new, if its launch was asked for after the
// last failure. One from before says nothing of what failed since. Not set: long ago.
Rotation on_variant_success(Rotation rotation, std::size_t variant, Instant asked);

}  // namespace footman::policy
