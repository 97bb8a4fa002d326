// Certificates as texts in PEM form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace footman::net {

// The first certificate alone: the rest of a file may be its key, which is nobody's business.
base::Result<std::string> first_certificate(std::string_view pem);
// Each certificate up to the first one that cannot be read; one at least.
base::Result<std::vector<std::string>> list_certificates(std::string_view pem);

}  // namespace footman::net
