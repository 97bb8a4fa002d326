// Any text is a configuration or a list of errors that is not empty.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "config/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace footman::config;
  const Sources sources{[](const std::string&) { return std::optional<std::string>("value"); },
                        [](const std::string&) { return Result<std::string>("text\n"); }};
  const auto config = parse_config({reinterpret_cast<const char*>(data), size}, "f", sources, "x86_64");
  if (!config) FOOTMAN_CHECK(!config.error().empty(), "an error has a place");
  return 0;
}
