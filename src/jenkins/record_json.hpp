// A node's record as text, for whoever keeps it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "jenkins/node_book.hpp"

namespace footman::jenkins {

std::string encode_record(const NodeRecord& record);  // JSON on one line, of this version
// What encode_record() wrote, whole. unsupported: of another version of Footman; corrupt: anything else.
Result<NodeRecord> parse_record(std::string_view text);

}  // namespace footman::jenkins
