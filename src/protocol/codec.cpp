#include "protocol/codec.hpp"

#include <fmt/format.h>
#include <string.h>  // explicit_bzero

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "protocol/fields.hpp"

namespace footman::protocol {
namespace {

using base::Errc;

// Memory kept between messages: ten thousand idle agents hold next to nothing.
constexpr std::size_t kKeptBufferBytes = 512;

constexpr std::size_t kMessageCount = std::variant_size_v<Message>;

// name, number, from agent, from server, first, sensitive
constexpr std::array<MessageInfo, kMessageCount> kMessages{{
    {"Hello", 0x01, true, false, true, true},           {"Welcome", 0x02, false, true, true, false},
    {"Refused", 0x03, false, true, true, false},        {"Challenge", 0x05, false, true, true, false},
    {"Proof", 0x06, true, false, false, true},          {"Credential", 0x07, false, true, true, true},
    {"Resume", 0x04, true, false, false, false},        {"Heartbeat", 0x08, true, true, false, false},
    {"HeartbeatReply", 0x09, true, true, false, false}, {"Assign", 0x10, false, true, false, true},
    {"Accepted", 0x11, true, false, false, false},      {"Rejected", 0x12, true, false, false, false},
    {"Start", 0x13, false, true, false, false},         {"Withdraw", 0x14, false, true, false, false},
    {"StepStarted", 0x15, true, false, false, false},   {"StepFinished", 0x16, true, false, false, false},
    {"BuildFinished", 0x17, true, false, false, false}, {"ReportAck", 0x18, false, true, false, false},
    {"FinishedAck", 0x19, false, true, false, false},   {"Cancel", 0x1A, false, true, false, false},
    {"LogData", 0x20, true, false, false, false},       {"LogAck", 0x21, false, true, false, false},
    {"Drain", 0x30, false, true, false, false},         {"Notice", 0x31, true, false, false, false},
    {"Goodbye", 0x32, true, true, true, false},
}};

constexpr std::uint8_t kNoMessage = 0xFF;

constexpr std::array<std::uint8_t, 256> make_index_of_number() {
  std::array<std::uint8_t, 256> table{};
  table.fill(kNoMessage);
  for (std::size_t i = 0; i < kMessages.size(); ++i)
    table[kMessages[i].number] = static_cast<std::uint8_t>(i);
  return table;
}
constexpr auto kIndexOfNumber = make_index_of_number();

using wire::fields;

// What LogData is to fields(), without owning its bytes.
struct LogDataView {
  base::StreamId stream;
  std::uint64_t offset;
  std::span<const TimeMark> marks;
  std::string_view bytes;
};

template <class C>
void fields(C& c, const LogDataView& m) {
  c.number_id("stream", m.stream);
  c.offset("offset", m.offset);
  c.list("marks", m.marks, kMaxTimeMarks, wire::kEach);
  c.bytes("bytes", m.bytes, kMaxLogDataBytes);
}

// Rules over several fields; empty when they hold.
template <class T>
std::string_view rule_broken(const T& /*message*/) {
  return {};
}
std::string_view marks_broken(std::span<const TimeMark> marks, std::size_t bytes) {
  const auto not_rising = [](const TimeMark& a, const TimeMark& b) { return a.delta >= b.delta; };
  if (std::ranges::adjacent_find(marks, not_rising) != marks.end())
    return "has time marks that are not in order, each at a byte of its own";
  if (!marks.empty() && marks.back().delta >= bytes) return "has a time mark beyond its bytes";
  return {};
}
std::string_view rule_broken(const LogData& data) { return marks_broken(data.marks, data.bytes.size()); }
std::string_view rule_broken(const LogDataView& data) { return marks_broken(data.marks, data.bytes.size()); }
std::string_view rule_broken(const HeldAssignment& held) {
  return held.first_unacknowledged > held.end_offset ? "has an end before its first byte"
                                                     : std::string_view();
}
std::string_view rule_broken(const Resume& resume) {
  for (const auto& held : resume.assignments)
    if (auto broken = rule_broken(held); !broken.empty()) return broken;
  return {};
}
std::string_view rule_broken(const Hello& hello) {
  return hello.version_min > hello.version_max ? "has an empty version range" : std::string_view();
}

// Decodes into `message`; the problem, if any, stays in the reader.
template <class T>
void decode_as(wire::Reader& reader, Message& message) {
  T& value = message.emplace<T>();
  wire::fields(reader, value);
  if (auto broken = rule_broken(std::as_const(value)); !broken.empty()) reader.report("", broken);
}

using DecodeFunction = void (*)(wire::Reader&, Message&);

template <std::size_t... I>
constexpr std::array<DecodeFunction, kMessageCount> make_decoders(std::index_sequence<I...> /*indexes*/) {
  return {&decode_as<std::variant_alternative_t<I, Message>>...};
}
constexpr auto kDecoders = make_decoders(std::make_index_sequence<kMessageCount>());

constexpr std::uint8_t number_of(std::string_view name) {
  for (const auto& info : kMessages)
    if (info.name == name) return info.number;
  return kNoMessage;
}
constexpr auto kHelloNumber = number_of("Hello");
constexpr auto kChallengeNumber = number_of("Challenge");
constexpr auto kProofNumber = number_of("Proof");
constexpr auto kGoodbyeNumber = number_of("Goodbye");

std::size_t max_payload(const MessageInfo& info) {
  if (info.number == kHelloNumber) return kMaxHelloFrameBytes;
  if (info.number == kProofNumber) return kMaxProofFrameBytes;
  return info.from_server ? kMaxFrameToAgentBytes : kMaxFrameToServerBytes;
}

struct Measured {
  std::size_t size = 0;
  std::string problem;
};

template <class T>
Measured measure(const T& value, const MessageInfo& info) {
  wire::Output<wire::CountingSink> counter({}, info.name);
  fields(counter, value);
  Measured measured{counter.sink().size, counter.problem()};
  if (const auto broken = rule_broken(value); measured.problem.empty() && !broken.empty())
    measured.problem = fmt::format("{} {}", info.name, broken);
  if (measured.problem.empty() && measured.size > max_payload(info))
    measured.problem =
        fmt::format("{} takes {} bytes, the limit is {}", info.name, measured.size, max_payload(info));
  return measured;
}

template <class T>
void append_frame(std::string& out, const T& value, const MessageInfo& info) {
  const auto measured = measure(value, info);
  FOOTMAN_CHECK(measured.problem.empty(), measured.problem);
  out.reserve(out.size() + kFrameHeaderBytes + measured.size);
  wire::Output<wire::StringSink> writer({&out}, info.name);
  writer.number("length", static_cast<std::uint32_t>(measured.size));
  writer.number("number", info.number);
  fields(writer, value);
}

}  // namespace

std::span<const MessageInfo> all_messages() { return kMessages; }
const MessageInfo& info_of(const Message& message) { return kMessages[message.index()]; }

PrefaceMatch match_preface(std::string_view first_bytes) {
  const auto size = std::min(first_bytes.size(), kPreface.size());
  if (first_bytes.substr(0, size) != kPreface.substr(0, size)) return PrefaceMatch::no;
  return size == kPreface.size() ? PrefaceMatch::yes : PrefaceMatch::need_more;
}

base::Status check(const Message& message) {
  auto measured = std::visit([&](const auto& value) { return measure(value, info_of(message)); }, message);
  if (measured.problem.empty()) return {};
  return base::fail(Errc::resource_exhausted, std::move(measured.problem));
}

std::string encode(const Message& message) {
  std::string out;
  encode_to(out, message);
  return out;
}

void encode_to(std::string& out, const Message& message) {
  std::visit([&](const auto& value) { append_frame(out, value, info_of(message)); }, message);
}

void encode_log_data_to(std::string& out, base::StreamId stream, std::uint64_t offset,
                        std::span<const TimeMark> marks, std::string_view bytes) {
  append_frame(out, LogDataView{stream, offset, marks, bytes}, kMessages[kIndexOfNumber[0x20]]);
}

FrameDecoder::FrameDecoder(Direction direction)
    : direction_(direction), preface_done_(direction == Direction::to_agent) {}

FrameDecoder::~FrameDecoder() { base::wipe(buffer_); }

void FrameDecoder::feed(std::string_view bytes) {
  if (error_) return;
  make_room(bytes.size());
  buffer_.append(bytes);
}

void FrameDecoder::feed(std::string&& bytes) {
  const bool wasteful = bytes.capacity() / 4 > bytes.size() + kKeptBufferBytes;
  if (error_ || begin_ != buffer_.size() || wasteful) return feed(std::string_view(bytes));
  buffer_ = std::move(bytes);
  begin_ = 0;
}

// Room for `count` more bytes. Moves what is left only when at least as much was consumed or the buffer
// doubles, so that each byte is moved a constant number of times; what stood in an old buffer is wiped, it
// may be a secret.
void FrameDecoder::make_room(std::size_t count) {
  const auto left = bytes_buffered();
  if (buffer_.capacity() - buffer_.size() >= count) return;
  if (begin_ >= left && buffer_.capacity() >= left + count) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, left);
    explicit_bzero(buffer_.data() + left, buffer_.size() - left);
    buffer_.resize(left);
    begin_ = 0;
    return;
  }
  std::string bigger;
  bigger.reserve(std::max(left + count, left * 2));
  bigger.append(rest());
  explicit_bzero(buffer_.data() + begin_, left);
  buffer_ = std::move(bigger);
  begin_ = 0;
}

