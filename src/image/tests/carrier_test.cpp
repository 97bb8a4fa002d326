#include "image/carrier.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <tuple>

#include "base/digest.hpp"
#include "image/gzip.hpp"
#include "image/program.hpp"
#include "image/tar.hpp"

using namespace footman::image;

namespace {

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

constexpr int kX86 = 62;
constexpr int kAarch64 = 183;

// The smallest thing with a header and one program header, which is of the given type (1: to be loaded).
std::string elf(int machine, int segment = 1) {
  std::string out(64 + 56, '\0');
  out.replace(0, 7,
              std::string_view("\x7f"
                               "ELF\2\1\1",
                               7));
  put(out, 16, 2, 2);
  put(out, 18, static_cast<std::uint64_t>(machine), 2);
  put(out, 32, 64, 8);
  put(out, 54, 56, 2);
  put(out, 56, 1, 2);
  put(out, 64, static_cast<std::uint64_t>(segment), 4);
  return out;
}

std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string out(1 << 20, '\0');
  auto input = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  CHECK(stream.avail_in == 0);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::string digest_of(std::string_view bytes) {
  return "sha256:" + footman::base::to_hex(footman::base::sha256(bytes));
}

std::string with(std::string text, std::string_view word, const std::string& value) {
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += value.size())
    text.replace(at, word.size(), value);
  return text;
}

std::string message_of(const Result<CarrierImage>& made) {
  REQUIRE(!made);
  return made.error().message;
}

}  // namespace

// What Python's tarfile makes of the same, but for the blocks that it adds at the end.
TEST_CASE("tar: the bytes of a program and of a folder") {
  const auto tar = make_tar({{"footman-agent", 0755, "hello"}, {"blobs/", 0700, {}}});
  REQUIRE(tar.size() == 5 * 512);
  // Numbers are octal; the sum is that of the header's bytes.
  using namespace std::string_view_literals;
  const auto text = std::string_view(tar);
  CHECK(text.substr(0, 100) == std::string("footman-agent") + std::string(87, '\0'));
  CHECK(text.substr(100, 57) ==
        "0000755\0"
        "0000000\0"
        "0000000\0"
        "00000000005\0"
        "00000000000\0"
        "010425\0 "
        "0"sv);
  CHECK(text.substr(257, 8) ==
        "ustar\0"
        "00"sv);
  CHECK(text.substr(512, 6) == "hello\0"sv);
  CHECK(text.substr(1024, 7) == "blobs/\0"sv);
  CHECK(text[1024 + 156] == '5');
  CHECK(std::ranges::count(text.substr(1536), '\0') == 1024);
  CHECK(footman::base::to_hex(footman::base::sha256(tar)) ==
        "0eef57a88d863857efbf5682ca1dbf31ad5d0908d5e403273cc172ccb3e8dc67");
}

