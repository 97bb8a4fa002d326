// The carrier image: footman-agent alone, for one or more architectures, from which an init container brings
// it into the container of another image. Pure, and the same bytes for the same programs.
//
// Formats: OCI Image Format Specification 1.0 (manifest, index, configuration, layer, image layout).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace footman::image {

using namespace footman::base;

inline constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kIndexType = "application/vnd.oci.image.index.v1+json";

struct Blob {
  std::string media_type;
  std::string digest;  // "sha256:" and 64 hexadecimal digits
  std::string bytes;
};

struct PlatformImage {
  std::string architecture;
  Blob layer;
  Blob config;
  Blob manifest;  // of these two
};

struct CarrierImage {
  std::vector<PlatformImage> platforms;  // by name
  Blob index;                            // of their manifests: the image
};

struct AgentProgram {
  std::string file;  // for errors
  std::string bytes;
};

// invalid_argument: a program that cannot be in it (find_architecture), two for the same architecture, none.
Result<CarrierImage> make_carrier_image(const std::vector<AgentProgram>& programs);

// An archive of an image layout, which other tools read as oci-archive. `name` is the image's in there.
std::string make_archive(const CarrierImage& image, std::string_view name);

}  // namespace footman::image
