#include "jcasc/draft.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace footman::jcasc {
namespace {

const Entry* find(const std::vector<Entry>& entries, std::string_view key) {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &*found;
}

std::vector<EntryMember> difference(const std::vector<EntryMember>& own,
                                    const std::vector<EntryMember>& parent) {
  std::vector<EntryMember> out;
  for (const auto& member : own)
    if (std::ranges::find(parent, member) == parent.end()) out.push_back(member);
  for (const auto& one : parent)
    if (std::ranges::find(own, one.name, &EntryMember::name) == own.end())
      out.push_back({one.name, std::string(kCleared)});
  return out;
}

// "" of a member that stands in the map itself.
std::string_view group_of(const EntryMember& member) {
  const auto end = member.name.find(kNested);
  return end == std::string::npos ? std::string_view() : std::string_view(member.name).substr(0, end);
}

// {a: 1, b: {c: 2}} of {"a", "1"} and {"b\x1fc", "2"}; [1, 2] of a list. The columns are those in `line`.
void append_members(std::string& line, Entry& entry) {
  std::ranges::stable_sort(entry.members, {}, group_of);
  std::string_view group;
  line += entry.is_list ? '[' : '{';
  for (auto& member : entry.members) {
    const auto own_group = group_of(member);
    if (own_group != group && !group.empty()) line += '}';
    if (&member != &entry.members.front()) line += ", ";
    if (own_group != group) line += quote(own_group) + ": {";
    const auto name = std::string_view(member.name).substr(own_group.empty() ? 0 : own_group.size() + 1);
    member.begin = static_cast<int>(line.size()) + 1;
    line += entry.is_list ? member.value : fmt::format("{}: {}", quote(name), member.value);
    member.end = static_cast<int>(line.size()) + 1;
    group = own_group;
  }
  if (!group.empty()) line += '}';
  line += entry.is_list ? ']' : '}';
}

class Writer {
 public:
  std::string take() { return std::move(text_); }
  int next_line() const { return lines_ + 1; }

  void line(int indent, std::string_view text) {
    text_ += std::string(static_cast<std::size_t>(indent), ' ');
    text_ += text;
    text_ += '\n';
    ++lines_;
  }
  void comment(int indent, std::string_view text) { line(indent, "# " + on_one_line(text)); }

  void entries(int indent, std::vector<Entry>& entries) {
    for (auto& entry : entries) {
      for (const auto& note : entry.notes) comment(indent, note);
      auto shown = std::string(static_cast<std::size_t>(indent), ' ') + entry.key + ": ";
      if (entry.members.empty())
        shown += entry.value;
      else
        append_members(shown, entry);
      shown.erase(0, static_cast<std::size_t>(indent));
      entry.line = next_line();
      if (!entry.refused.empty())
        comment(indent, fmt::format("{}   # {}", shown, entry.refused));
      else if (!entry.fill_in.empty())
        line(indent, fmt::format("{}  # FILL IN: {}", shown, on_one_line(entry.fill_in)));
      else
        line(indent, shown);
    }
  }

 private:
  static std::string on_one_line(std::string_view text) {
    std::string out(text);
    std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, ' ');
    return out;
  }

  std::string text_;
  int lines_ = 0;
};

void write_block(Writer& out, int indent, Block& block) {
  block.line = out.next_line();
  out.line(indent - 2, fmt::format("- name: {}", quote(block.name)));
  for (const auto& remark : block.remarks) out.comment(indent, remark);
  out.entries(indent, block.entries);
  if (block.ecs.empty()) return;
  block.ecs_line = out.next_line();
  const bool only_comments =
      std::ranges::all_of(block.ecs, [](const Entry& one) { return !one.refused.empty(); });
  out.line(indent, only_comments ? "ecs: {}" : "ecs:");
  out.entries(indent + 2, block.ecs);
}

bool is_plain(std::string_view text) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@+-";
  constexpr std::string_view kBegin = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.";
  return !text.empty() && kBegin.find(text[0]) != text.npos && text.find_first_not_of(kSafe) == text.npos &&
         !text.ends_with(':') && text != "null" && text != "Null" && text != "NULL";
}

}  // namespace

std::vector<Entry> difference(const std::vector<Entry>& own, const std::vector<Entry>& parent) {
  std::vector<Entry> out;
  for (const auto& entry : own) {
    const auto* inherited = find(parent, entry.key);
    if (inherited != nullptr && entry.same_value(*inherited) && entry.refused == inherited->refused) continue;
    auto& added = out.emplace_back(entry);
    if (inherited != nullptr && !entry.is_list && !entry.members.empty() && !inherited->members.empty())
      added.members = difference(entry.members, inherited->members);
  }
  for (const auto& entry : parent)
    if (find(own, entry.key) == nullptr && entry.refused.empty())
      out.push_back({.key = entry.key, .value = std::string(kCleared), .members = {}});
  return out;
}

Entry take_out(Entry& entry, std::size_t member, std::string why) {
  auto out = entry;
  out.notes.clear();
  out.members = {entry.members[member]};
  out.refused = std::move(why);
  entry.members.erase(entry.members.begin() + static_cast<std::ptrdiff_t>(member));
  return out;
}

std::string show_value(Entry entry) {
  if (entry.members.empty()) return entry.value;
  std::string text;
  append_members(text, entry);
  return text;
}

std::string render(Draft& draft) {
  Writer out;
  for (const auto& remark : draft.server.remarks) out.comment(0, remark);
  out.entries(0, draft.server.entries);
  out.line(0, "clouds:");
  for (auto& [cloud, templates] : draft.clouds) {
    write_block(out, 4, cloud);
    out.line(4, "templates:");
    for (auto& one : templates) write_block(out, 8, one);
  }
  return out.take();
}

std::string quote(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c == '\n')
      out += "\\n";
    else if (static_cast<unsigned char>(c) < ' ' || c == 127)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + "\"";
}

std::string quote(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + quote(item);
  return "[" + out + "]";
}

}  // namespace footman::jcasc
