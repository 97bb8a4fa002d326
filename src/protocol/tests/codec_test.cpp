#include "protocol/codec.hpp"

#include <doctest/doctest.h>

#include <random>
#include <utility>
#include <vector>

#include "samples.hpp"

using namespace footman::protocol;
using namespace footman::protocol::test;
namespace base = footman::base;

namespace {

struct Outcome {
  std::vector<std::string> events;  // encoded again, so that they can be compared
  std::string error;
  bool operator==(const Outcome&) const = default;
};

// Takes all that is there; false when the decoder has ended with an error.
bool drain(FrameDecoder& decoder, Outcome& outcome) {
  while (true) {
    auto next = decoder.next();
    if (!next) {
      outcome.error = next.error().message;
      return false;
    }
    if (!*next) return true;
    outcome.events.push_back(encode(**next));
  }
}

Outcome decode_all(Direction direction, std::string_view bytes) {
  FrameDecoder decoder(direction);
  Outcome outcome;
  decoder.feed(bytes);
  drain(decoder, outcome);
  return outcome;
}

std::string stream_of(Direction direction) {
  const bool to_server = direction == Direction::to_server;
  std::string stream(to_server ? kPreface : std::string_view());
  for (const auto& message : to_server ? sample_session_of_agent() : sample_session_of_server())
    encode_to(stream, message);
  return stream;
}

std::string frame(std::uint8_t number, std::string_view payload) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((payload.size() >> shift) & 0xFF);
  bytes += static_cast<char>(number);
  return bytes + std::string(payload);
}

std::string id_bytes(std::uint64_t id) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>((id >> shift) & 0xFF);
  return bytes;
}

// Both directions after their handshake, then the given bytes.
std::string after_hello(std::string_view bytes) {
  return std::string(kPreface) + encode(sample_messages()[0]) + std::string(bytes);
}
std::string after_welcome(std::string_view bytes) {
  return encode(sample_messages()[1]) + std::string(bytes);
}

constexpr Direction kDirections[] = {Direction::to_server, Direction::to_agent};

}  // namespace

TEST_CASE("any split of the stream gives the same events") {
  std::mt19937 random(20261124);
  for (auto direction : kDirections) {
    const auto stream = stream_of(direction);
    const auto expected = decode_all(direction, stream);
    REQUIRE(expected.error.empty());
    REQUIRE(expected.events.size() > 8);
    for (std::size_t run = 0; run < 200; ++run) {
      CAPTURE(run);
      FrameDecoder decoder(direction);
      Outcome outcome;
      const std::size_t longest = run == 0 ? 1 : 1 + random() % 90;
      for (std::size_t at = 0; at < stream.size();) {
        const std::size_t size = std::min<std::size_t>(1 + random() % longest, stream.size() - at);
        if (run % 2 == 0)
          decoder.feed(std::string_view(stream).substr(at, size));
        else
          decoder.feed(stream.substr(at, size));
        at += size;
        if (random() % 3 != 0) REQUIRE(drain(decoder, outcome));
      }
      REQUIRE(drain(decoder, outcome));
      REQUIRE(outcome == expected);
      REQUIRE(decoder.bytes_buffered() == 0);
    }
  }
}

TEST_CASE("a truncated stream gives the whole messages before the cut and nothing else") {
  for (auto direction : kDirections) {
    const auto stream = stream_of(direction);
    const auto all = decode_all(direction, stream).events;
    std::size_t whole = 0;
    std::size_t end_of_next = (direction == Direction::to_server ? kPreface.size() : 0) + all[0].size();
    for (std::size_t size = 0; size < stream.size(); ++size) {
      if (size == end_of_next) end_of_next += all[++whole].size();
      const auto outcome = decode_all(direction, std::string_view(stream).substr(0, size));
      REQUIRE(outcome.error.empty());
      REQUIRE(outcome.events.size() == whole);
    }
  }
}

TEST_CASE("fields that were added later have their defaults when they are not there") {
  Assign assign;
  for (const auto& sample : sample_messages())
    if (const auto* one = std::get_if<Assign>(&sample)) assign = *one;
  REQUIRE(!assign.work.unstable_exit_statuses.empty());
  auto bytes = encode(Message(assign));
  bytes.resize(bytes.size() - 1 -
               assign.work.unstable_exit_statuses.size());  // as the first version wrote it
  bytes[0] = static_cast<char>(bytes.size() - kFrameHeaderBytes);
  FrameDecoder decoder(Direction::to_agent);
  decoder.feed(encode(sample_messages()[1]));  // Welcome
  REQUIRE(decoder.next()->has_value());
  decoder.feed(bytes);
  const auto decoded = decoder.next();
  REQUIRE(decoded.has_value());
  REQUIRE(decoded->has_value());
  const auto& old = std::get<Assign>(**decoded);
  CHECK(old.work.unstable_exit_statuses.empty());
  CHECK(old.work.log_limit_bytes == assign.work.log_limit_bytes);
}

