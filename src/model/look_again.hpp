// The events on which something that is held is looked at again, in words.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"

namespace footman::model {

// "when an agent ends"; empty for a word that is none of them.
std::string_view describe_look_again(std::string_view word);
// "Looked at again in 4 s, or when an agent ends."; both may be missing: empty. at: not set, no time is
// known; one that is past is not told.
std::string describe_look_again(base::Instant at, std::string_view word, base::Instant now);

}  // namespace footman::model
