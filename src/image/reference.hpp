// Names of images in registries: "ACCOUNT.dkr.ecr.REGION.amazonaws.com/footman-agent:1". Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::image {

using namespace footman::base;

inline constexpr std::size_t kMaxReference = 512;
inline constexpr std::string_view kDockerHub = "docker.io";

struct Reference {
  std::string registry;     // "localhost:5000"; kDockerHub where the text names none
  std::string name;         // "team/footman-agent"
  std::string tag;          // "latest" where the text has none
  std::string str() const;  // with the tag
  std::string with_digest(std::string_view digest) const;  // without it
};

// invalid_argument, with what is wrong. A digest is refused: it follows from the content.
Result<Reference> parse_reference(std::string_view text);

}  // namespace footman::image
