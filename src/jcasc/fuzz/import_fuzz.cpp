// Any text is refused with a reason, or becomes a configuration without errors.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "jcasc/import.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto imported = footman::jcasc::import_jcasc({reinterpret_cast<const char*>(data), size}, "f");
  if (!imported)
    FOOTMAN_CHECK(!imported.error().message.empty(), "what is refused has a reason");
  else
    FOOTMAN_CHECK(imported->problems.empty(), "what is made passes the checks");
  return 0;
}
