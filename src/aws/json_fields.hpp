// Fields of AWS' JSON answers.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <string>
#include <string_view>

namespace footman::aws {

// Empty where the object has no such field, or one that is no text.
inline std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->get_string()))
                                                : std::string();
}

}  // namespace footman::aws
