#include "base/job_metrics.hpp"

namespace footman::base {
namespace {

MetricLabels job_labels(Metrics& metrics, const std::string& controller, const std::string& job) {
  return {{"controller", controller},
          {"job", job.empty() ? "(none)" : metrics.bound("job of " + controller, job, kMaxJobsCounted)}};
}

// Counters never fall: what is taken back was counted under another name before.
void add(Counter& counter, std::int64_t amount) {
  if (amount > 0) counter.add(static_cast<std::uint64_t>(amount));
}

}  // namespace

void count_job_build(Metrics& metrics, const std::string& controller, const std::string& job,
                     std::string_view result) {
  auto labels = job_labels(metrics, controller, job);
  labels["result"] = std::string(result);
  metrics.counter("footman_job_builds_total", "Builds that are over, by job", std::move(labels)).add();
}

void count_job_time(Metrics& metrics, const std::string& controller, const std::string& job,
                    const JobTime& time) {
  const auto labels = job_labels(metrics, controller, job);
  if (time.build > Duration(0))
    add(metrics.micro_counter("footman_job_build_seconds_total", "Time of builds on agents, by job", labels),
        time.build.count());
  add(metrics.micro_counter("footman_job_agent_seconds_total",
                            "Paid time of agents, their idle time included, by job", labels),
      time.agent.count());
  add(metrics.micro_counter("footman_job_cost_usd_total", "What agents have cost, by job", labels),
      time.micro_usd);
}

}  // namespace footman::base
