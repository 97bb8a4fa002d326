#include "simulate/build_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "base/number.hpp"
#include "base/utf8.hpp"
#include "model/label.hpp"

namespace footman::simulate {
namespace {

using config::Diagnostic;
using config::Position;

struct Field {
  std::string text;
  Position at;
};

// What is wrong with a field; where it stands is known to who reads the line.
struct Complaint {
  std::string message;
};
template <class T>
using Read = std::expected<T, Complaint>;

std::unexpected<Complaint> complain(std::string message) {
  return std::unexpected(Complaint{std::move(message)});
}

// --- values

Duration seconds(double value) { return Duration(std::llround(value * 1e6)); }

// "+01:30" at the end of a time; RFC 3339 also writes Z in lower case.
std::optional<Instant> find_time(std::string_view text) {
  Duration offset{0};
  std::string utc(text);
  if (text.size() > 6 && (text[text.size() - 6] == '+' || text[text.size() - 6] == '-')) {
    const auto zone = text.substr(text.size() - 6);
    const auto hours = find_number<int>(zone.substr(1, 2));
    const auto minutes = find_number<int>(zone.substr(4, 2));
    if (!hours || !minutes || zone[3] != ':' || *hours < 0 || *hours > 23 || *minutes < 0 || *minutes > 59)
      return std::nullopt;
    offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    if (zone[0] == '-') offset = -offset;
    utc = std::string(text.substr(0, text.size() - 6)) + "Z";
  }
  const auto time = parse_rfc3339(utc);
  if (!time) return std::nullopt;
  return *time - offset;
}

Read<Duration> read_duration(std::string_view text) {
  Duration duration{0};
  if (const auto number = find_decimal(text); number && std::abs(*number) < 1e12)
    duration = seconds(*number);
  else if (const auto with_units = parse_duration(text))
    duration = *with_units;
  else
    return complain(fmt::format("'{}' is no duration; write seconds (90, 2.5) or units (1m30s)", text));
  if (duration < Duration(0)) return complain("a build cannot last less than no time");
  if (duration > kMaxBuildTime)
    return complain(fmt::format("a build lasts at most {}", format_duration(kMaxBuildTime)));
  return duration;
}

// --- lines

class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  std::expected<BuildTrace, std::vector<Diagnostic>> read() {
    if (text_.size() > kMaxTraceBytes)
      return std::unexpected(
          std::vector{Diagnostic{file_, {}, fmt::format("is larger than {}", format_bytes(kMaxTraceBytes))}});
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    if (read_head())
      while (!text_.empty() && errors_.size() < kMaxTraceErrors && read_line()) continue;
    if (errors_.empty() && rows_.empty()) fail({line_, 1}, "the trace has no build");
    if (errors_.empty()) finish();
    if (!errors_.empty()) return std::unexpected(std::move(errors_));
    return std::move(trace_);
  }

 private:
  enum class Column { submitted, label, duration, job, count };
  static constexpr std::array<std::string_view, 4> kColumns{"submitted", "label", "duration", "job"};

  static constexpr std::size_t kMostFields = 32;  // of a wrong line, which is still told what it has

  struct Row {
    Instant submitted;
    Position at;
    TracedBuild build;
  };

  void fail(Position at, std::string message) {
    if (errors_.size() < kMaxTraceErrors) errors_.push_back({file_, at, std::move(message)});
  }

