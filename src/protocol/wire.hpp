// How single fields become bytes, for codec.cpp and fields.hpp only.
//
// Output and Reader have the same functions, so that one description of a message (fields.hpp) serves both
// ways: number  fixed width, little-endian          flag     one byte, 0 or 1 name    varint length + bytes,
// no NUL       text     varint length + bytes, cut to its limit when written bytes   varint length + bytes
// secret   as name instant, duration, offset, number_id: 8 bytes each, in a range that sums cannot overflow
// list    varint count + the elements
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"
#include "protocol/limits.hpp"

namespace footman::protocol::wire {

// Where in a message we are: "Assign.steps[2].script".
class FieldPath {
 public:
  explicit FieldPath(std::string_view message) : message_(message) {}

  void enter(const char* list) {
    if (depth_ < levels_.size()) levels_[depth_] = {list, 0};
    ++depth_;
  }
  void index(std::size_t value) {
    if (depth_ <= levels_.size()) levels_[depth_ - 1].index = value;
  }
  void leave() { --depth_; }

  std::string at(const char* field) const {
    std::string text(message_);
    for (std::size_t i = 0; i < std::min(depth_, levels_.size()); ++i)
      text += fmt::format(".{}[{}]", levels_[i].list, levels_[i].index);
    if (*field != '\0') text += fmt::format(".{}", field);
    return text;
  }