TEST_CASE("gzip: without name and time, and it comes back") {
  const auto text = std::string(100'000, 'a') + "b";
  const auto packed = gzip(text);
  CHECK(packed.size() < 1000);
  CHECK(std::string_view(packed).substr(0, 10) == std::string_view("\x1f\x8b\x08\0\0\0\0\0\x02\x03", 10));
  CHECK(gunzip(packed) == text);
  CHECK(gunzip(gzip("")).empty());
}

TEST_CASE("the documents of an image for two architectures") {
  const auto made = make_carrier_image({{"b", elf(kAarch64)}, {"a", elf(kX86)}});
  REQUIRE(made);
  REQUIRE(made->platforms.size() == 2);
  const auto& amd64 = made->platforms[0];
  CHECK(amd64.architecture == "amd64");
  CHECK(made->platforms[1].architecture == "arm64");

  const auto tar = make_tar({{"footman-agent", 0755, elf(kX86)}});
  CHECK(gunzip(amd64.layer.bytes) == tar);
  CHECK(amd64.layer.media_type == "application/vnd.oci.image.layer.v1.tar+gzip");
  CHECK(amd64.layer.digest == digest_of(amd64.layer.bytes));

  CHECK(amd64.config.media_type == "application/vnd.oci.image.config.v1+json");
  CHECK(
      amd64.config.bytes ==
      R"({"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux",)"
      R"("config":{"Entrypoint":["/footman-agent"]},)"
      R"("rootfs":{"type":"layers","diff_ids":["sha256:d16b5e17bb35bac41fab6a2020a1d139033cc82770d7af4991cdb7b78da88099"]},)"
      R"("history":[{"created":"1970-01-01T00:00:00Z","created_by":"footman image"}]})");
  CHECK(amd64.config.digest == "sha256:ebd870bcb3dc08be8435b7b16b79e8a2a093655384d665f70d2931fca8b3caa5");

  CHECK(
      amd64.manifest.bytes ==
      with(
          with(
              R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
              R"("config":{"mediaType":"application/vnd.oci.image.config.v1+json",)"
              R"("digest":"sha256:ebd870bcb3dc08be8435b7b16b79e8a2a093655384d665f70d2931fca8b3caa5","size":303},)"
              R"("layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",)"
              R"("digest":"LAYER","size":SIZE}]})",
              "LAYER", amd64.layer.digest),
          "SIZE", std::to_string(amd64.layer.bytes.size())));

  CHECK(made->index.media_type == "application/vnd.oci.image.index.v1+json");
  const std::string entry =
      R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"DIGEST","size":SIZE,)"
      R"("platform":{"architecture":"ARCH","os":"linux"}})";
  std::string entries;
  for (const auto& platform : made->platforms) {
    const auto& manifest = platform.manifest;
    entries += (entries.empty() ? "" : ",") + with(with(with(entry, "DIGEST", manifest.digest), "SIZE",
                                                        std::to_string(manifest.bytes.size())),
                                                   "ARCH", platform.architecture);
  }
  CHECK(made->index.bytes ==
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
            entries + "]}");
  CHECK(made->index.digest == digest_of(made->index.bytes));

  const auto again = make_carrier_image({{"x", elf(kX86)}, {"y", elf(kAarch64)}});
  REQUIRE(again);
  CHECK(again->index.digest == made->index.digest);
}

TEST_CASE("programs that cannot be in an image") {
  using footman::base::Errc;
  CHECK(message_of(make_carrier_image({})) == "there is no program to make an image of");
  CHECK(message_of(make_carrier_image({{"a", elf(kX86)}, {"b", elf(kX86)}})) ==
        "b is a second program for amd64");
  CHECK(message_of(make_carrier_image({{"x", elf(kX86, 3)}})) ==
        "x needs libraries, and the image will hold none");
  CHECK(message_of(make_carrier_image({{"x", elf(40)}})) ==
        "x is for a machine that footman-agent is not made for");
  CHECK(message_of(make_carrier_image({{"x", "#!/bin/sh\n"}})) == "x is not a Linux program of 64 bits");
  auto object = elf(kX86);
  put(object, 16, 1, 2);
  CHECK(message_of(make_carrier_image({{"x", object}})) == "x is not a program that can be started");
  // Wherever it is cut or its table leads out of it, nothing outside is read.
  for (std::size_t size = 0; size < elf(kX86).size(); ++size)
    CHECK(!find_architecture(elf(kX86).substr(0, size)));
  for (const auto& [at, value, bytes] :
       {std::tuple{32, ~0ULL, 8}, {32, 65ULL, 8}, {54, 55ULL, 2}, {56, 2ULL, 2}, {56, 0xFFFFULL, 2}}) {
    auto broken = elf(kX86);
    put(broken, static_cast<std::size_t>(at), value, static_cast<std::size_t>(bytes));
    CHECK(message_of(make_carrier_image({{"x", broken}})) == "x is a broken or cut program");
  }
}

TEST_CASE("an archive holds every blob under its digest") {
  const auto made = make_carrier_image({{"a", elf(kX86)}});
  REQUIRE(made);
  const auto archive = make_archive(*made, "footman-agent");
  CHECK(archive.find(R"({"imageLayoutVersion":"1.0.0"})") != std::string::npos);
  CHECK(archive.find(R"("annotations":{"org.opencontainers.image.ref.name":"footman-agent"})") !=
        std::string::npos);
  const auto& platform = made->platforms[0];
  for (const auto* blob : {&platform.layer, &platform.config, &platform.manifest, &made->index}) {
    const auto at = archive.find("blobs/sha256/" + blob->digest.substr(7));
    REQUIRE(at != std::string::npos);
    CHECK(at % 512 == 0);
    CHECK(archive.compare(at + 512, blob->bytes.size(), blob->bytes) == 0);
  }
  CHECK(archive == make_archive(*made, "footman-agent"));
}