TEST_CASE("every single corrupt byte gives events or one final error") {
  for (auto direction : kDirections) {
    const auto stream = stream_of(direction);
    for (std::size_t at = 0; at < stream.size(); ++at) {
      for (int mask : {0x01, 0x80, 0xFF}) {
        auto corrupt = stream;
        corrupt[at] = static_cast<char>(corrupt[at] ^ mask);
        FrameDecoder decoder(direction);
        decoder.feed(corrupt);
        Outcome outcome;
        if (drain(decoder, outcome)) continue;
        REQUIRE(outcome.error.find("at byte ") != std::string::npos);
        decoder.feed(stream);
        REQUIRE(decoder.next().error().message == outcome.error);
        REQUIRE(decoder.bytes_buffered() == 0);
      }
    }
  }
}

TEST_CASE("the preface tells this protocol from others") {
  CHECK(match_preface("") == PrefaceMatch::need_more);
  CHECK(match_preface("FOOT") == PrefaceMatch::need_more);
  CHECK(match_preface(kPreface) == PrefaceMatch::yes);
  CHECK(match_preface(stream_of(Direction::to_server)) == PrefaceMatch::yes);
  CHECK(match_preface("GET / HTTP/1.1") == PrefaceMatch::no);
  CHECK(match_preface("FOOTMAN\x02") == PrefaceMatch::no);
  CHECK(decode_all(Direction::to_server, "FOOTBALL").error ==
        "not the Footman agent protocol, at byte 4 of the stream");
}

TEST_CASE("the handshake comes first and once") {
  const auto samples = sample_messages();
  const auto hello = encode(samples[0]);
  const auto welcome = encode(samples[1]);
  const auto heartbeat = encode(Heartbeat{1, {}});
  CHECK(decode_all(Direction::to_server, std::string(kPreface) + heartbeat).error ==
        "Heartbeat before the handshake, at byte 8 of the stream");
  CHECK(decode_all(Direction::to_server, std::string(kPreface) + encode(Goodbye{})).error != "");
  CHECK(decode_all(Direction::to_server, std::string(kPreface) + frame(0x90, "")).error != "");
  CHECK(decode_all(Direction::to_server, after_hello(hello)).error.starts_with("Hello after the handshake"));
  CHECK(decode_all(Direction::to_agent, heartbeat).error.starts_with("Heartbeat before the handshake"));
  CHECK(decode_all(Direction::to_agent, after_welcome(welcome))
            .error.starts_with("Welcome after the handshake"));
  CHECK(decode_all(Direction::to_agent, encode(Goodbye{})).error.empty());
  CHECK(decode_all(Direction::to_agent, encode(samples[2])).error.empty());
  const auto challenge = encode(samples[3]);
  const auto proof = encode(samples[4]);
  CHECK(decode_all(Direction::to_agent, challenge + welcome + heartbeat).error.empty());
  CHECK(decode_all(Direction::to_agent, challenge + encode(samples[2])).error.empty());
  CHECK(decode_all(Direction::to_agent, challenge + heartbeat)
            .error.starts_with("Heartbeat before the handshake"));
  const auto credential = encode(samples[5]);
  CHECK(decode_all(Direction::to_agent, frame(0x07, "\x80\x20" + std::string(kMaxCredentialBytes, 's')))
            .error.empty());
  CHECK(decode_all(Direction::to_agent, frame(0x07, "\x81\x20" + std::string(kMaxCredentialBytes + 1, 's')))
            .error.starts_with("Credential.secret has 4097, the limit is 4096"));
  CHECK(decode_all(Direction::to_agent, credential).error.empty());
  CHECK(decode_all(Direction::to_agent, challenge + credential).error.empty());
  CHECK(decode_all(Direction::to_agent, credential + credential)
            .error.starts_with("Credential after the handshake"));
  CHECK(decode_all(Direction::to_agent, after_welcome(credential))
            .error.starts_with("Credential after the handshake"));
  CHECK(decode_all(Direction::to_agent, after_welcome(challenge))
            .error.starts_with("Challenge after the handshake"));
  CHECK(decode_all(Direction::to_server, std::string(kPreface) + proof)
            .error.starts_with("Proof before the handshake"));
  CHECK(decode_all(Direction::to_server, after_hello(proof)).error.empty());
}

