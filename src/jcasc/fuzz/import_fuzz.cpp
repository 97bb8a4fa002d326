// Any text is refused with a reason, or becomes a YAML document; what its checks still find is told.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "jcasc/import.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace footman;
  const auto imported = jcasc::import_jcasc({reinterpret_cast<const char*>(data), size}, "f");
  if (!imported)
    FOOTMAN_CHECK(!imported.error().message.empty(), "what is refused has a reason");
  else
    FOOTMAN_CHECK(imported->clouds > 0 && config::parse_yaml(imported->yaml, "f").has_value(),
                  "what is made is YAML");
  return 0;
}
