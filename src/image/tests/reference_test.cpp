#include "image/reference.hpp"

#include <doctest/doctest.h>

using namespace footman::image;

namespace {

std::string read(std::string_view text) {
  const auto reference = parse_reference(text);
  return reference ? reference->registry + " " + reference->name + " " + reference->tag
                   : reference.error().message;
}

}  // namespace

TEST_CASE("references: registry, name and tag") {
  CHECK(read("123456789012.dkr.ecr.eu-central-1.amazonaws.com/footman-agent:1") ==
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com footman-agent 1");
  CHECK(read("localhost/a") == "localhost a latest");
  CHECK(read("localhost:5000/team/a_b-c.d:V1.2-x_y") == "localhost:5000 team/a_b-c.d V1.2-x_y");
  CHECK(read("[::1]:5000/a:b") == "[::1]:5000 a b");
  CHECK(read("user/agent") == "docker.io user/agent latest");
  CHECK(read("agent:2") == "docker.io library/agent 2");
  CHECK(read("docker.io/user/agent:2") == "docker.io user/agent 2");
  const auto reference = parse_reference("h.x/a:b");
  REQUIRE(reference);
  CHECK(reference->str() == "h.x/a:b");
  CHECK(reference->with_digest("sha256:1") == "h.x/a@sha256:1");
}

TEST_CASE("references that are none") {
  CHECK(read("") == "a repository has 1 to 512 letters");
  CHECK(read(std::string(513, 'a')) == "a repository has 1 to 512 letters");
  CHECK(read("https://h.x/a") == "a repository is written without https:// in front");
  CHECK(read("h.x/a@sha256:1") == "a digest cannot be chosen: it follows from what is pushed");
  for (const auto* text : {"h.x/A", "h.x/", "h.x/a/", "h.x//a", "h.x/-a", "h.x/a b", "h.x/a?b", "h.x/../b"})
    CHECK_MESSAGE(read(text).find("is not the name of a repository") != std::string::npos,
                  text << ": " << read(text));
  for (const auto* text : {"h.x/a:", "h.x/a:.b", "h.x/a:5/b", "h.x/a:b c", "h.x/a:\xc3\xa4"})
    CHECK_MESSAGE(read(text).find("is not a tag") != std::string::npos, text << ": " << read(text));
  CHECK(read("h.x/a:" + std::string(129, 'b')).find("is not a tag") != std::string::npos);
  CHECK(read("h@evil.x/a").find("digest") != std::string::npos);
  CHECK(read("h.x\r\n/a").find("is not the host of a registry") != std::string::npos);
  CHECK(read("h.x\\/a").find("is not the host of a registry") != std::string::npos);
}
