// footman-sim: Footman in a simulated world. See sim/README.md.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/number.hpp"
#include "sim/canaries.hpp"
#include "sim/crash_places.hpp"
#include "sim/runner.hpp"

namespace footman::sim {
namespace {

namespace json = boost::json;

constexpr int kGood = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr std::size_t kTailLines = 40;
constexpr std::uint64_t kSeedsForAll = 300;        // in so many everything must happen that may
constexpr std::uint64_t kSeedsForPlaces = 10'000;  // in so many the server must die at each place

struct Wishes {
  std::uint64_t seeds = 200;
  std::uint64_t seed_base = 1;
  std::optional<std::uint64_t> seed;
  std::string canary;  // to replay one by hand
  unsigned jobs = 0;
  bool verbose = false;
  bool canaries = false;
  bool jenkins = false;
  bool as_json = false;
  bool help = false;
};

constexpr std::string_view kHelp =
    R"(Footman in a simulated world: the production controller, fleet, agents and store under virtual time, with
crashes and faults from a seed, held against invariants after every step.

  footman-sim [--seeds N] [--seed-base M] [--jobs J] [--json]   runs N seeds from M on (200 from 1)
  footman-sim --seed N [--verbose]                              one seed; --verbose prints all that happens
  footman-sim --canaries [--seed-base M]                        plants bugs; each must be found
  footman-sim --seed N --canary NAME [--verbose]                one seed with a planted bug

With --jenkins the second controller of every seed is a Jenkins; else that of some.

Exit status: 0 all is well, 1 an invariant was broken (or a planted bug was not found), 2 wrong usage.

Invariants:
)";

std::string help() {
  std::string text(kHelp);
  for (const auto& one : kInvariants) text += fmt::format("  {:<24} {}\n", one.name, one.says);
  text += "\nPlanted bugs:\n";
  for (const auto& one : canaries())
    text += fmt::format("  {:<24} {} (breaks {}, found within {} seeds)\n", one.name, one.bug, one.invariant,
                        one.within);
  return text;
}

// An error text, or an empty one.
std::string parse_options(const std::vector<std::string_view>& words, Wishes& options) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto word = words[i];
    if (word == "--verbose")
      options.verbose = true;
    else if (word == "--canaries")
      options.canaries = true;
    else if (word == "--jenkins")
      options.jenkins = true;
    else if (word == "--json")
      options.as_json = true;
    else if (word == "--help" || word == "-h")
      options.help = true;
    else if (word == "--canary" && i + 1 < words.size())
      options.canary = words[++i];
    else if (word == "--seeds" || word == "--seed-base" || word == "--seed" || word == "--jobs") {
      const auto number = i + 1 < words.size() ? base::find_number<std::uint64_t>(words[++i]) : std::nullopt;
      if (!number) return fmt::format("{} takes a number", word);
      if (word == "--seeds") options.seeds = *number;
      if (word == "--seed-base") options.seed_base = *number;
      if (word == "--seed") options.seed = number;
      if (word == "--jobs") options.jobs = static_cast<unsigned>(std::min<std::uint64_t>(*number, 256));
    } else {
      return fmt::format("unknown option '{}'", word);
    }
  }
  if (options.jobs == 0) options.jobs = static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  return {};
}

const Canary* find_canary(std::string_view name) {
  const auto it = std::ranges::find(canaries(), name, &Canary::name);
  return it == canaries().end() ? nullptr : &*it;
}

void show_progress(const RunSummary& summary, std::uint64_t of) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (!terminal && summary.done % 500 != 0 && summary.done != of) return;
  std::fprintf(stderr, "%s%llu of %llu seeds, %zu failed%s",
               terminal ? "\r" : "sim: ", static_cast<unsigned long long>(summary.done),
               static_cast<unsigned long long>(of), summary.failures.size(),
               terminal && summary.done < of ? "" : "\n");
  std::fflush(stderr);
}

