#include "image/carrier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/digest.hpp"
#include "image/gzip.hpp"
#include "image/program.hpp"
#include "image/tar.hpp"

namespace footman::image {
namespace {

namespace json = boost::json;

constexpr std::string_view kLayerType = "application/vnd.oci.image.layer.v1.tar+gzip";
constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view kProgram = "footman-agent";
constexpr std::string_view kNoTime = "1970-01-01T00:00:00Z";
constexpr unsigned kProgramMode = 0755;
constexpr unsigned kFolderMode = 0755;
constexpr unsigned kFileMode = 0644;

std::string digest_of(std::string_view bytes) { return "sha256:" + to_hex(sha256(bytes)); }

Blob make_blob(std::string_view media_type, std::string bytes) {
  auto digest = digest_of(bytes);
  return {std::string(media_type), std::move(digest), std::move(bytes)};
}

Blob make_document(std::string_view media_type, const json::object& document) {
  return make_blob(media_type, json::serialize(document));
}

json::object describe(const Blob& blob) {
  return {{"mediaType", blob.media_type}, {"digest", blob.digest}, {"size", blob.bytes.size()}};
}

Blob make_config(std::string_view architecture, std::string_view layer_tar) {
  return make_document(kConfigType,
                       {{"created", kNoTime},
                        {"architecture", architecture},
                        {"os", "linux"},
                        {"config", {{"Entrypoint", json::array{fmt::format("/{}", kProgram)}}}},
                        {"rootfs", {{"type", "layers"}, {"diff_ids", json::array{digest_of(layer_tar)}}}},
                        {"history", json::array{{{"created", kNoTime}, {"created_by", "footman image"}}}}});
}

PlatformImage make_platform(std::string architecture, std::string_view program) {
  const auto tar = make_tar({{std::string(kProgram), kProgramMode, program}});
  PlatformImage out;
  out.layer = make_blob(kLayerType, gzip(tar));
  out.config = make_config(architecture, tar);
  out.manifest = make_document(kManifestType, {{"schemaVersion", 2},
                                               {"mediaType", kManifestType},
                                               {"config", describe(out.config)},
                                               {"layers", json::array{describe(out.layer)}}});
  out.architecture = std::move(architecture);
  return out;
}

Blob make_index(const std::vector<PlatformImage>& platforms) {
  json::array manifests;
  for (const auto& platform : platforms) {
    auto entry = describe(platform.manifest);
    entry["platform"] = {{"architecture", platform.architecture}, {"os", "linux"}};
    manifests.push_back(std::move(entry));
  }
  return make_document(
      kIndexType, {{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", std::move(manifests)}});
}

}  // namespace

Result<CarrierImage> make_carrier_image(const std::vector<AgentProgram>& programs) {
  CarrierImage image;
  for (const auto& program : programs) {
    auto architecture = find_architecture(program.bytes);
    if (!architecture)
      return fail(Errc::invalid_argument, fmt::format("{} {}", program.file, architecture.error().message),
                  {}, architecture.error().hint);
    if (std::ranges::count(image.platforms, *architecture, &PlatformImage::architecture) > 0)
      return fail(Errc::invalid_argument,
                  fmt::format("{} is a second program for {}", program.file, *architecture));
    image.platforms.push_back(make_platform(std::move(*architecture), program.bytes));
  }
  if (image.platforms.empty()) return fail(Errc::invalid_argument, "there is no program to make an image of");
  std::ranges::sort(image.platforms, {}, &PlatformImage::architecture);
  image.index = make_index(image.platforms);
  return image;
}

std::string make_archive(const CarrierImage& image, std::string_view name) {
  auto entry = describe(image.index);
  entry["annotations"] = {{"org.opencontainers.image.ref.name", name}};
  const auto layout = json::serialize(json::object{{"imageLayoutVersion", "1.0.0"}});
  const auto index = json::serialize(json::object{
      {"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", json::array{std::move(entry)}}});
  std::vector<TarEntry> entries{{"oci-layout", kFileMode, layout},
                                {"index.json", kFileMode, index},
                                {"blobs/", kFolderMode, {}},
                                {"blobs/sha256/", kFolderMode, {}}};
  const auto add = [&](const Blob& blob) {
    entries.push_back(
        {"blobs/sha256/" + blob.digest.substr(blob.digest.find(':') + 1), kFileMode, blob.bytes});
  };
  for (const auto& platform : image.platforms)
    for (const auto* blob : {&platform.layer, &platform.config, &platform.manifest}) add(*blob);
  add(image.index);
  return make_tar(entries);
}

}  // namespace footman::image
