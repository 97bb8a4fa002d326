// A container of the options as the API's ContainerDefinition. Inside the module.
#pragma once

#include <boost/json/value.hpp>

#include "ecs/options.hpp"

namespace footman::ecs {

// What the cloud says for containers that say nothing.
struct LogDefaults {
  std::string group;  // empty: no log configuration
  std::string region;
};

boost::json::object to_json(const Container& container, const LogDefaults& logs);
boost::json::object to_json(const Volume& volume);
boost::json::array to_array(const Texts& texts);
// [{"name": …, "value": …}], the names of the members as given.
boost::json::array to_pairs(const TextMap& map, const char* key, const char* value);
std::int64_t to_seconds(Duration duration);

}  // namespace footman::ecs
