// JSON as this module makes it. Inside the module.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace footman::ecs {

// Members in the order of their names, so that equal values have equal texts.
boost::json::value sort_members(const boost::json::value& value);
std::string canonical_text(const boost::json::value& value);

// RFC 7396: an object changes member by member, null takes one away, everything else replaces.
void apply_merge_patch(boost::json::value& target, const boost::json::value& patch);

}  // namespace footman::ecs