// "12 clocks set, 0 clouds paused, …"; what never happened, too.
std::string describe(const Happenings& happened) {
  std::string text;
  for (std::size_t i = 0; i < happened.size(); ++i)
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", happened[i], kHappenings[i]);
  return text;
}

// What should have been there, and was not: then the seeds say nothing about it.
std::string list_missing(const RunSummary& summary) {
  std::string text;
  if (summary.done < kSeedsForAll) return text;
  const auto add = [&](std::string_view what) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", what);
  };
  for (std::size_t i = 0; i < kHappenings.size(); ++i)
    if (summary.total.happened[i] == 0) add(kHappenings[i]);
  if (summary.done < kSeedsForPlaces) return text;
  for (std::size_t i = 0; i < crash_places().size(); ++i)
    if (summary.total.crashed_at[i] == 0) add("crash at " + crash_places()[i]);
  return text;
}

// --- one seed

std::string_view flag_of(const Wishes& options) { return options.jenkins ? " --jenkins" : ""; }

void plant_jenkins(WorldOptions& world) { world.jenkins = true; }

int show_one(const Wishes& options, const std::string& program) {
  WorldOptions world;
  world.seed = *options.seed;
  world.jenkins = options.jenkins;
  world.trace = options.verbose ? Trace::Mode::print : Trace::Mode::hash_only;
  if (const auto* canary = find_canary(options.canary)) canary->plant(world);
  const auto outcome = run_world(world);
  fmt::print(
      "seed {}: {} builds, {} launches, {} server crashes, {} agents killed, {} other faults, {} virtual, "
      "{} steps, trace {:016x}\n  among them {}\n",
      outcome.seed, outcome.builds, outcome.launches, outcome.crashes, outcome.kills, outcome.faults,
      base::format_duration(outcome.virtual_time), outcome.steps, outcome.trace_hash,
      describe(outcome.happened));
  if (!outcome.violation) return kGood;
  fmt::print("FAILED {} at {} s: {}\n", outcome.violation->invariant, format_time(outcome.violation->at),
             outcome.violation->text);
  if (!options.verbose)
    fmt::print("  see it happen: {} --seed {}{} --verbose\n", program, outcome.seed, flag_of(options));
  return kFailed;
}

void show_tail(const FailedSeed& failure, const Wishes& options) {
  if (failure.invariant == "the_program_lives") return;
  WorldOptions world;
  world.seed = failure.seed;
  world.jenkins = options.jenkins;
  world.trace = Trace::Mode::keep;
  const auto lines = run_world(world).trace;
  const auto first = lines.size() > kTailLines ? lines.size() - kTailLines : 0;
  for (auto i = first; i < lines.size(); ++i) fmt::print("    {}\n", lines[i]);
}

// --- many seeds

json::object to_json(const RunSummary& summary) {
  json::array failures;
  for (const auto& one : summary.failures)
    failures.push_back(json::object{{"seed", one.seed}, {"invariant", one.invariant}, {"text", one.text}});
  const auto& total = summary.total;
  json::object crashed_at;
  for (std::size_t i = 0; i < total.crashed_at.size(); ++i)
    crashed_at[crash_places()[i]] = total.crashed_at[i];
  json::object happened;
  for (std::size_t i = 0; i < total.happened.size(); ++i) {
    std::string name(kHappenings[i]);
    std::ranges::replace(name, ' ', '_');
    happened[name] = total.happened[i];
  }
  return {{"seeds", summary.done},
          {"run_twice", summary.run_twice},
          {"steps", total.steps},
          {"builds", total.builds},
          {"launches", total.launches},
          {"server_crashes", total.crashes},
          {"agents_killed", total.kills},
          {"other_faults", total.faults},
          {"happened", std::move(happened)},
          {"crashed_at", std::move(crashed_at)},
          {"virtual_seconds", total.virtual_time.count() / 1'000'000},
          {"failures", std::move(failures)}};
}

