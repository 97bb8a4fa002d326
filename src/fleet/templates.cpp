#include "fleet/templates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <functional>

#include "base/digest.hpp"
#include "fleet/stored_answer.hpp"
#include "fleet/stored_breaker.hpp"
#include "policy/usage.hpp"

namespace footman::fleet {
namespace {

namespace json = boost::json;

// What an agent is made of. Cap, priority, deadline, size, price and pool steer new launches only, and
// whether paid time is kept how its end is decided: they may change without replacing the agents that run,
// which keep the size and the price that they were launched with.
std::string hash_content(const TemplateEntry& t, Duration orphan_timeout) {
  const auto& c = t.config;
  json::array labels;
  for (const auto& label : c.labels) labels.emplace_back(label);
  json::array variants;
  for (const auto& variant : t.variants) variants.emplace_back(variant.options);
  const json::array content{c.cloud.str(),
                            std::move(labels),
                            c.is_default,
                            c.max_builds,
                            c.idle_timeout.count(),
                            c.max_age.count(),
                            c.endpoint.url,
                            c.endpoint.tunnel,
                            c.endpoint.ca_pem,
                            c.endpoint.only_ca,
                            c.endpoint.public_key_sha256,
                            c.endpoint.insecure,
                            orphan_timeout.count(),
                            std::move(variants)};
  return base::to_hex(base::sha256(json::serialize(content)));
}

// Variants that no limit or budget ever admits are left out: items would wait for them, and others do fit.
// Where there are several controllers, what the limits of one of them never admit would keep its items
// waiting for ever; so it is left out for all of them, if there is another one that fits. Where none is left
// all stay, so that it is told what does not fit.
void keep_fitting(TemplateEntry& t, const Core& core, const FleetConfig& config) {
  std::vector<const model::AgentLimits*> all{&config.limits, &t.config.limits};
  if (const auto it = config.cloud_limits.find(t.config.cloud); it != config.cloud_limits.end())
    all.push_back(&it->second);
  for (const auto& [label, limits] : config.label_limits)
    if (std::ranges::find(t.config.labels, label) != t.config.labels.end()) all.push_back(&limits);
  const auto fits_in = [&](const ports::Variant& variant, const model::AgentLimits& limits) {
    const auto price = t.price_of(variant);
    return policy::Usage::ever_fits({t.size_of(variant), price.per_hour, model::least_billed(price.billing)},
                                    limits);
  };
  const auto fits = [&](const ports::Variant& variant) {
    return std::ranges::all_of(all, [&](const auto* limits) { return fits_in(variant, *limits); });
  };
  const auto serves = [&](const ports::Variant& variant, const ControllerName& name) {
    const auto limits = config.controller_limits.find(name);
    return fits(variant) && (limits == config.controller_limits.end() || fits_in(variant, limits->second));
  };
  std::vector<ControllerName> served;  // by one of them at least
  for (const auto* controller : core.parts.controllers)
    if (std::ranges::any_of(t.variants, [&](const auto& one) { return serves(one, controller->name()); }))
      served.push_back(controller->name());
  if (served.empty()) return;
  const auto serves_all = [&](const ports::Variant& variant) {
    return std::ranges::all_of(served, [&](const auto& name) { return serves(variant, name); });
  };
  const auto serves_none = [&](const ports::Variant& variant) {
    return std::ranges::none_of(served, [&](const auto& name) { return serves(variant, name); });
  };
  if (std::ranges::any_of(t.variants, serves_all))
    std::erase_if(t.variants, std::not_fn(serves_all));
  else
    std::erase_if(t.variants, serves_none);
  t.rotation.variants.resize(t.variants.size());
}

// What was known of the variants that are still there.
policy::Rotation carry_over(const TemplateEntry& old, const TemplateEntry& now) {
  auto rotation = now.rotation;
  rotation.deaths = old.rotation.deaths;
  for (std::size_t i = 0; i < now.variants.size(); ++i) {
    const auto known = std::ranges::find(old.variants, now.variants[i].name, &ports::Variant::name);
    if (known == old.variants.end()) continue;
    rotation.variants[i] = old.rotation.variants[static_cast<std::size_t>(known - old.variants.begin())];
  }
  return rotation;
}

struct Known {
  std::uint64_t generation = 0;
  std::string hash;
};

// "17 3f9a…"; anything else counts as no generation, and the next write mends it.
Known parse_known(const std::string& text) {
  Known known;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), known.generation);
  const auto used = static_cast<std::size_t>(end - text.data());
  if (error == std::errc() && used < text.size()) known.hash = text.substr(used + 1);
  return known;
}

}  // namespace

