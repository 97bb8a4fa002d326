#include "describe.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "protocol/codec.hpp"
#include "protocol/fields.hpp"

namespace footman::protocol::test {
namespace {

constexpr std::size_t kBytesPerLine = 16;

void append_hex_lines(std::string& out, std::string_view bytes, std::string_view note) {
  for (std::size_t at = 0; at < bytes.size() || at == 0; at += kBytesPerLine) {
    std::string line;
    for (unsigned char byte : bytes.substr(at, kBytesPerLine)) line += fmt::format("{:02x} ", byte);
    out += at == 0 ? fmt::format("{:<48}# {}\n", line, note) : fmt::format("{:<48}#\n", line);
    if (bytes.empty()) break;
  }
}

// Writes each field with the real Output and notes its name.
class Annotator {
 public:
  static constexpr bool kReads = false;

  void number(const char* field, auto value) {
    one(field, [&](auto& c) { c.number(field, value); }, fmt::format(" = {}", value));
  }
  void flag(const char* field, bool value) {
    one(field, [&](auto& c) { c.flag(field, value); }, fmt::format(" = {}", value));
  }
  void enumeration(const char* field, auto value, auto first, auto last) {
    one(
        field, [&](auto& c) { c.enumeration(field, value, first, last); },
        fmt::format(" = {}", to_string(value)));
  }
  void open_enumeration(const char* field, auto value, auto last) {
    one(
        field, [&](auto& c) { c.open_enumeration(field, value, last); },
        fmt::format(" = {}", to_string(value)));
  }
  void name(const char* field, const std::string& value, std::size_t max) {
    one(field, [&](auto& c) { c.name(field, value, max); }, printable(value));
  }
  void text(const char* field, const std::string& value, std::size_t max) {
    one(field, [&](auto& c) { c.text(field, value, max); }, printable(value));
  }
  void bytes(const char* field, const std::string& value, std::size_t max) {
    one(field, [&](auto& c) { c.bytes(field, value, max); }, printable(value));
  }
  void secret(const char* field, const base::Secret& value, std::size_t max) {
    one(field, [&](auto& c) { c.secret(field, value, max); }, " (secret)");
  }
  void key(const char* field, const base::Secret& value) {
    one(field, [&](auto& c) { c.key(field, value); }, " (secret)");
  }
  void text_id(const char* field, const auto& id, std::size_t max) {
    one(field, [&](auto& c) { c.text_id(field, id, max); }, printable(id.str()));
  }
  void number_id(const char* field, auto id) {
    one(field, [&](auto& c) { c.number_id(field, id); }, fmt::format(" = {}", id.str()));
  }
  void offset(const char* field, std::uint64_t value) { number(field, value); }
  void instant(const char* field, base::Instant value) {
    one(field, [&](auto& c) { c.instant(field, value); }, " = " + base::format_rfc3339(value));
  }
  void size(const char* field, std::uint64_t value, std::uint64_t /*max*/) { number(field, value); }
  void duration(const char* field, base::Duration value, base::Duration /*max*/ = kMaxDuration) {
    one(field, [&](auto& c) { c.duration(field, value); }, " = " + base::format_duration(value));
  }
  void list(const char* field, const auto& items, std::size_t max, auto fields_of) {
    one(
        field, [&](auto& c) { c.list(field, std::vector<char>(items.size()), max, [](auto&, auto&) {}); },
        fmt::format(" has {}", items.size()));
    const auto outer = prefix_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      prefix_ = fmt::format("{}{}{}[{}]", outer, outer.empty() ? "" : ".", field, i);
      fields_of(*this, items[i]);
    }
    prefix_ = outer;
  }

  std::string text_;

 private:
  template <class Write>
  void one(std::string_view field, Write write, std::string_view value) {
    std::string bytes;
    wire::Output<wire::StringSink> output({&bytes}, "golden");
    write(output);
    const auto dot = prefix_.empty() || field.empty() ? "" : ".";
    append_hex_lines(text_, bytes, fmt::format("{}{}{}{}", prefix_, dot, field, value));
  }
  static std::string printable(std::string_view value) {
    std::string text = " = \"";
    for (char c : value) text += c >= ' ' && c < 127 ? c : '.';
    return text + '"';
  }

  std::string prefix_;
};

// One line of a Markdown table per field; the elements of lists become tables of their own in the text
// around.
class Tabulator {
 public:
  static constexpr bool kReads = false;