void FrameDecoder::consume(std::size_t count, bool sensitive) {
  if (sensitive) explicit_bzero(buffer_.data() + begin_, count);
  begin_ += count;
  consumed_ += count;
  if (begin_ != buffer_.size()) return;
  buffer_.clear();
  begin_ = 0;
  if (buffer_.capacity() > kKeptBufferBytes) std::string().swap(buffer_);
}

std::unexpected<base::Error> FrameDecoder::fail(Errc code, std::string_view what, std::uint64_t at) {
  error_ = base::Error{code, fmt::format("{}, at byte {} of the stream", what, at), {}, {}};
  base::wipe(buffer_);
  std::string().swap(buffer_);
  begin_ = 0;
  return std::unexpected(*error_);
}

base::Result<std::optional<Message>> FrameDecoder::next() {
  if (error_) return std::unexpected(*error_);
  if (!preface_done_) {
    FOOTMAN_TRY_STATUS(take_preface());
    if (!preface_done_) return std::nullopt;
  }
  while (true) {
    if (bytes_buffered() < kFrameHeaderBytes) return std::nullopt;
    const char* header = buffer_.data() + begin_;
    const std::size_t length = wire::from_little_endian<std::uint32_t>(header);
    const auto number = static_cast<std::uint8_t>(header[4]);
    if (auto status = check_header(length, number); !status)
      return fail(status.error().code, status.error().message, consumed_);
    if (bytes_buffered() < kFrameHeaderBytes + length) return std::nullopt;
    if (kIndexOfNumber[number] != kNoMessage) return take_frame();
    consume(kFrameHeaderBytes + length, false);  // unknown, and may be ignored
  }
}

