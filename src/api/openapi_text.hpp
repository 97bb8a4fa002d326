// docs/openapi.yaml as it was when this was built.
#pragma once

#include <string_view>

namespace footman::api {
std::string_view openapi_text();
}
