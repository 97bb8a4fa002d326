// What a configuration allows and hardly means.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/address.hpp"
#include "config/config.hpp"
#include "config/ecs_keys.hpp"
#include "config/sections.hpp"
#include "ecs/choices.hpp"
#include "ecs/run_task.hpp"
#include "ecs/task_identity.hpp"
#include "ecs/validate.hpp"
#include "model/price_list.hpp"

namespace footman::config {
namespace {

// Calls with each template and its cloud.
template <class Visit>
void for_each_template(const Config& config, Visit visit) {
  for (const auto& cloud : config.clouds)
    for (const auto& t : cloud.templates) visit(cloud, t);
}

void doubt_clouds(const Config& config, std::vector<std::string>& doubts) {
  if (config.clouds.empty())
    doubts.push_back("clouds is an empty list: no agents are launched, and no build begins");
  for (const auto& cloud : config.clouds)
    if (cloud.templates.empty())
      doubts.push_back(fmt::format("the cloud '{}' has no templates: it launches no agents", cloud.name));
}

void doubt_paid(const Config& config, std::vector<std::string>& doubts) {
  for_each_template(config, [&](const CloudConfig& cloud, const TemplateConfig& t) {
    if (t.keep_paid && t.price.billing.minimum <= Duration(0))
      doubts.push_back(
          fmt::format("the template '{}' keeps agents while they are paid, but nothing is billed at least: "
                      "its price has no minimum, and its cloud '{}' no minimum_billing",
                      t.name, cloud.name));
  });
}

// What is launched of a template: one form, or several that are tried one after the other.
struct Form {
  std::string is_never;  // "no agent of the template 'x' is ever launched"
  model::AgentSize size;
  model::Price price;
};

std::vector<Form> forms_of(const TemplateConfig& t) {
  if (t.offers.size() < 2)
    return {{fmt::format("no agent of the template '{}' is ever launched", t.name), t.size, t.price}};
  std::vector<Form> forms;
  const auto choices = ecs::list_choices(*t.ecs);
  for (std::size_t i = 0; i < std::min(choices.size(), t.offers.size()); ++i)
    forms.push_back({fmt::format("the template '{}' is never launched as its variant '{}'", t.name,
                                 ecs::name_of(*t.ecs, choices[i])),
                     t.offers[i].size, t.offers[i].price.value_or(t.price)});
  return forms;
}

// One agent alone would be beyond a limit.
void doubt_limits(const Form& form, const model::AgentLimits& limits, const std::string& place,
                  std::vector<std::string>& doubts) {
  const auto never = [&](const std::string& what, const std::string& key, const std::string& limit) {
    doubts.push_back(fmt::format("{}: {}, and {}{} is {}", form.is_never, what, key, place, limit));
  };
  if (limits.milli_cpus != 0 && form.size.milli_cpus > limits.milli_cpus)
    never("it needs " + model::format_cpus(form.size.milli_cpus), "limits.vcpus",
          model::format_cpus(limits.milli_cpus));
  if (limits.memory_bytes != 0 && form.size.memory_bytes > limits.memory_bytes)
    never("it needs " + format_bytes(form.size.memory_bytes), "limits.memory",
          format_bytes(limits.memory_bytes));
  const auto& budget = limits.budget;
  const auto per_hour = form.price.per_hour;
  if (budget.beyond && per_hour <= *budget.beyond) return;
  if (budget.per_hour && per_hour > *budget.per_hour)
    never("it costs " + model::format_hourly_price(per_hour), "limits.budget.per_hour",
          model::format_hourly_price(*budget.per_hour));
  const auto least = model::least_billed(form.price.billing);
  if (const auto ahead = model::reserved_ahead(per_hour, least); budget.per_day && ahead > *budget.per_day)
    never(fmt::format("{} of it cost {}", format_duration(std::max(model::kReservedAhead, least)),
                      model::format_money(ahead)),
          "limits.budget.per_day", model::format_money(*budget.per_day));
}

void doubt_sizes(const Config& config, std::vector<std::string>& doubts) {
  for_each_template(config, [&](const CloudConfig& cloud, const TemplateConfig& t) {
    for (const auto& form : forms_of(t)) {
      doubt_limits(form, config.limits, "", doubts);
      doubt_limits(form, cloud.limits, fmt::format(" of the cloud '{}'", cloud.name), doubts);
      doubt_limits(form, t.limits, " of the template", doubts);
      for (const auto& [label, limits] : config.label_limits)
        if (std::ranges::find(t.labels, label) != t.labels.end())
          doubt_limits(form, limits, fmt::format(" of the label '{}'", label), doubts);
      for (const auto& [controller, limits] : config.controller_limits)
        doubt_limits(form, limits, fmt::format(" of the controller '{}'", controller), doubts);
    }
  });
}

void doubt_pools(const Config& config, std::vector<std::string>& doubts) {
  for_each_template(config, [&](const CloudConfig& cloud, const TemplateConfig& t) {
    for (const auto cap : {t.limits.agents, cloud.limits.agents, config.limits.agents})
      if (cap != 0 && t.pool.size.min_idle > cap)
        return doubts.push_back(
            fmt::format("the pool of the template '{}' wants {} idle agents, and a cap allows {}", t.name,
                        t.pool.size.min_idle, cap));
  });
}

// Sizes and ages that can have no effect.
void doubt_retention(const Config& config, std::vector<std::string>& doubts) {
  for_each_template(config, [&](const CloudConfig&, const TemplateConfig& t) {
    const auto& pool = t.pool;
    if (pool.size.per_mille > 0 && pool.size.max_idle == 0)
      doubts.push_back(
          fmt::format("the pool of the template '{}' has per_busy, but keeps nobody: max_idle is 0", t.name));
    const bool has_pool = !pool.size.empty() || !pool.schedules.empty() || pool.goal;
    if (t.max_age.count() > 0 && t.max_builds == 1 && !has_pool)
      doubts.push_back(fmt::format(
          "the max_age of the template '{}' has no use: its agents take one build each, and it has no pool",
          t.name));
  });
}

void doubt_goals(const Config& config, std::vector<std::string>& doubts) {
  for_each_template(config, [&](const CloudConfig&, const TemplateConfig& t) {
    const auto& goal = t.pool.goal;
    if (!goal) return;
    const auto doubt = [&](std::string_view why) {
      doubts.push_back(fmt::format("the goal of the pool of the template '{}' {}", t.name, why));
    };
    if (goal->per_day && t.price.per_hour.is_zero())
      doubt("has per_day, but the template has no price: it limits nothing");
    if (t.pool.size.max_idle == 0) doubt("has no use: max_idle is 0");
    if (config.keep_builds != 0 && config.keep_builds < model::kLeastBuildsForGoal)
      doubt(fmt::format("is found from the builds that are kept, and retention.builds keeps only {} of a job",
                        config.keep_builds));
  });
}

void doubt_labels(const Config& config, std::vector<std::string>& doubts) {
  for (const auto& [label, limits] : config.label_limits) {
    bool is_offered = false;
    for_each_template(config, [&](const CloudConfig&, const TemplateConfig& t) {
      is_offered |= std::ranges::find(t.labels, label) != t.labels.end();
    });
    if (!is_offered) doubts.push_back(fmt::format("limits.labels: no template offers the label '{}'", label));
  }
}

void doubt_budget(const model::Budget& budget, const std::string& place, std::vector<std::string>& doubts) {
  if (budget.beyond && !budget.per_hour && !budget.per_day)
    doubts.push_back(fmt::format(
        "the budget {} has 'beyond', but neither per_hour nor per_day: it limits nothing", place));
}

void doubt_budgets(const Config& config, std::vector<std::string>& doubts) {
  doubt_budget(config.limits.budget, "of limits", doubts);
  for (const auto& [label, limits] : config.label_limits)
    doubt_budget(limits.budget, fmt::format("of the label '{}'", label), doubts);
  for (const auto& [controller, limits] : config.controller_limits)
    doubt_budget(limits.budget, fmt::format("of the controller '{}'", controller), doubts);
  for (const auto& cloud : config.clouds)
    doubt_budget(cloud.limits.budget, fmt::format("of the cloud '{}'", cloud.name), doubts);
  for_each_template(config, [&](const CloudConfig&, const TemplateConfig& t) {
    doubt_budget(t.limits.budget, fmt::format("of the template '{}'", t.name), doubts);
  });
}

// Fargate is not free, whatever the list says.
void doubt_fargate_price(const CloudConfig& cloud, const TemplateConfig& t,
                         std::vector<std::string>& doubts) {
  const auto name = find_fargate_price(cloud, *t.ecs, ecs::list_choices(*t.ecs).front());
  if (!name) return;
  if (cloud.ecs->region.empty())
    doubts.push_back(
        fmt::format("the template '{}' has no price, and its cloud '{}' no ecs.region to find one by: it "
                    "counts as free",
                    t.name, cloud.name));
  else if (t.size.milli_cpus == 0 || t.size.memory_bytes == 0)
    doubts.push_back(
        fmt::format("the template '{}' has no price, and no size to find one by: it counts as "
                    "free. Say what its task definition has in 'size'",
                    t.name));
  else if (!model::find_list_price(*name, t.size))
    doubts.push_back(fmt::format("the template '{}' has no price, and the list has no {}: it counts as free",
                                 t.name, *name));
}

void doubt_ecs(const Config& config, std::vector<std::string>& doubts) {
  const auto add = [&](const std::string& whose, const std::vector<ecs::Problem>& problems) {
    for (const auto& problem : problems)
      if (!problem.fatal)
        doubts.push_back(fmt::format("{}, ecs.{}: {}", whose, ecs_key_path(problem.field), problem.message));
  };
  for (const auto& cloud : config.clouds)
    if (cloud.ecs) add(fmt::format("the cloud '{}'", cloud.name), ecs::validate(*cloud.ecs));
  for_each_template(config, [&](const CloudConfig& cloud, const TemplateConfig& t) {
    if (!cloud.ecs || !t.ecs) return;
    add(fmt::format("the template '{}'", t.name), ecs::validate(*t.ecs, *cloud.ecs));
    if (t.price.per_hour.is_zero()) doubt_fargate_price(cloud, t, doubts);
  });
}

// Agents elsewhere, and a server that only this machine reaches: unless something here passes them on.
void doubt_listen(const Config& config, std::vector<std::string>& doubts) {
  std::set<std::string> told;
  for_each_template(config, [&](const CloudConfig& cloud, const TemplateConfig& t) {
    const auto& [url, tunnel, connect, insecure] = t.address;
    if (cloud.type == "local" || !url || tunnel ||
        std::ranges::find(config.hosts, host_of(*url)) != config.hosts.end())
      return;
    const bool tcp = connect == Connect::tcp;
    const auto& listen = tcp ? config.agent_listen : config.listen;
    if (!base::is_loopback_host(host_of(listen)) || !told.insert(cloud.name + *url).second) return;
    doubts.push_back(fmt::format(
        "agents of the cloud '{}' connect to {}, and {} is {}, which only this machine reaches: say {}, or, "
        "when a proxy on this machine passes them on, its name: 'hosts: [{}]'",
        cloud.name, *url, tcp ? "agent_listen" : "listen", listen,
        tcp ? "'agent_listen: 0.0.0.0:50000'" : "'listen: 0.0.0.0:8443' and 'tls'", host_of(*url)));
  });
}

// Without a task role it is a doubt of the template whoever it serves.
void doubt_jenkins(const Config& config, std::vector<std::string>& doubts) {
  for_each_template(config, [&](const CloudConfig&, const TemplateConfig& t) {
    if (!t.ecs || !ecs::proves_identity(*t.ecs) ||
        ecs::find_jenkins_role(t.ecs->agent) != ecs::AgentRole::stock_jenkins)
      return;
    for (const auto& jenkins : config.jenkins)
      if (serves(jenkins, t.name))
        doubts.push_back(fmt::format(
            "the template '{}' starts its image as it is: what its agents show the Jenkins '{}' stands in "
            "their task's environment, where whoever may call ecs:DescribeTasks reads it; with Footman's "
            "agent "
            "in front (agent: {{carrier_image: …}}) it is fetched",
            t.name, jenkins.name));
  });
}

}  // namespace

std::vector<std::string> find_doubts(const Config& config) {
  std::vector<std::string> doubts;
  doubt_clouds(config, doubts);
  doubt_paid(config, doubts);
  doubt_sizes(config, doubts);
  doubt_pools(config, doubts);
  doubt_retention(config, doubts);
  doubt_goals(config, doubts);
  doubt_labels(config, doubts);
  doubt_ecs(config, doubts);
  doubt_listen(config, doubts);
  doubt_jenkins(config, doubts);
  doubt_budgets(config, doubts);
  return doubts;
}

}  // namespace footman::config
