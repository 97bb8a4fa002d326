// The shared files. Input: one byte (which file), then the text.
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "cloud/aws/profiles.hpp"

using namespace footman;
using namespace footman::cloud::aws;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto kind = (data[0] & 1) == 0 ? SharedFile::config : SharedFile::credentials;
  const auto profiles = parse_shared_file(text, kind, "file");
  if (!profiles) {
    FOOTMAN_CHECK(profiles.error().field.starts_with("file:"), "an error does not say where");
    return 0;
  }
  const auto merged = merge_profiles(*profiles, *profiles);
  for (const auto& [name, profile] : *profiles) {
    FOOTMAN_CHECK(merged.at(name).size() == profile.size(), "a merge with itself changes a profile");
    const auto planned = plan_profile(*profiles, name);
    FOOTMAN_CHECK(planned || !planned.error().message.empty(), "a refusal without words");
    FOOTMAN_CHECK(!planned || planned->roles.size() <= kMaxRoles, "too many roles");
  }
  return 0;
}