Templates::Templates(Core& core) : core_(core) {}

Result<std::map<TemplateName, TemplateEntry>> Templates::check(const FleetConfig& config) const {
  std::map<TemplateName, TemplateEntry> result;
  for (const auto& t : config.templates) {
    const auto field = "templates." + t.name.str();
    if (t.name.empty()) return fail(Errc::invalid_argument, "a template needs a name", "templates");
    if (result.contains(t.name))
      return fail(Errc::invalid_argument, fmt::format("there are two templates '{}'", t.name.str()), field);
    const auto* cloud = core_.find_cloud(t.cloud);
    if (cloud == nullptr)
      return fail(
          Errc::invalid_argument,
          fmt::format("template '{}' names cloud '{}', which does not exist", t.name.str(), t.cloud.str()),
          field + ".cloud");
    auto variants = cloud->provider->freeze(t.name);
    if (!variants)
      return fail(Errc::invalid_argument,
                  fmt::format("cloud '{}' refuses template '{}': {}", t.cloud.str(), t.name.str(),
                              describe(variants.error())),
                  field, variants.error().hint);
    TemplateEntry entry;
    entry.config = t;
    entry.variants = std::move(*variants);
    entry.rotation.variants.resize(entry.variants.size());
    result.emplace(t.name, std::move(entry));
  }
  return result;
}

Awaitable<Result<std::uint64_t>> Templates::find_generation(TemplateName name, std::string content) {
  const auto key = "fleet.template." + name.str();
  FOOTMAN_CO_TRY(const auto stored, co_await core_.parts.store.find_setting(key));
  const auto known = stored ? parse_known(*stored) : Known();
  if (known.hash == content) co_return known.generation;
  const auto next = known.generation + 1;
  FOOTMAN_CO_TRY_STATUS(co_await core_.parts.store.save_setting(key, fmt::format("{} {}", next, content)));
  core_.parts.log.info("template has a new generation", {{"template", name}, {"generation", next}});
  co_return next;
}

Awaitable<Status> Templates::apply(FleetConfig config) {
  FOOTMAN_CO_TRY(auto fresh, check(config));
  for (auto& [name, t] : fresh) {
    FOOTMAN_CO_TRY(t.generation, co_await find_generation(name, hash_content(t, config.orphan_timeout)));
  }
  for (auto& [name, t] : fresh) {
    if (core_.templates.contains(name)) continue;
    FOOTMAN_CO_TRY(const auto stored, co_await core_.parts.store.find_setting(breaker_key(name)));
    t.breaker = restore_breaker(stored.value_or(""), t.generation, core_.time());
    if (!t.config.pool.goal) continue;
    FOOTMAN_CO_TRY(const auto answer, co_await core_.parts.store.find_setting(answer_key(name)));
    t.answer = restore_answer(answer.value_or(""));
  }
  // What is known of a generation's launches outlives a reload that does not touch it. Nothing is waited for
  // from here on, so that nothing is lost that happens meanwhile.
  for (auto& [name, t] : fresh) {
    keep_fitting(t, core_, config);
    const auto old = core_.templates.find(name);
    if (old == core_.templates.end()) continue;
    t.pool = old->second.pool;
    if (t.config.pool.goal) t.answer = old->second.answer;
    if (old->second.generation != t.generation) continue;
    t.breaker = old->second.breaker;
    t.rotation = carry_over(old->second, t);
    t.launch_times = old->second.launch_times;
  }
  core_.templates = std::move(fresh);
  core_.config = std::move(config);
  core_.touch_all();
  core_.look->notify();
  for (auto& [name, cloud] : core_.clouds) cloud->look.notify();
  co_return Status();
}

}  // namespace footman::fleet
