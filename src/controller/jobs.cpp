#include "controller/jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <ranges>

#include "base/digest.hpp"
#include "model/label.hpp"
#include "model/nearest.hpp"
#include "model/validate.hpp"

namespace footman::controller {

using base::Errc;
using base::fail;

namespace {

constexpr std::uint64_t kLeastLogLimitBytes = 4096;  // as limits.log_bytes

Status too_long(const char* field, std::size_t size, std::size_t most) {
  if (size <= most) return {};
  return fail(Errc::invalid_argument, fmt::format("has {} bytes, the limit is {}", size, most), field);
}

// Each part with its length before it and each list with its size, so that no two requests give the same
// text.
class RequestText {
 public:
  void add(std::string_view part) { text_ += fmt::format("{}:{}", part.size(), part); }
  void add(std::integral auto number) { text_ += fmt::format("{};", number); }
  void add(Duration duration) { add(duration.count()); }
  // All fields are taken apart by name: with another one this does not compile.
  void add(const model::EnvVar& variable) {
    const auto& [name, value, secret_ref] = variable;
    add_all(name, value, secret_ref);
  }
  void add(const model::StepSpec& step) {
    const auto& [name, interpreter, script, unstable_exit_status] = step;
    add_all(name, interpreter, script, unstable_exit_status);
  }
  void add(const std::pair<const std::string, std::string>& parameter) {
    add_all(parameter.first, parameter.second);
  }
  template <std::ranges::sized_range List>
    requires(!std::convertible_to<List, std::string_view>)
  void add(const List& list) {
    add(list.size());
    for (const auto& one : list) add(one);
  }
  void add(const model::BuildSpec& spec) {
    const auto& [label, env, steps, timeout, grace, log_limit_bytes, retries] = spec;
    add_all(label, env, steps, timeout, grace, log_limit_bytes, retries);
  }
  template <class... Parts>
  void add_all(const Parts&... parts) {
    (add(parts), ...);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string hash_of(const SubmitRequest& request) {
  const auto& [job, spec, parameters, cause, quiet_period, key] = request;
  RequestText text;
  text.add_all(job.str(), spec, parameters, cause, quiet_period ? quiet_period->count() : -1);
  return base::to_hex(base::sha256(text.text()));
}

void set_variable(std::vector<model::EnvVar>& env, const std::string& name, const std::string& value) {
  std::erase_if(env, [&](const model::EnvVar& one) { return one.name == name; });
  env.push_back({name, value, {}});
}

}  // namespace

// What this server allows, after the rules that hold everywhere.
Status Jobs::check_limits(const model::BuildSpec& spec, const std::string& prefix) const {
  if (spec.timeout > core_.config.max_timeout)
    return fail(Errc::invalid_argument,
                fmt::format("a time limit of {} is over the server's limit of {}",
                            format_duration(spec.timeout), format_duration(core_.config.max_timeout)),
                prefix + "timeout");
  if (spec.log_limit_bytes > 0 && spec.log_limit_bytes < kLeastLogLimitBytes)
    return fail(Errc::invalid_argument,
                fmt::format("a log of {} is less than {}; 0 is the server's limit",
                            format_bytes(spec.log_limit_bytes), format_bytes(kLeastLogLimitBytes)),
                prefix + "log_limit_bytes");
  if (spec.log_limit_bytes > core_.config.max_log_bytes)
    return fail(Errc::invalid_argument,
                fmt::format("a log of {} is over the server's limit of {}",
                            format_bytes(spec.log_limit_bytes), format_bytes(core_.config.max_log_bytes)),
                prefix + "log_limit_bytes");
  return {};
}

Status Jobs::check_job(model::Job& job) const {
  FOOTMAN_TRY_STATUS(model::validate_job(job));
  FOOTMAN_TRY_STATUS(check_limits(job.spec, "spec."));
  FOOTMAN_TRY_STATUS(normalise_label(job.spec, "spec."));
  return {};
}

Status Jobs::normalise_label(model::BuildSpec& spec, const std::string& prefix) {
  auto label = model::parse_label_expression(spec.label);
  if (!label) {
    label.error().field = prefix + "label";
    return std::unexpected(std::move(label).error());
  }
  spec.label = label->text();
  return {};
}

Awaitable<Result<model::Job>> Jobs::create(model::Job job) {
  FOOTMAN_CO_TRY_STATUS(check_job(job));
  job.created = job.changed = core_.now();
  job.next_number = 1;
  auto created = co_await core_.parts.store.create_job(std::move(job));
  if (!created) co_return created;
  core_.jobs[created->path] = *created;
  core_.changed_items.all = true;
  core_.publish("job", created->path.str(), "created");
  co_return created;
}

Awaitable<Result<model::Job>> Jobs::save(model::Job job) {
  FOOTMAN_CO_TRY_STATUS(check_job(job));
  const auto known = core_.jobs.find(job.path);
  if (known == core_.jobs.end()) co_return std::unexpected(unknown(job.path));
  job.created = known->second.created;
  job.changed = core_.now();
  auto saved = co_await core_.parts.store.save_job(std::move(job));
  if (!saved) co_return saved;
  auto& kept = core_.jobs[saved->path];
  saved->next_number = std::max(saved->next_number, kept.next_number);  // a build may have come meanwhile
  kept = *saved;
  core_.changed_items.all = true;
  core_.publish("job", saved->path.str(), "changed");
  core_.changed();
  co_return saved;
}

Error Jobs::unknown(const JobPath& path) const {
  std::vector<std::string> known;
  for (const auto& [one, job] : core_.jobs)
    if (known.size() < model::kMaxSuggested) known.push_back(one.str());
  return {Errc::not_found,
          fmt::format("There is no job {}", path.str()),
          {},
          model::did_you_mean(path.str(), known)};
}

Awaitable<Status> Jobs::remove(JobPath path) {
  if (!core_.jobs.contains(path)) co_return std::unexpected(unknown(path));
  if (!core_.leaving.insert(path).second)
    co_return fail(Errc::conflict, fmt::format("job {} is being deleted", path.str()));
  Result<bool> removed = false;
  while (removed && !*removed) removed = co_await core_.parts.store.delete_job(path);
  core_.leaving.erase(path);
  core_.scope.spawn("remove logs", builds_.remove_logs());
  if (!removed) co_return std::unexpected(std::move(removed).error());
  core_.jobs.erase(path);
  core_.changed_items.all = true;
  core_.publish("job", path.str(), "deleted");
  co_return Status();
}

Result<store::NewBuild> Jobs::make_build(SubmitRequest request) const {
  if (core_.stopping) return fail(Errc::unavailable, "the server is stopping");
  FOOTMAN_TRY_STATUS(too_long("idempotency_key", request.idempotency_key.size(), kMaxIdempotencyKeyBytes));
  store::NewBuild build;
  build.job = request.job;
  build.cause = request.cause.substr(0, kMaxCauseBytes);
  build.idempotency_key = request.idempotency_key;
  if (!build.idempotency_key.empty()) build.request_hash = hash_of(request);
  build.now = core_.now();
  auto quiet = request.quiet_period.value_or(Duration(0));
  if (request.job.empty()) {
    if (!request.parameters.empty())
      return fail(Errc::invalid_argument, "an ad-hoc build has no parameters", "parameters");
    build.spec = std::move(request.spec);
  } else {
    const auto job = core_.jobs.find(request.job);
    if (job == core_.jobs.end()) {
      auto error = unknown(request.job);
      error.field = "job";
      return std::unexpected(std::move(error));
    }
    if (core_.leaving.contains(request.job))
      return fail(Errc::conflict, fmt::format("job {} is being deleted", request.job.str()), "job");
    if (!job->second.enabled)
      return fail(Errc::conflict, fmt::format("job {} is disabled", request.job.str()), "job");
    build.spec = job->second.spec;
    FOOTMAN_TRY(build.parameters, model::resolve_parameters(job->second.parameters, request.parameters));
    for (const auto& [name, value] : build.parameters) set_variable(build.spec.env, name, value);
    quiet = request.quiet_period.value_or(job->second.quiet_period);
  }
  const std::string prefix = request.job.empty() ? "spec." : "";
  FOOTMAN_TRY_STATUS(model::validate_build_spec(build.spec, prefix));
  FOOTMAN_TRY_STATUS(check_limits(build.spec, prefix));
  FOOTMAN_TRY_STATUS(normalise_label(build.spec, prefix));
  if (quiet.count() < 0 || quiet > model::kMaxQuietPeriod)
    return fail(Errc::invalid_argument, "is not between 0 and " + format_duration(model::kMaxQuietPeriod),
                "quiet_period");
  if (quiet.count() > 0) build.quiet_until = build.now + quiet;
  if (core_.queue.all().size() >= core_.config.max_queue)
    return fail(Errc::resource_exhausted,
                fmt::format("the queue is full: {} items wait", core_.queue.all().size()), {},
                "Try again when some have started.");
  return build;
}

}  // namespace footman::controller
