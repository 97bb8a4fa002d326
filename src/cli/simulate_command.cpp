// simulate: the fleet of a configuration against builds of the past, or made-up ones. The program brings the
// simulation (Programs::simulate).
#include <fmt/format.h>

#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "model/price.hpp"

namespace footman::cli {
namespace {

Result<std::uint64_t> read_positive(const Arguments& arguments, std::string_view name,
                                    std::uint64_t otherwise) {
  const auto number = arguments.number(name);
  if (!number) return otherwise;
  if (*number < 1) return fail(Errc::invalid_argument, "--" + std::string(name) + " must be at least 1");
  return static_cast<std::uint64_t>(*number);
}

Result<std::optional<Duration>> read_time(const Arguments& arguments, std::string_view name,
                                          Duration most = kMaxModelTime) {
  const auto time = arguments.duration(name);
  if (time && *time > most)
    return fail(Errc::invalid_argument, fmt::format("--{} is at most {}", name, format_duration(most)));
  return time;
}

Result<int> simulate(Context& context, const Arguments& arguments) {
  SimulateOptions options;
  options.config_file = arguments.text("config");
  options.other_file = arguments.text("vs");
  options.trace_file = arguments.text("trace");
  options.generate = arguments.text("generate");
  options.labels = arguments.list("label");
  options.boots = arguments.list("boot");
  options.prices = arguments.list("price");
  options.launch_failures = arguments.text("launch-failures");
  options.connect_failures = arguments.text("connect-failures");
  options.goal = arguments.text("goal");
  options.budget = arguments.text("budget");
  options.html_file = arguments.text("html");
  options.json = arguments.has("json");
  FOOTMAN_TRY(options.seed, read_positive(arguments, "seed", options.seed));
  FOOTMAN_TRY(options.builds_per_hour, read_positive(arguments, "rate", options.builds_per_hour));
  FOOTMAN_TRY(options.capacity, read_positive(arguments, "capacity", options.capacity));
  FOOTMAN_TRY(const auto mean_duration, read_time(arguments, "duration"));
  FOOTMAN_TRY(const auto boot_p90, read_time(arguments, "boot-p90"));
  FOOTMAN_TRY(const auto stop, read_time(arguments, "stop"));
  options.mean_duration = mean_duration.value_or(options.mean_duration);
  options.boot_p90 = boot_p90.value_or(options.boot_p90);
  options.stop = stop.value_or(options.stop);
  options.span = arguments.duration("span");
  FOOTMAN_TRY(options.minimum_billing, read_time(arguments, "minimum-billing", model::kMaxMinimumBilling));
  if (options.trace_file.empty() == options.generate.empty()) {
    return fail(Errc::invalid_argument, "either --trace or --generate says which builds come", {},
                "Try --generate working-week");
  }
  if (!options.goal.empty() && !options.other_file.empty())
    return fail(Errc::invalid_argument, "--goal and --vs do not go together");
  if (options.goal.empty() && !options.budget.empty())
    return fail(Errc::invalid_argument, "--budget belongs to --goal");
  for (const auto* name : {"rate", "duration", "span", "label"}) {
    if (options.generate.empty() && arguments.has(name))
      return fail(Errc::invalid_argument,
                  std::string("--") + name + " belongs to --generate; a trace has its own");
  }
  return context.programs.simulate(options, context.out, context.err);
}

}  // namespace

Command simulate_command() {
  return {
      "simulate",
      "try a configuration on builds of the past, or on made-up ones",
      "Runs the fleet of a configuration in simulated time: the same decisions as those of the server, with "
      "a cloud and\n"
      "builds that are simulated. Needs no server and launches nothing. Shows how long builds waited and "
      "why, "
      "how many\n"
      "agents there were, and what of their time is of use. The same input and --seed give the same answer. "
      "Ends with 1\n"
      "when builds never ran, or a --goal is not met.\n"
      "A trace is a CSV file with the columns submitted, label, duration and, if you like, job:\n"
      "2026-11-24T08:40:15Z,linux,4m30s,team/app",
      {{"footman simulate --trace trace.csv --boot 40s", "./footman.yaml against the builds of trace.csv"},
       {"footman simulate --generate working-week --rate 30 --price 0.1", "without a trace"},
       {"footman simulate --config a.yaml --vs b.yaml --trace trace.csv --html report.html",
        "two configurations side by side"},
       {"footman simulate --trace trace.csv --goal \"p90wait<=5s\" --budget 20 --price 0.1",
        "how large must the pools be?"}},
      {{"config", 'c', Value::file, "FILE",
        "configuration; else ./footman.yaml, else /etc/footman/footman.yaml"},
       {"vs", 0, Value::file, "FILE", "another configuration, which is compared with the first one"},
       {"trace", 0, Value::file, "FILE", "the builds, as CSV"},
       {"generate", 0, Value::text, "KIND", "made-up builds", false, {"steady", "bursty", "working-week"}},
       {"rate", 0, Value::number, "N", "builds an hour, on average (60)"},
       {"duration", 0, Value::duration, "TIME", "of a build, on average (5m)"},
       {"span", 0, Value::duration, "TIME", "in which builds come (8h; a week for working-week)"},
       {"label", 'l', Value::text, "EXPR", "what made-up builds ask for; of several each build takes one",
        true},
       {"seed", 0, Value::number, "N", "another number, other chances (1)"},
       {"boot", 0, Value::text, "[TEMPLATE=]TIME",
        "from the launch until an agent connects; half take less (500ms in a local cloud, else 30s)", true},
       {"boot-p90", 0, Value::duration, "TIME", "nine in ten take less; else all take the same time"},
       {"stop", 0, Value::duration, "TIME", "until an agent that is ended is gone (0s)"},
       {"launch-failures", 0, Value::text, "PERCENT", "launches that the cloud refuses (0)"},
       {"connect-failures", 0, Value::text, "PERCENT", "agents that never connect (0)"},
       {"capacity", 0, Value::number, "N", "agents that each cloud has at most; beyond it refuses"},
       {"price", 0, Value::text, "[TEMPLATE=]DOLLARS",
        "of an hour of an agent, instead of the configuration's", true},
       {"minimum-billing", 0, Value::duration, "TIME",
        "the least that is paid for each agent, instead of the cloud's"},
       {"goal", 0, Value::text, "GOAL", "find the smallest pools that meet it: \"p90 wait <= 5s\""},
       {"budget", 0, Value::text, "DOLLARS", "with --goal: what a day may cost"},
       {"html", 0, Value::file, "FILE", "write a page with plots, too"}},
      {},
      {},
      simulate};
}

}  // namespace footman::cli
