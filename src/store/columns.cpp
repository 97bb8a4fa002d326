#include "store/columns.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/system/system_error.hpp>

namespace footman::store {
namespace {

namespace json = boost::json;

json::string text_of(const std::string& text) { return json::string(text); }

// Whatever was stored comes back, also text that is not UTF-8.
json::value parse(std::string_view text) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  return json::parse(text, {}, options);
}

// Turns Boost.JSON's exceptions on a wrong shape into the store's.
template <class Read>
void read_json(std::string_view text, Read read) {
  try {
    read(parse(text));
  } catch (const std::exception&) {  // a wrong type or a missing key: boost::system_error, std::out_of_range
    throw_corrupt("it holds JSON that cannot be read: " + std::string(text.substr(0, 100)));
  }
}

std::string string_at(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found == nullptr ? std::string() : std::string(found->as_string());
}
std::int64_t number_at(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found == nullptr ? 0 : found->to_number<std::int64_t>();
}

// Empty fields are left out: most are empty.
void put(json::object& object, std::string_view key, const std::string& value) {
  if (!value.empty()) object.emplace(key, text_of(value));
}
void put(json::object& object, std::string_view key, std::int64_t value) {
  if (value != 0) object.emplace(key, value);
}

json::array to_array(const std::vector<std::string>& words) {
  json::array array;
  array.reserve(words.size());
  for (const auto& word : words) array.emplace_back(text_of(word));
  return array;
}

std::vector<std::string> from_array(const json::array& array) {
  std::vector<std::string> words;
  words.reserve(array.size());
  for (const auto& word : array) words.emplace_back(word.as_string());
  return words;
}

json::object to_object(const model::EnvVar& variable) {
  json::object object;
  put(object, "name", variable.name);
  put(object, "value", variable.value);
  put(object, "secret", variable.secret_ref);
  return object;
}
model::EnvVar to_variable(const json::object& object) {
  return {string_at(object, "name"), string_at(object, "value"), string_at(object, "secret")};
}

json::object to_object(const model::StepSpec& step) {
  json::object object;
  put(object, "name", step.name);
  put(object, "interpreter", step.interpreter);
  put(object, "script", step.script);
  put(object, "unstable_exit_status", step.unstable_exit_status);
  return object;
}
model::StepSpec to_step(const json::object& object) {
  return {string_at(object, "name"), string_at(object, "interpreter"), string_at(object, "script"),
          static_cast<std::uint8_t>(number_at(object, "unstable_exit_status"))};
}

json::object to_object(const model::ParameterSpec& parameter) {
  json::object object;
  put(object, "name", parameter.name);
  put(object, "default", parameter.default_value);
  put(object, "description", parameter.description);
  if (!parameter.choices.empty()) object.emplace("choices", to_array(parameter.choices));
  return object;
}
model::ParameterSpec to_parameter(const json::object& object) {
  model::ParameterSpec parameter{
      string_at(object, "name"), string_at(object, "default"), string_at(object, "description"), {}};
  if (const auto* choices = object.if_contains("choices"))
    parameter.choices = from_array(choices->as_array());
  return parameter;
}

}  // namespace

std::string to_json(const std::vector<std::string>& words) { return json::serialize(to_array(words)); }

void from_json(std::string_view text, std::vector<std::string>& words) {
  read_json(text, [&](const json::value& value) { words = from_array(value.as_array()); });
}

std::string to_json(const std::map<std::string, std::string>& values) {
  json::object object;
  for (const auto& [name, value] : values) object.emplace(name, text_of(value));
  return json::serialize(object);
}

void from_json(std::string_view text, std::map<std::string, std::string>& values) {
  read_json(text, [&](const json::value& value) {
    values.clear();
    for (const auto& [name, one] : value.as_object())
      values.emplace(std::string(name), std::string(one.as_string()));
  });
}