int run_many(const Wishes& options, const std::string& program) {
  RunOptions run;
  run.first_seed = options.seed_base;
  run.seeds = options.seeds;
  run.jobs = options.jobs;
  if (options.jenkins) run.plant = plant_jenkins;
  run.on_progress = [&options](const RunSummary& summary) { show_progress(summary, options.seeds); };
  run.on_failure = [](const FailedSeed& failure) {
    std::fprintf(stderr, "%ssim: seed %llu broke %s\n", ::isatty(STDERR_FILENO) == 1 ? "\n" : "",
                 static_cast<unsigned long long>(failure.seed), failure.invariant.c_str());
  };
  const auto summary = run_seeds(run);
  const auto missing = list_missing(summary);
  const auto exit_status = summary.failures.empty() && missing.empty() ? kGood : kFailed;
  if (options.as_json) {
    fmt::print("{}\n", json::serialize(to_json(summary)));
    return exit_status;
  }
  for (const auto& failure : summary.failures)
    fmt::print("FAILED seed {}: {}: {}\n  replay: {} --seed {}{} --verbose\n", failure.seed,
               failure.invariant, failure.text, program, failure.seed, flag_of(options));
  if (!summary.failures.empty()) {
    fmt::print("  the end of seed {}:\n", summary.failures.front().seed);
    show_tail(summary.failures.front(), options);
  }
  const auto& total = summary.total;
  fmt::print(
      "{} seeds ({} of them twice), {} failed: {} builds, {} launches, {} server crashes, {} agents killed, "
      "{} other faults, {} of virtual time, {} steps\n  among them {}\n",
      summary.done, summary.run_twice, summary.failures.size(), total.builds, total.launches, total.crashes,
      total.kills, total.faults, base::format_duration(total.virtual_time), total.steps,
      describe(total.happened));
  if (!missing.empty()) fmt::print("FAILED: in so many seeds there must be some of each: no {}\n", missing);
  return exit_status;
}

// --- planted bugs

// The seed in which the bug was found as what it is.
std::optional<std::uint64_t> hunt(const Canary& canary, const Wishes& options, std::string& others) {
  RunOptions run;
  run.first_seed = options.seed_base;
  run.jobs = options.jobs;
  run.plant = canary.plant;
  run.run_twice = canary.invariant == "same_seed_same_trace" ? 1 : 0;
  run.seeds = canary.within;
  run.stop_at = canary.invariant;
  std::optional<std::uint64_t> found;
  for (const auto& failure : run_seeds(run).failures) {
    if (failure.invariant == canary.invariant)
      found = std::min(found.value_or(failure.seed), failure.seed);
    else
      others = failure.invariant + ": " + failure.text;
  }
  return found;
}

int run_canaries(const Wishes& options) {
  std::size_t missed = 0;
  for (const auto& canary : canaries()) {
    if (!options.canary.empty() && canary.name != options.canary) continue;
    std::string others;
    const auto found = hunt(canary, options, others);
    if (found) {
      fmt::print("found   {:<24} {} in seed {}\n", canary.name, canary.invariant, *found);
    } else {
      ++missed;
      fmt::print("MISSED  {:<24} {} was not broken in {} seeds{}{}\n", canary.name, canary.invariant,
                 canary.within, others.empty() ? "" : "; found instead: ", others);
    }
    std::fflush(stdout);
  }
  fmt::print("{} planted bugs, {} missed\n", canaries().size(), missed);
  return missed == 0 ? kGood : kFailed;
}

int run(const std::vector<std::string_view>& words, const std::string& program) {
  Wishes options;
  const auto error = parse_options(words, options);
  if (!error.empty() || (!options.canary.empty() && find_canary(options.canary) == nullptr)) {
    fmt::print(stderr, "footman-sim: {}; see --help\n", error.empty() ? "no such planted bug" : error);
    return kUsage;
  }
  if (options.help) {
    fmt::print("{}", help());
    return kGood;
  }
  if (options.canaries) return run_canaries(options);
  if (options.seed) return show_one(options, program);
  return run_many(options, program);
}

}  // namespace
}  // namespace footman::sim

int main(int argc, char** argv) { return footman::sim::run({argv + 1, argv + argc}, argv[0]); }