 private:
  struct Level {
    const char* list = "";
    std::size_t index = 0;
  };
  std::string_view message_;
  std::array<Level, 3> levels_{};
  std::size_t depth_ = 0;
};

template <class T>
std::array<char, sizeof(T)> to_little_endian(T value) {
  std::array<char, sizeof(T)> bytes;
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (char& byte : bytes) {
    byte = static_cast<char>(static_cast<unsigned char>(bits));
    bits = static_cast<std::make_unsigned_t<T>>(sizeof(T) > 1 ? bits >> 8 : 0);
  }
  return bytes;
}

template <class T>
T from_little_endian(const char* bytes) {
  std::make_unsigned_t<T> bits = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    bits = static_cast<std::make_unsigned_t<T>>((sizeof(T) > 1 ? bits << 8 : 0) |
                                                static_cast<unsigned char>(bytes[i]));
  return static_cast<T>(bits);
}

inline constexpr std::size_t kMaxVarintBytes = 5;

inline std::size_t varint_size(std::uint32_t value) {
  std::size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

struct CountingSink {
  std::size_t size = 0;
  void put(const char* /*bytes*/, std::size_t count) { size += count; }
};

// Appends where CountingSink has told how much to reserve.
struct StringSink {
  std::string* to;
  void put(const char* bytes, std::size_t count) { to->append(bytes, count); }
};

template <class Sink>
class Output {
 public:
  static constexpr bool kReads = false;

  Output(Sink sink, std::string_view message) : sink_(sink), path_(message) {}

  const Sink& sink() const { return sink_; }
  // The first field beyond its limit, or empty.
  const std::string& problem() const { return problem_; }

  template <std::integral T>
  void number(const char* /*field*/, T value) {
    const auto bytes = to_little_endian(value);
    sink_.put(bytes.data(), bytes.size());
  }
  void flag(const char* field, bool value) { number<std::uint8_t>(field, value ? 1 : 0); }
  template <class E>
  void enumeration(const char* field, E value, E /*first*/, E /*last*/) {
    number(field, static_cast<std::uint8_t>(value));
  }
  template <class E>
  void open_enumeration(const char* field, E value, E /*last*/) {
    number(field, static_cast<std::uint8_t>(value));
  }
  void name(const char* field, std::string_view value, std::size_t max) {
    if (value.find('\0') != value.npos) report(field, "holds a NUL byte");
    bytes(field, value, max);
  }
  void text(const char* field, std::string_view value, std::size_t max) {
    bytes(field, base::cut_utf8(value, max), max);
  }
  void bytes(const char* field, std::string_view value, std::size_t max) {
    length(field, value.size(), max);
    sink_.put(value.data(), value.size());
  }
  void secret(const char* field, const base::Secret& value, std::size_t max) {
    name(field, value.expose(), max);
  }
  void key(const char* /*field*/, const base::Secret& value) {
    std::array<char, kSessionKeyBytes> raw{};
    const auto given = value.expose();
    if (given.size() != raw.size()) report("session_key", "is not 32 bytes long");
    sink_.put(given.size() == raw.size() ? given.data() : raw.data(), raw.size());
  }
  template <class Tag>
  void text_id(const char* field, const base::TextId<Tag>& id, std::size_t max) {
    if (id.empty()) report(field, "is empty");
    name(field, id.str(), max);
  }
  template <class Tag>
  void number_id(const char* field, base::NumberId<Tag> id) {
    if (id.value() < 1) report(field, "is missing");
    number(field, id.value());
  }
  void offset(const char* field, std::uint64_t value) { number(field, std::min(value, kMaxOffset)); }
  void instant(const char* field, base::Instant value) {
    number(field, std::clamp<std::int64_t>(value.us, 0, kMaxInstantUs));
  }
  void duration(const char* field, base::Duration value, base::Duration max = kMaxDuration) {
    number(field, std::clamp<std::int64_t>(value.count(), 0, max.count()));
  }
  void size(const char* field, std::uint64_t value, std::uint64_t max) {
    number(field, std::min(value, max));
  }
  template <class Items, class Fields>
  void list(const char* field, const Items& items, std::size_t max, Fields fields_of) {
    length(field, items.size(), max);
    path_.enter(field);
    for (std::size_t i = 0; i < items.size(); ++i) {
      path_.index(i);
      fields_of(*this, items[i]);
    }
    path_.leave();
  }

 private:
  void length(const char* field, std::size_t size, std::size_t max) {
    if (size > max) report(field, fmt::format("has {}, the limit is {}", size, max));
    auto rest = static_cast<std::uint32_t>(size);
    while (rest >= 0x80) {
      number<std::uint8_t>(field, static_cast<std::uint8_t>(rest | 0x80));
      rest >>= 7;
    }
    number<std::uint8_t>(field, static_cast<std::uint8_t>(rest));
  }
  void report(const char* field, std::string_view what) {
    if (problem_.empty()) problem_ = fmt::format("{} {}", path_.at(field), what);
  }

  Sink sink_;
  FieldPath path_;
  std::string problem_;
};

// Reads a payload. The first problem stops it: later fields keep their defaults and cost nothing.
class Reader {
 public:
  static constexpr bool kReads = true;

  Reader(std::string_view payload, std::string_view message) : payload_(payload), path_(message) {}

  const std::string& problem() const { return problem_; }
  base::Errc problem_code() const { return problem_code_; }
  std::size_t position() const { return position_; }
  bool at_end() const {
    return position_ == payload_.size();
  }  // the fields that were added later are not there

  template <std::integral T>
  void number(const char* field, T& value) {
    if (!have(field, sizeof(T))) return;
    value = from_little_endian<T>(payload_.data() + position_);
    position_ += sizeof(T);
  }
  void flag(const char* field, bool& value) {
    std::uint8_t byte = 0;
    number(field, byte);
    if (byte > 1) return report(field, fmt::format("is {}, not 0 or 1", byte), 1);
    value = byte == 1;
  }
  template <class E>
  void enumeration(const char* field, E& value, E first, E last) {
    auto byte = static_cast<std::uint8_t>(first);
    number(field, byte);
    if (byte < static_cast<std::uint8_t>(first) || byte > static_cast<std::uint8_t>(last))
      return report(field, fmt::format("has the unknown value {}", byte), 1);
    value = static_cast<E>(byte);
  }
  // Values of later versions read as E::other.
  template <class E>
  void open_enumeration(const char* field, E& value, E last) {
    std::uint8_t byte = 0;
    number(field, byte);
    value = byte > static_cast<std::uint8_t>(last) ? E::other : static_cast<E>(byte);
  }
  void name(const char* field, std::string& value, std::size_t max) {
    bytes(field, value, max);
    if (value.find('\0') != value.npos) report(field, "holds a NUL byte", value.size());
  }
  void text(const char* field, std::string& value, std::size_t max) { bytes(field, value, max); }
  void bytes(const char* field, std::string& value, std::size_t max) { value = take(field, max); }
  void secret(const char* field, base::Secret& value, std::size_t max) {
    const auto found = take(field, max);
    if (found.find('\0') != found.npos) return report(field, "holds a NUL byte", found.size());
    value = make_secret(found);
  }
  void key(const char* field, base::Secret& value) {
    if (!have(field, kSessionKeyBytes)) return;
    value = make_secret(payload_.substr(position_, kSessionKeyBytes));
    position_ += kSessionKeyBytes;
  }
  template <class Tag>
  void text_id(const char* field, base::TextId<Tag>& id, std::size_t max) {
    std::string value;
    name(field, value, max);
    if (problem_.empty() && value.empty()) return report(field, "is empty", 1);
    id = base::TextId<Tag>(std::move(value));
  }
  template <class Tag>
  void number_id(const char* field, base::NumberId<Tag>& id) {
    id = base::NumberId<Tag>(ranged(field, 1, std::numeric_limits<std::int64_t>::max()));
  }
  void offset(const char* field, std::uint64_t& value) {
    value = static_cast<std::uint64_t>(ranged(field, 0, static_cast<std::int64_t>(kMaxOffset)));
  }
  void instant(const char* field, base::Instant& value) { value.us = ranged(field, 0, kMaxInstantUs); }
  void duration(const char* field, base::Duration& value, base::Duration max = kMaxDuration) {
    value = base::Duration(ranged(field, 0, max.count()));
  }
  void size(const char* field, std::uint64_t& value, std::uint64_t max) {
    value = static_cast<std::uint64_t>(ranged(field, 0, static_cast<std::int64_t>(max)));
  }
  template <class T, class Fields>
  void list(const char* field, std::vector<T>& items, std::size_t max, Fields fields_of) {
    // Every element takes at least one byte, so a count never makes us allocate much more than was received.
    const auto count = length(field, max);
    if (count == 0) return;
    items.reserve(count);
    path_.enter(field);
    for (std::size_t i = 0; i < count && problem_.empty(); ++i) {
      path_.index(i);
      fields_of(*this, items.emplace_back());
    }
    path_.leave();
  }

  // For rules over several fields. `back` bytes before the position is where it went wrong.
  void report(const char* field, std::string_view what, std::size_t back = 0,
              base::Errc code = base::Errc::corrupt) {
    if (!problem_.empty()) return;
    problem_ = fmt::format("{} {}", path_.at(field), what);
    problem_code_ = code;
    position_ -= back;
  }

 private:
  bool have(const char* field, std::size_t count) {
    if (!problem_.empty()) return false;
    if (payload_.size() - position_ >= count) return true;
    report(field, "runs past the end of the frame");
    return false;
  }
  std::string_view take(const char* field, std::size_t max) {
    const auto size = length(field, max);
    const auto found = payload_.substr(position_, size);
    position_ += size;
    return found;
  }
  std::int64_t ranged(const char* field, std::int64_t min, std::int64_t max) {
    std::int64_t value = min;
    number(field, value);
    if (value >= min && value <= max) return value;
    report(field, fmt::format("is {}, allowed is {} to {}", value, min, max), sizeof value);
    return min;
  }
  // Length or count; 0 after a problem. Never more than the bytes that are left.
  std::size_t length(const char* field, std::size_t max) {
    const auto start = position_;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kMaxVarintBytes; ++i) {
      std::uint8_t byte = 0;
      number(field, byte);
      if (!problem_.empty()) return 0;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
      if (byte < 0x80) break;
    }
    const auto used = position_ - start;
    if (value > std::numeric_limits<std::uint32_t>::max() || (payload_[position_ - 1] & 0x80) != 0 ||
        used != varint_size(static_cast<std::uint32_t>(value)))
      report(field, "has a length that is not written in the shortest way", used);
    else if (value > max)
      report(field, fmt::format("has {}, the limit is {}", value, max), used, base::Errc::resource_exhausted);
    else if (value > payload_.size() - position_)
      report(field, "runs past the end of the frame", used);
    return problem_.empty() ? static_cast<std::size_t>(value) : 0;
  }
  // On the heap even when short: moving a short string leaves its bytes behind on the stack.
  static base::Secret make_secret(std::string_view bytes) {
    std::string value;
    value.reserve(std::max<std::size_t>(bytes.size(), 32));
    value.assign(bytes);
    return base::Secret(std::move(value));
  }

  std::string_view payload_;
  FieldPath path_;
  std::size_t position_ = 0;
  std::string problem_;
  base::Errc problem_code_ = base::Errc::corrupt;
};

}  // namespace footman::protocol::wire