std::string to_json(const model::BuildSpec& spec) {
  json::object object;
  put(object, "label", spec.label);
  json::array env;
  for (const auto& variable : spec.env) env.emplace_back(to_object(variable));
  if (!env.empty()) object.emplace("env", std::move(env));
  json::array steps;
  for (const auto& step : spec.steps) steps.emplace_back(to_object(step));
  if (!steps.empty()) object.emplace("steps", std::move(steps));
  put(object, "timeout_us", spec.timeout.count());
  object.emplace("grace_us", spec.grace.count());
  put(object, "log_limit_bytes", static_cast<std::int64_t>(spec.log_limit_bytes));
  put(object, "retries", static_cast<std::int64_t>(spec.retries));
  return json::serialize(object);
}

void from_json(std::string_view text, model::BuildSpec& spec) {
  read_json(text, [&](const json::value& value) {
    const auto& object = value.as_object();
    spec = model::BuildSpec();
    spec.label = string_at(object, "label");
    if (const auto* env = object.if_contains("env"))
      for (const auto& variable : env->as_array()) spec.env.push_back(to_variable(variable.as_object()));
    if (const auto* steps = object.if_contains("steps"))
      for (const auto& step : steps->as_array()) spec.steps.push_back(to_step(step.as_object()));
    spec.timeout = base::Duration(number_at(object, "timeout_us"));
    spec.grace = base::Duration(number_at(object, "grace_us"));
    spec.log_limit_bytes = static_cast<std::uint64_t>(number_at(object, "log_limit_bytes"));
    spec.retries = static_cast<std::uint32_t>(number_at(object, "retries"));
  });
}

std::string to_json(const std::vector<model::ParameterSpec>& parameters) {
  json::array array;
  for (const auto& parameter : parameters) array.emplace_back(to_object(parameter));
  return json::serialize(array);
}

void from_json(std::string_view text, std::vector<model::ParameterSpec>& parameters) {
  read_json(text, [&](const json::value& value) {
    parameters.clear();
    for (const auto& parameter : value.as_array()) parameters.push_back(to_parameter(parameter.as_object()));
  });
}

std::string to_json(const model::DeathCertificate& death) {
  json::object object;
  if (death.exit_status) object.emplace("exit_status", *death.exit_status);
  put(object, "signal", death.signal);
  if (death.out_of_memory) object.emplace("out_of_memory", true);
  put(object, "text", death.text);
  return json::serialize(object);
}

void from_json(std::string_view text, model::DeathCertificate& death) {
  read_json(text, [&](const json::value& value) {
    const auto& object = value.as_object();
    death = model::DeathCertificate();
    if (object.contains("exit_status"))
      death.exit_status = static_cast<int>(number_at(object, "exit_status"));
    death.signal = static_cast<int>(number_at(object, "signal"));
    death.out_of_memory = object.contains("out_of_memory");
    death.text = string_at(object, "text");
  });
}

std::string to_json(const model::Price& price) {
  json::object object;
  put(object, "micros_per_hour", price.per_hour.micros);
  const auto& billing = price.billing;
  const model::BillingRule usual;
  if (billing.from != usual.from) object.emplace("from", to_string(billing.from));
  if (billing.until != usual.until) object.emplace("until", to_string(billing.until));
  if (billing.step != usual.step) object.emplace("step_us", billing.step.count());
  put(object, "minimum_us", billing.minimum.count());
  return json::serialize(object);
}

void from_json(std::string_view text, model::Price& price) {
  read_json(text, [&](const json::value& value) {
    const auto& object = value.as_object();
    price = model::Price();
    price.per_hour = {number_at(object, "micros_per_hour")};
    auto& billing = price.billing;
    if (object.contains("from")) billing.from = model::find_billed_from(string_at(object, "from")).value();
    if (object.contains("until"))
      billing.until = model::find_billed_until(string_at(object, "until")).value();
    if (object.contains("step_us")) billing.step = base::Duration(number_at(object, "step_us"));
    billing.minimum = base::Duration(number_at(object, "minimum_us"));
  });
}

}  // namespace footman::store
