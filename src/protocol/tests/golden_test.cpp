// The wire may only change on purpose: each message's bytes are in golden/, the field tables in
// docs/PROTOCOL.md. To write them anew: FOOTMAN_UPDATE_GOLDEN=1 build/dev/src/protocol/protocol_test
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "describe.hpp"
#include "protocol/codec.hpp"
#include "samples.hpp"

using namespace footman::protocol;
using namespace footman::protocol::test;

namespace {

constexpr const char* kHint =
    "to accept the change: FOOTMAN_UPDATE_GOLDEN=1 build/dev/src/protocol/protocol_test";
const std::filesystem::path kGolden = FOOTMAN_SOURCE_DIR "/src/protocol/tests/golden";
const std::filesystem::path kDocument = FOOTMAN_SOURCE_DIR "/docs/PROTOCOL.md";

bool updating() { return std::getenv("FOOTMAN_UPDATE_GOLDEN") != nullptr; }

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A decoder that already has its handshake behind it.
void open_decoder(FrameDecoder& decoder, Direction direction) {
  const auto samples = sample_messages();
  if (direction == Direction::to_server) decoder.feed(kPreface);
  decoder.feed(encode(samples[direction == Direction::to_server ? 0 : 1]));
  REQUIRE(decoder.next()->has_value());
}

}  // namespace

TEST_CASE("each message has exactly its golden bytes") {
  for (const auto& message : sample_messages()) {
    const auto path = kGolden / (std::string(name_of(message)) + ".hex");
    if (updating()) std::ofstream(path, std::ios::binary) << annotated_hex(message);
    INFO(path.string() << " differs; " << kHint);
    const auto text = read(path);
    CHECK(text == annotated_hex(message));
    CHECK(bytes_of_annotated_hex(text) == encode(message));
  }
}

TEST_CASE("golden bytes are decoded to the same message") {
  for (const auto& message : sample_messages()) {
    CAPTURE(name_of(message));
    const auto& info = info_of(message);
    const auto bytes = bytes_of_annotated_hex(read(kGolden / (std::string(info.name) + ".hex")));
    FrameDecoder decoder(info.from_agent ? Direction::to_server : Direction::to_agent);
    if (!info.first) open_decoder(decoder, info.from_agent ? Direction::to_server : Direction::to_agent);
    if (info.first && info.from_agent && info.from_server) open_decoder(decoder, Direction::to_server);
    if (info.name == "Hello") decoder.feed(kPreface);
    decoder.feed(bytes);
    const auto decoded = decoder.next();
    REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
    REQUIRE(decoded->has_value());
    CHECK(name_of(**decoded) == info.name);
    CHECK(encode(**decoded) == bytes);
    CHECK(decoder.bytes_buffered() == 0);
  }
}

TEST_CASE("no golden file is left over") {
  std::set<std::string> expected;
  for (const auto& info : all_messages()) expected.insert(std::string(info.name) + ".hex");
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden))
    found.insert(entry.path().filename());
  CHECK(found == expected);
}

TEST_CASE("message numbers are unique and names agree") {
  std::set<int> numbers;
  const auto samples = sample_messages();
  REQUIRE(samples.size() == all_messages().size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    CHECK(samples[i].index() == i);
    CHECK(name_of(samples[i]) == all_messages()[i].name);
    CHECK(numbers.insert(all_messages()[i].number).second);
    CHECK((all_messages()[i].number & kMayIgnore) == 0);
  }
}

TEST_CASE("the document's field tables are those of the code") {
  constexpr std::string_view begin = "<!-- field tables: begin -->\n";
  constexpr std::string_view end = "<!-- field tables: end -->\n";
  auto document = read(kDocument);
  const auto from = document.find(begin);
  const auto to = document.find(end);
  REQUIRE(from != document.npos);
  REQUIRE(to != document.npos);
  const auto start = from + begin.size();
  if (updating()) {
    document.replace(start, to - start, field_tables());
    std::ofstream(kDocument, std::ios::binary) << document;
    return;
  }
  INFO("docs/PROTOCOL.md differs; " << kHint);
  CHECK(document.substr(start, to - start) == field_tables());
}
