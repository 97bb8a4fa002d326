#include "cloud/local/options.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace footman::cloud::local {
namespace {

namespace json = boost::json;
constexpr std::size_t kOptionsLimitBytes = 64 << 10;
constexpr std::size_t kVariablesLimit = 256;

Result<std::uint64_t> read_number(const json::object& object, const char* key, std::uint64_t most) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  if (error || number > most) return fail(Errc::invalid_argument, "expected a number", key);
  return number;
}

Result<std::map<std::string, std::string>> read_env(const json::object& object) {
  std::map<std::string, std::string> env;
  const auto* value = object.if_contains("env");
  if (value == nullptr) return env;
  const auto* pairs = value->if_object();
  if (pairs == nullptr || pairs->size() > kVariablesLimit)
    return fail(Errc::invalid_argument, "expected at most 256 variables", "env");
  for (const auto& pair : *pairs) {
    const auto* text = pair.value().if_string();
    if (text == nullptr)
      return fail(Errc::invalid_argument, "expected text", "env." + std::string(pair.key()));
    env.emplace(std::string(pair.key()), std::string(*text));
  }
  return env;
}

}  // namespace

std::string freeze_options(const TemplateOptions& options) {
  json::object env;
  for (const auto& [name, value] : options.env) env[name] = value;
  json::object object;
  object["memory_bytes"] = options.memory_bytes;
  object["max_processes"] = options.max_processes;
  object["max_open_files"] = options.max_open_files;
  object["inherit_proxy_variables"] = options.inherit_proxy_variables;
  object["env"] = std::move(env);
  return json::serialize(object);
}

Result<TemplateOptions> parse_options(const std::string& text) {
  if (text.size() > kOptionsLimitBytes) return fail(Errc::invalid_argument, "launch options are too long");
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return fail(Errc::invalid_argument, "launch options are not a JSON object");
  TemplateOptions options;
  FOOTMAN_TRY(options.memory_bytes, read_number(*object, "memory_bytes", UINT64_MAX));
  FOOTMAN_TRY(const auto processes, read_number(*object, "max_processes", UINT32_MAX));
  FOOTMAN_TRY(const auto files, read_number(*object, "max_open_files", UINT32_MAX));
  options.max_processes = static_cast<std::uint32_t>(processes);
  options.max_open_files = static_cast<std::uint32_t>(files);
  if (const auto* proxies = object->if_contains("inherit_proxy_variables"))
    options.inherit_proxy_variables = proxies->is_bool() && proxies->get_bool();
  FOOTMAN_TRY(options.env, read_env(*object));
  return options;
}

}  // namespace footman::cloud::local