base::Status FrameDecoder::take_preface() {
  const auto start = rest().substr(0, kPreface.size());
  switch (match_preface(start)) {
    case PrefaceMatch::need_more:
      return {};
    case PrefaceMatch::yes:
      consume(kPreface.size(), false);
      preface_done_ = true;
      return {};
    case PrefaceMatch::no:
      break;
  }
  const auto same = static_cast<std::uint64_t>(
      std::mismatch(start.begin(), start.end(), kPreface.begin()).first - start.begin());
  return fail(Errc::corrupt, "not the Footman agent protocol", consumed_ + same);
}

// Before any byte of the payload is waited for.
base::Status FrameDecoder::check_header(std::size_t length, std::uint8_t number) const {
  const bool to_server = direction_ == Direction::to_server;
  const auto index = kIndexOfNumber[number];
  const MessageInfo* info = index == kNoMessage ? nullptr : &kMessages[index];
  const auto name = info != nullptr ? std::string(info->name) : fmt::format("message 0x{:02X}", number);
  if (info == nullptr && (number & kMayIgnore) == 0)
    return base::fail(Errc::unsupported, fmt::format("unknown {}", name));
  if (info != nullptr && !(to_server ? info->from_agent : info->from_server))
    return base::fail(Errc::corrupt, fmt::format("{} in the wrong direction", name));
  if (!first_done_ && (info == nullptr || !info->first || (to_server && number != kHelloNumber)))
    return base::fail(Errc::corrupt, fmt::format("{} before the handshake", name));
  if (first_done_ && info != nullptr && info->first && number != kGoodbyeNumber)
    return base::fail(Errc::corrupt, fmt::format("{} after the handshake", name));
  const auto limit = info != nullptr ? max_payload(*info)
                     : to_server     ? kMaxFrameToServerBytes
                                     : kMaxFrameToAgentBytes;
  if (length > limit)
    return base::fail(Errc::resource_exhausted,
                      fmt::format("{} has {} bytes, the limit is {}", name, length, limit));
  return {};
}

// The whole frame is here.
base::Result<std::optional<Message>> FrameDecoder::take_frame() {
  const std::size_t length = wire::from_little_endian<std::uint32_t>(buffer_.data() + begin_);
  const auto index = kIndexOfNumber[static_cast<std::uint8_t>(buffer_[begin_ + 4])];
  wire::Reader reader(rest().substr(kFrameHeaderBytes, length), kMessages[index].name);
  std::optional<Message> message(std::in_place);
  kDecoders[index](reader, *message);
  if (!reader.problem().empty())
    return fail(reader.problem_code(), reader.problem(), consumed_ + kFrameHeaderBytes + reader.position());
  consume(kFrameHeaderBytes + length, kMessages[index].sensitive);
  first_done_ = kMessages[index].number != kChallengeNumber;  // which Welcome or Refused still has to follow
  return message;
}

}  // namespace footman::protocol
