#include "logs/rules.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "logs/limits.hpp"

namespace footman::logs {

using base::Errc;
using base::fail;
using ports::TimeMark;

base::Status check_stream_id(base::StreamId stream) {
  if (stream.value() > 0) return {};
  return fail(Errc::invalid_argument, "log streams are numbered from 1", "stream");
}

base::Status check_append(base::StreamId stream, std::size_t bytes, std::size_t marks) {
  if (bytes > kMaxAppendBytes)
    return fail(Errc::invalid_argument, "more bytes than one append may have", "bytes");
  if (marks > kMaxMarksInAppend)
    return fail(Errc::invalid_argument, "more time marks than one append may have", "marks");
  return check_stream_id(stream);
}

base::Result<std::size_t> plan_append(base::StreamId stream, bool finished, std::uint64_t size,
                                      std::uint64_t offset, std::size_t count) {
  if (finished) return fail(Errc::conflict, "log stream " + stream.str() + " is finished");
  if (offset > size)
    return fail(Errc::conflict, "a gap in log stream " + stream.str() + ": it has " + std::to_string(size) +
                                    " bytes, more came for offset " + std::to_string(offset));
  return static_cast<std::size_t>(std::min<std::uint64_t>(size - offset, count));
}

std::vector<TimeMark> marks_of_bytes(std::vector<TimeMark> marks, std::uint64_t from, std::uint64_t end) {
  std::erase_if(marks, [&](const TimeMark& mark) { return mark.offset < from || mark.offset >= end; });
  std::ranges::stable_sort(marks, {}, &TimeMark::offset);
  return marks;
}

MarkPicker::MarkPicker(std::uint64_t from, std::uint64_t to, std::uint64_t durable)
    : from_(std::min(from, durable)), to_(std::min(to, durable)) {}

void MarkPicker::add(const TimeMark& mark) {
  if (mark.offset < from_)
    before_ = mark;
  else if (mark.offset < to_ && !is_full())
    found_.push_back(mark);
}

bool MarkPicker::is_full() const { return found_.size() >= kMaxMarksInAnswer; }

std::vector<TimeMark> MarkPicker::take() {
  if (before_) found_.insert(found_.begin(), *before_);
  return std::move(found_);
}

}  // namespace footman::logs
