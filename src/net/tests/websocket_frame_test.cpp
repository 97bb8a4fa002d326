#include "net/websocket_frame.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace footman;
using namespace footman::net;
using namespace std::string_literals;

namespace {

struct Outcome {
  std::string payload;
  std::vector<std::string> pings;
  std::size_t pongs = 0;
  std::optional<WebSocketDecoder::Close> close;
  int violation = 0;
};

Outcome decode_in_pieces(WebSocketRole role, const std::string& bytes, std::size_t piece) {
  WebSocketDecoder decoder(role);
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    auto part = bytes.substr(at, piece);
    auto decoded = decoder.decode(part.data(), part.size());
    outcome.payload.append(part, 0, decoded.payload_bytes);
    for (auto& ping : decoded.pings) outcome.pings.push_back(std::move(ping));
    outcome.pongs += decoded.pongs;
    if (decoded.close) outcome.close = decoded.close;
    if (decoded.violation != 0) outcome.violation = decoded.violation;
  }
  return outcome;
}

const std::string kKey = "\x12\x34\x56\x78";

std::string from_client(std::string_view payload) {
  return encode_websocket_binary(WebSocketRole::client, payload, kKey);
}

}  // namespace

TEST_CASE("the accept key is the one of the RFC's example") {
  CHECK(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("frames have the bytes of the RFC") {
  CHECK(encode_websocket_pong(WebSocketRole::client, "Hello", "\x37\xfa\x21\x3d") ==
        "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s);
  CHECK(encode_websocket_binary(WebSocketRole::server, std::string(256, 'x'), {}).substr(0, 4) ==
        "\x82\x7e\x01\x00"s);
  CHECK(encode_websocket_binary(WebSocketRole::server, std::string(65536, 'x'), {}).substr(0, 10) ==
        "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST_CASE("any payload size and any split gives the same bytes") {
  std::mt19937 random(7);
  for (const std::size_t size : {0, 1, 7, 8, 125, 126, 127, 1000, 65535, 65536, 70000}) {
    std::string payload(size, '\0');
    for (auto& c : payload) c = static_cast<char>(random());
    const auto masked = from_client(payload) + from_client("tail");
    const auto plain = encode_websocket_binary(WebSocketRole::server, payload, {}) +
                       encode_websocket_binary(WebSocketRole::server, "tail", {});
    for (const std::size_t piece : {1, 2, 3, 5, 13, 4096, 1 << 20}) {
      if (size > 1000 && piece < 5) continue;
      CAPTURE(size);
      CAPTURE(piece);
      CHECK(decode_in_pieces(WebSocketRole::server, masked, piece).payload == payload + "tail");
      CHECK(decode_in_pieces(WebSocketRole::client, plain, piece).payload == payload + "tail");
    }
  }
}

TEST_CASE("control frames stand between the fragments of a message") {
  const auto bytes = "\x02\x03one\x89\x02hi\x00\x03two\x8a\x00\x80\x05three\x88\x05\x03\xe9"s + "bye";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto outcome = decode_in_pieces(WebSocketRole::client, bytes, piece);
    CHECK(outcome.payload == "onetwothree");
    CHECK(outcome.pings == std::vector<std::string>{"hi"});
    CHECK(outcome.pongs == 1);
    REQUIRE(outcome.close);
    CHECK(outcome.close->code == close_code::kGoingAway);
    CHECK(outcome.close->reason == "bye");
    CHECK(outcome.violation == 0);
  }
}

TEST_CASE("what the RFC forbids is a violation with its code") {
  struct Row {
    const char* what;
    std::string bytes;
    int code;
  };
  const Row rows[] = {
      {"reserved bit", "\xc2\x00"s, 1002},
      {"unknown data opcode", "\x83\x00"s, 1002},
      {"unknown control opcode", "\x8b\x00"s, 1002},
      {"text", "\x81\x01x"s, 1003},
      {"masked by a server", "\x82\x80\x01\x02\x03\x04"s, 1002},
      {"continuation without a beginning", "\x80\x00"s, 1002},
      {"message inside a message", "\x02\x01x\x82\x01y"s, 1002},
      {"fragmented ping", "\x09\x00"s, 1002},
      {"long ping", "\x89\x7e\x00\x7e"s, 1002},
      {"16-bit length for a short one", "\x82\x7e\x00\x7d"s, 1002},
      {"64-bit length for a short one", "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"s, 1002},
      {"64-bit length with the top bit", "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"s, 1002},
      {"too large", "\x82\x7f\x00\x00\x00\x00\x10\x00\x00\x00"s, 1009},
      {"close with one byte", "\x88\x01\x03"s, 1002},
      {"close code 1005", "\x88\x02\x03\xed"s, 1002},
      {"close code 999", "\x88\x02\x03\xe7"s, 1002},
      {"close code 5000", "\x88\x02\x13\x88"s, 1002},
      {"close reason not UTF-8", "\x88\x03\x03\xe8\xff"s, 1007},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(decode_in_pieces(WebSocketRole::client, row.bytes + "\x82\x01z", 1).violation == row.code);
    const auto outcome = decode_in_pieces(WebSocketRole::client, row.bytes + "\x82\x01z", 1000);
    CHECK(outcome.violation == row.code);
    CHECK(outcome.payload.find('z') == std::string::npos);  // nothing is taken afterwards
  }
  CHECK(decode_in_pieces(WebSocketRole::server, "\x82\x01x"s, 9).violation == 1002);  // not masked
}

TEST_CASE("close reasons are cut between characters") {
  std::string reason;
  for (int i = 0; i < 80; ++i) reason += "\xc3\xa4";
  const auto frame = encode_websocket_close(WebSocketRole::server, close_code::kNormal, reason, {});
  CHECK(frame.size() == 2 + 2 + 122);
  const auto outcome = decode_in_pieces(WebSocketRole::client, frame, 1000);
  REQUIRE(outcome.close);
  CHECK(outcome.close->reason.size() == 122);
  const auto empty = encode_websocket_close(WebSocketRole::server, close_code::kNoCode, "x", {});
  CHECK(decode_in_pieces(WebSocketRole::client, empty, 1000).close->code == close_code::kNoCode);
}