  // The next line without its end.
  std::string_view take_line() {
    const auto end = std::min(text_.find('\n'), text_.size());
    auto line = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  // Nothing: an error was told.
  std::optional<std::vector<Field>> split(std::string_view line) {
    std::vector<Field> fields;
    std::size_t at = 0;
    while (true) {
      Field field{{}, {line_, static_cast<int>(at) + 1}};
      if (at < line.size() && line[at] == '"') {
        if (!take_quoted(line, at, field)) return std::nullopt;
      } else {
        const auto end = std::min(line.find(',', at), line.size());
        field.text = line.substr(at, end - at);
        at = end;
        if (const auto quote = field.text.find('"'); quote != std::string::npos) {
          fail({line_, field.at.column + static_cast<int>(quote)},
               "a quote inside a field; put the whole field in quotes and double those inside");
          return std::nullopt;
        }
      }
      fields.push_back(std::move(field));
      if (fields.size() > kMostFields) {
        fail({line_, fields.back().at.column}, fmt::format("a line has at most {} fields", kMostFields));
        return std::nullopt;
      }
      if (at >= line.size()) return fields;
      ++at;  // the comma
    }
  }

  bool take_quoted(std::string_view line, std::size_t& at, Field& field) {
    const auto opened = at++;
    while (true) {
      const auto quote = line.find('"', at);
      if (quote == std::string_view::npos) {
        fail({line_, static_cast<int>(opened) + 1}, "this quote is not closed on its line");
        return false;
      }
      field.text += line.substr(at, quote - at);
      at = quote + 1;
      if (at >= line.size() || line[at] != '"') break;
      field.text += '"';
      ++at;
    }
    if (at < line.size() && line[at] != ',') {
      fail({line_, static_cast<int>(at) + 1}, "a comma is expected after a field in quotes");
      return false;
    }
    return true;
  }

  bool read_head() {
    const auto line = take_line();
    if (line.empty()) {
      fail({1, 1},
           "the first line is empty; it names the columns: submitted,label,duration and, if wanted, job");
      return false;
    }
    const auto fields = split(line);
    if (!fields) return false;
    width_ = fields->size();
    for (std::size_t i = 0; i < fields->size(); ++i) {
      const auto& name = (*fields)[i].text;
      const auto known = std::ranges::find(kColumns, name);
      if (known == kColumns.end()) {
        fail((*fields)[i].at,
             fmt::format("unknown column '{}'; there are submitted, label, duration and job", cut(name)));
        continue;
      }
      auto& place = places_.at(static_cast<std::size_t>(known - kColumns.begin()));
      if (place) fail((*fields)[i].at, fmt::format("the column '{}' stands here a second time", name));
      place = i;
    }
    for (const auto column : {Column::submitted, Column::label, Column::duration})
      if (!places_.at(static_cast<std::size_t>(column)) && errors_.empty())
        fail({1, 1}, fmt::format("the first line names the columns; '{}' is missing",
                                 kColumns.at(static_cast<std::size_t>(column))));
    return errors_.empty();
  }

  // False: nothing more is read.
  bool read_line() {
    ++line_;
    const auto line = take_line();
    if (line.empty()) return true;
    const auto fields = split(line);
    if (!fields) return true;
    if (fields->size() != width_) {
      fail({line_, 1}, fmt::format("{} field{}, but the first line names {} columns", fields->size(),
                                   fields->size() == 1 ? "" : "s", width_));
      return true;
    }
    if (rows_.size() == kMaxTraceBuilds) {
      fail({line_, 1}, fmt::format("a trace has at most {} builds", kMaxTraceBuilds));
      return false;
    }
    read_build(*fields);
    return true;
  }

  const Field* find(const std::vector<Field>& fields, Column column) const {
    const auto place = places_.at(static_cast<std::size_t>(column));
    return place ? &fields[*place] : nullptr;
  }

  void read_build(const std::vector<Field>& fields) {
    Row row;
    row.at = find(fields, Column::submitted)->at;
    take(*find(fields, Column::submitted), read_submitted(find(fields, Column::submitted)->text),
         row.submitted);
    take(*find(fields, Column::label), read_label(find(fields, Column::label)->text), row.build.label);
    take(*find(fields, Column::duration), read_duration(find(fields, Column::duration)->text),
         row.build.duration);
    if (const auto* job = find(fields, Column::job)) take(*job, read_job(job->text), row.build.job);
    if (errors_.empty()) rows_.push_back(std::move(row));
  }

  template <class T>
  void take(const Field& field, Read<T> read, T& target) {
    if (read)
      target = std::move(*read);
    else
      fail(field.at, std::move(read.error().message));
  }

  Read<Instant> read_submitted(const std::string& text) {
    const auto number = find_decimal(text);
    const auto time = number ? std::optional<Instant>() : find_time(text);
    if (!number && !time)
      return complain(fmt::format("'{}' is no time; write 2026-11-24T08:40:15Z, or seconds", cut(text)));
    const bool in_seconds = number.has_value();
    if (in_seconds_.value_or(in_seconds) != in_seconds)
      return complain("times and seconds are mixed; the lines before have the other form");
    in_seconds_ = in_seconds;
    if (!number) return *time;
    if (std::abs(*number) > 1e10) return complain("that many seconds are too many");
    return kTraceEpoch + seconds(*number);
  }

  // The same few expressions come again and again.
  Read<std::string> read_label(const std::string& text) {
    if (const auto known = labels_.find(text); known != labels_.end()) return known->second;
    const auto label = model::parse_label_expression(text);
    if (!label) return complain(describe(label.error()));
    if (labels_.size() == kMaxTraceLabels)
      return complain(fmt::format("a trace has at most {} different labels", kMaxTraceLabels));
    if (!is_utf8(text)) return complain("the label is not UTF-8");
    return labels_.emplace(text, label->text()).first->second;
  }

  static Read<std::string> read_job(const std::string& text) {
    if (text.size() > kMaxJobBytes)
      return complain(fmt::format("a job's name has at most {} bytes", kMaxJobBytes));
    if (!is_utf8(text)) return complain("the job's name is not UTF-8");
    return text;
  }

  static std::string cut(std::string_view text) { return replace_invalid_utf8(cut_utf8(text, 60)); }

  void finish() {
    std::ranges::stable_sort(rows_, {}, &Row::submitted);
    trace_.start = rows_.front().submitted;
    if (const auto& last = rows_.back(); last.submitted - trace_.start > kMaxTraceSpan)
      return fail(last.at, fmt::format("this is {} after the first build; a trace spans at most {}",
                                       format_duration(last.submitted - trace_.start),
                                       format_duration(kMaxTraceSpan)));
    trace_.builds.reserve(rows_.size());
    for (auto& row : rows_) {
      row.build.submitted = row.submitted - trace_.start;
      trace_.builds.push_back(std::move(row.build));
    }
  }

  std::string_view text_;
  const std::string& file_;
  int line_ = 1;
  std::size_t width_ = 0;
  std::array<std::optional<std::size_t>, 4> places_;
  std::optional<bool> in_seconds_;
  std::map<std::string, std::string> labels_;  // as written, normalised
  std::vector<Row> rows_;
  std::vector<Diagnostic> errors_;
  BuildTrace trace_;
};

}  // namespace

std::expected<BuildTrace, std::vector<Diagnostic>> parse_build_trace(std::string_view text,
                                                                     const std::string& file) {
  return Reader(text, file).read();
}

}  // namespace footman::simulate