  template <class T>
  void number(const char* field, T /*value*/) {
    row(field, fmt::format("{}{}", std::is_signed_v<T> ? "i" : "u", sizeof(T) * 8), "");
  }
  void flag(const char* field, bool /*value*/) { row(field, "flag", ""); }
  template <class E>
  void enumeration(const char* field, E /*value*/, E first, E last) {
    row(field, "u8", values(first, last));
  }
  template <class E>
  void open_enumeration(const char* field, E /*value*/, E last) {
    row(field, "u8", values(E::other, last) + "; any other value reads as other");
  }
  void name(const char* field, const std::string& /*v*/, std::size_t max) {
    row(field, "name", at_most(max));
  }
  void text(const char* field, const std::string& /*v*/, std::size_t max) {
    row(field, "text", at_most(max));
  }
  void bytes(const char* field, const std::string& /*v*/, std::size_t max) {
    row(field, "bytes", at_most(max));
  }
  void secret(const char* field, const base::Secret& /*v*/, std::size_t max) {
    row(field, "name", at_most(max) + ", secret");
  }
  void key(const char* field, const base::Secret& /*v*/) { row(field, "32 bytes", "fixed size, secret"); }
  void text_id(const char* field, const auto& /*id*/, std::size_t max) {
    row(field, "name", at_most(max) + ", not empty");
  }
  void number_id(const char* field, auto /*id*/) { row(field, "id", ""); }
  void offset(const char* field, std::uint64_t /*v*/) { row(field, "offset", ""); }
  void instant(const char* field, base::Instant /*v*/) { row(field, "instant", ""); }
  void duration(const char* field, base::Duration /*v*/, base::Duration max = kMaxDuration) {
    row(field, "duration", max == kMaxDuration ? "" : "at most " + base::format_duration(max));
  }
  void size(const char* field, std::uint64_t /*v*/, std::uint64_t max) { row(field, "u64", at_most(max)); }
  template <class T>
  void list(const char* field, const std::vector<T>& /*items*/, std::size_t max, auto fields_of) {
    row(field, "list", fmt::format("at most {}, each:", max));
    const auto outer = prefix_;
    prefix_ = fmt::format("{}{}{}[]", outer, outer.empty() ? "" : ".", field);
    const T element{};
    fields_of(*this, element);
    prefix_ = outer;
  }

  std::string text_ = "| Field | Type | Note |\n|---|---|---|\n";

 private:
  static std::string at_most(std::size_t max) { return "at most " + base::format_bytes(max); }
  template <class E>
  static std::string values(E first, E last) {
    std::string text;
    for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", i, to_string(static_cast<E>(i)));
    return text;
  }
  void row(std::string_view field, std::string_view type, std::string_view note) {
    const auto dot = prefix_.empty() || field.empty() ? "" : ".";
    text_ += fmt::format("| `{}{}{}` | {} | {} |\n", prefix_, dot, field, type, note);
  }

  std::string prefix_;
};

std::string direction_of(const MessageInfo& info) {
  if (info.from_agent && info.from_server) return "both ways";
  return info.from_agent ? "agent to server" : "server to agent";
}

template <class T>
std::string table_of(const MessageInfo& info) {
  Tabulator tabulator;
  wire::fields(tabulator, std::as_const(*std::make_unique<T>()));
  return fmt::format("### {} (0x{:02X}, {})\n\n{}\n", info.name, info.number, direction_of(info),
                     tabulator.text_);
}

template <std::size_t... I>
std::string all_tables(std::index_sequence<I...> /*indexes*/) {
  return (table_of<std::variant_alternative_t<I, Message>>(all_messages()[I]) + ...);
}

}  // namespace

std::string annotated_hex(const Message& message) {
  const auto& info = info_of(message);
  const auto frame = encode(message);
  Annotator annotator;
  std::string text = fmt::format("# {}, {}\n", info.name, direction_of(info));
  append_hex_lines(text, std::string_view(frame).substr(0, 4), "payload length");
  append_hex_lines(text, std::string_view(frame).substr(4, 1), "message number");
  std::visit([&](const auto& value) { wire::fields(annotator, value); }, message);
  return text + annotator.text_;
}

std::string bytes_of_annotated_hex(const std::string& text) {
  std::string digits;
  bool comment = false;
  for (char c : text) {
    comment = c == '\n' ? false : comment || c == '#';
    if (!comment && c != '\n' && c != ' ') digits += c;
  }
  return base::from_hex(digits).value_or("");
}

std::string field_tables() { return all_tables(std::make_index_sequence<std::variant_size_v<Message>>()); }

}  // namespace footman::protocol::test
