// Pure.
#pragma once

#include <string>
#include <string_view>

namespace footman::image {

// As small as zlib gets it; with one version of zlib the same bytes each time: no name, no time.
std::string gzip(std::string_view bytes);

}  // namespace footman::image