TEST_CASE("Welcome keeps to the limits of the agent") {
  // After the header: version, features, epoch, and the installation with its length.
  const auto sample = std::get<Welcome>(sample_messages()[1]);
  const auto heartbeat_at = kFrameHeaderBytes + 2 + 8 + 8 + 1 + sample.installation.str().size();
  const auto window_at = heartbeat_at + 3 * 8;
  const auto with = [&](std::size_t at, std::uint64_t value) {
    auto bytes = encode(sample);
    for (std::size_t i = 0; i < 8; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
    return decode_all(Direction::to_agent, bytes).error;
  };
  const auto heartbeat = static_cast<std::uint64_t>(kMaxHeartbeatInterval.count());
  CHECK(with(heartbeat_at, heartbeat) == "");
  CHECK(with(heartbeat_at, heartbeat + 1)
            .starts_with("Welcome.heartbeat_interval is 20000001, allowed is 0 to 20000000"));
  CHECK(with(window_at, kMaxLogWindowBytes) == "");
  CHECK(with(window_at, kMaxLogWindowBytes + 1)
            .starts_with("Welcome.log_window_bytes is 67108865, allowed is 0 to 67108864"));
}

TEST_CASE("messages in the wrong direction are refused") {
  for (const auto& message : sample_messages()) {
    const auto& info = info_of(message);
    CAPTURE(info.name);
    if (!info.from_agent) CHECK(decode_all(Direction::to_server, after_hello(encode(message))).error != "");
    if (!info.from_server) CHECK(decode_all(Direction::to_agent, after_welcome(encode(message))).error != "");
  }
}

TEST_CASE("unknown messages are skipped when they may be ignored, else an error") {
  const auto ack = encode(LogAck{base::StreamId(1), 2});
  const auto skipped = decode_all(Direction::to_agent, after_welcome(frame(0xF0, "whatever") + ack));
  CHECK(skipped.error.empty());
  CHECK(skipped.events.size() == 2);
  CHECK(skipped.events.back() == ack);
  FrameDecoder decoder(Direction::to_agent);
  decoder.feed(frame(0x70, "whatever"));
  const auto error = decoder.next().error();
  CHECK(error.code == base::Errc::unsupported);
  CHECK(error.message == "unknown message 0x70, at byte 0 of the stream");
}

TEST_CASE("fields added by a later version are ignored") {
  const auto outcome = decode_all(Direction::to_agent, after_welcome(frame(0x19, id_bytes(7) + "new field")));
  CHECK(outcome.error.empty());
  CHECK(outcome.events.back() == encode(FinishedAck{base::AssignmentId(7)}));
}

TEST_CASE("a frame over the limit is refused by its header alone") {
  const auto header = [](std::uint32_t size, std::uint8_t number) {
    return frame(number, std::string(size, 'x')).substr(0, kFrameHeaderBytes);
  };
  FrameDecoder hello(Direction::to_server);
  hello.feed(std::string(kPreface) + header(kMaxHelloFrameBytes + 1, 0x01));
  CHECK(hello.next().error().code == base::Errc::resource_exhausted);
  CHECK(decode_all(Direction::to_server, after_hello(header(kMaxFrameToServerBytes + 1, 0x20))).error != "");
  CHECK(decode_all(Direction::to_server, after_hello(header(kMaxFrameToServerBytes, 0x20))).error.empty());
  CHECK(decode_all(Direction::to_server, after_hello(header(kMaxProofFrameBytes + 1, 0x06)))
            .error.starts_with("Proof has 24577 bytes, the limit is 24576"));
  CHECK(decode_all(Direction::to_server, after_hello(header(kMaxProofFrameBytes, 0x06))).error.empty());
  CHECK(decode_all(Direction::to_agent, after_welcome(header(kMaxFrameToAgentBytes + 1, 0xF0))).error != "");
  CHECK(decode_all(Direction::to_agent, after_welcome(header(kMaxFrameToAgentBytes, 0xF0))).error.empty());
}

TEST_CASE("what breaks a field's rule is refused, with the field and the byte") {
  const auto seven = id_bytes(7);
  struct Case {
    std::string bytes;
    std::string error;
  };
  const std::vector<Case> to_agent{
      {frame(0x19, seven.substr(0, 7)), "FinishedAck.assignment runs past the end of the frame"},
      {frame(0x19, id_bytes(0)), "FinishedAck.assignment is 0, allowed is 1 to 9223372036854775807"},
      {frame(0x19, id_bytes(~0ULL)), "FinishedAck.assignment is -1, allowed is 1 to 9223372036854775807"},
      {frame(0x13, seven + id_bytes(kMaxOffset + 1)),
       "Start.stream_offset is 4611686018427387905, allowed is"},
      {frame(0x14, seven + "\x05"
                           "1234"),
       "Withdraw.reason runs past the end of the frame"},
      {frame(0x14, seven + "\x84" + std::string(1, '\0') + "1234"),
       "Withdraw.reason has a length that is not"},
      {frame(0x14, seven + "\xFF\xFF\xFF\xFF\xFF\xFF"), "Withdraw.reason has a length that is not"},
      {frame(0x14, seven + "\x81\x08"), "Withdraw.reason has 1025, the limit is 1024"},
      {frame(0x32, std::string("\x00\x00\x02", 3)), "Goodbye.reconnect is 2, not 0 or 1"},
      {frame(0x10, seven + seven + seven + std::string(1, '\0') + seven), "Assign.job is empty"},
      {frame(0x10, seven + seven + seven + std::string("\x01\0", 2) + seven), "Assign.job holds a NUL byte"},
      {frame(0x10, seven + seven + seven + "\x01j" + seven + std::string(1, '\0') + "\x02\x01N\x05"),
       "Assign.env[0].value runs past the end of the frame"},
  };
  for (const auto& [bytes, error] : to_agent) {
    const auto found = decode_all(Direction::to_agent, after_welcome(bytes)).error;
    CHECK_MESSAGE(found.starts_with(error), found);
  }
  const std::string no_marks(1, '\0');
  const auto mark = [](std::uint8_t delta) {
    return std::string(1, static_cast<char>(delta)) + std::string(11, '\0');
  };
  const std::vector<Case> to_server{
      {frame(0x20, seven + seven + "\x01" + mark(0) + no_marks), "LogData has a time mark beyond its bytes"},
      {frame(0x20, seven + seven + "\x02" + mark(1) + mark(0) + "\x02hi"),
       "LogData has time marks that are not in"},
      {frame(0x20, seven + seven + "\x02" + mark(0) + mark(0) + "\x02hi"),
       "LogData has time marks that are not in"},
      {frame(0x20, seven + seven + "\xFF\x7F"), "LogData.marks has 16383, the limit is 4096"},
      {frame(0x17, seven + seven + "\x07"), "BuildFinished.outcome has the unknown value 7"},
      {frame(0x04, "\x01" + seven + "\x01" + seven + id_bytes(2) + id_bytes(1) + seven),
       "Resume has an end before"},
  };
  for (const auto& [bytes, error] : to_server) {
    const auto found = decode_all(Direction::to_server, after_hello(bytes)).error;
    CHECK_MESSAGE(found.starts_with(error), found);
  }
  const auto start = encode(sample_messages()[1]).size();
  const auto cut = decode_all(Direction::to_agent, after_welcome(frame(0x19, "1234567"))).error;
  CHECK(cut.ends_with(", at byte " + std::to_string(start + kFrameHeaderBytes) + " of the stream"));
}

TEST_CASE("codes of later versions read as other") {
  FrameDecoder decoder(Direction::to_agent);
  decoder.feed(frame(0x03, std::string("\xC8\x00\x00", 3)));
  const auto message = decoder.next();
  REQUIRE(message.has_value());
  CHECK(std::get<Refused>(**message).code == RefusalCode::other);
}

TEST_CASE("an empty version range is refused") {
  auto hello = std::get<Hello>(sample_messages()[0]);
  hello.version_min = 3;
  hello.version_max = 2;
  CHECK_FALSE(check(hello).has_value());
}

TEST_CASE("free text is cut to its limit between characters, names are not") {
  Drain drain_message{std::string(kMaxReasonBytes - 1, 'x') + "\xC3\xA4"};
  CHECK(check(drain_message).has_value());
  FrameDecoder decoder(Direction::to_agent);
  decoder.feed(after_welcome(encode(drain_message)));
  REQUIRE(decoder.next().has_value());
  const auto cut = decoder.next();
  REQUIRE(cut.has_value());
  CHECK(std::get<Drain>(**cut).reason == std::string(kMaxReasonBytes - 1, 'x'));
  drain_message.reason = std::string(2 * kMaxReasonBytes, '\x80');  // not UTF-8 at all
  CHECK(decode_all(Direction::to_agent, after_welcome(encode(drain_message))).events.size() == 2);

  auto assign = std::get<Assign>(sample_messages()[9]);
  assign.job = base::JobPath(std::string(kMaxJobPathBytes + 1, 'x'));
  CHECK(check(assign).error().message == "Assign.job has 1025, the limit is 1024");
}

TEST_CASE("check() names what makes an Assign too large, and passes what decodes") {
  auto assign = std::get<Assign>(sample_messages()[9]);
  assign.work.steps[1].script.assign(kMaxScriptBytes, 'x');
  CHECK(check(assign).has_value());
  CHECK(decode_all(Direction::to_agent, after_welcome(encode(assign))).error.empty());
  assign.work.steps[1].script += 'x';
  CHECK(check(assign).error().message == "Assign.steps[1].script has 1048577, the limit is 1048576");
  assign.work.steps.assign(5, {"big", {}, std::string(kMaxScriptBytes, 'x')});
  CHECK(check(assign).error().message.starts_with("Assign takes 52"));
  assign.work.steps.assign(kMaxSteps + 1, {});
  CHECK(check(assign).error().message == "Assign.steps has 1025, the limit is 1024");
  assign.work.steps.clear();
  assign.work.env = {{std::string("A\0B", 3), base::Secret("x"), false}};
  CHECK(check(assign).error().message == "Assign.env[0].name holds a NUL byte");
  CHECK(check(Accepted{}).error().message == "Accepted.assignment is missing");
}

TEST_CASE("numbers out of range are clamped when written") {
  StepFinished finished{base::AssignmentId(1), 1, 0};
  finished.wall_time = base::Duration(-5);  // a clock that was set back
  finished.log_offset = ~0ULL;
  FrameDecoder decoder(Direction::to_server);
  decoder.feed(after_hello(encode(finished)));
  REQUIRE(decoder.next().has_value());
  const auto read = decoder.next();
  REQUIRE(read.has_value());
  CHECK(std::get<StepFinished>(**read).wall_time == base::Duration(0));
  CHECK(std::get<StepFinished>(**read).log_offset == kMaxOffset);
}

TEST_CASE("the bulk path writes the same bytes as LogData") {
  const auto data = std::get<LogData>(sample_messages()[20]);
  std::string bulk = "before";
  encode_log_data_to(bulk, data.stream, data.offset, data.marks, data.bytes);
  CHECK(bulk == "before" + encode(data));
}

TEST_CASE("a full LogData passes in pieces, and the buffer stays in bounds and is given back") {
  LogData data{base::StreamId(1), 0, std::vector<TimeMark>(kMaxTimeMarks),
               std::string(kMaxLogDataBytes, 'x')};
  for (std::uint32_t i = 0; i < kMaxTimeMarks; ++i) data.marks[i].delta = i;
  const auto bytes = encode(data);
  CHECK(bytes.size() <= kFrameHeaderBytes + kMaxFrameToServerBytes);
  FrameDecoder decoder(Direction::to_server);
  decoder.feed(after_hello(""));
  REQUIRE(decoder.next().has_value());
  for (int round = 0; round < 3; ++round) {
    std::size_t events = 0;
    for (std::size_t at = 0; at < bytes.size(); at += 4096) {
      decoder.feed(std::string_view(bytes).substr(at, 4096));
      REQUIRE(decoder.memory_bytes() <= 2 * (at + 4096) + 1024);
      auto next = decoder.next();
      REQUIRE(next.has_value());
      if (*next) events += std::get<LogData>(**next).bytes == data.bytes ? 1 : 0;
    }
    CHECK(events == 1);
    CHECK(decoder.memory_bytes() <= 512);
  }
}

TEST_CASE("a small message in a large chunk does not keep the chunk") {
  FrameDecoder decoder(Direction::to_server);
  decoder.feed(after_hello(""));
  REQUIRE(decoder.next().has_value());
  std::string chunk;
  chunk.reserve(64 * 1024);
  chunk = encode(Heartbeat{1, {}}).substr(0, 9);
  decoder.feed(std::move(chunk));
  REQUIRE_FALSE(decoder.next()->has_value());
  CHECK(decoder.memory_bytes() <= 512);
}

TEST_CASE("secrets do not stay in the decoder's buffer") {
  const std::string secret(std::get<Hello>(sample_messages()[0]).secret.expose());
  auto stream = after_hello(encode(Heartbeat{1, {}}));
  stream.pop_back();  // what is incomplete keeps the buffer alive
  const std::string_view memory(stream.data(), stream.size());
  REQUIRE(memory.find(secret) != memory.npos);
  FrameDecoder decoder(Direction::to_server);
  decoder.feed(std::move(stream));  // takes the memory over
  REQUIRE(decoder.next()->has_value());
  REQUIRE(decoder.bytes_buffered() > 0);
  CHECK(memory.find(secret) == memory.npos);
}
