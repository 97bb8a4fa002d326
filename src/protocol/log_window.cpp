#include "protocol/log_window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.hpp"
#include "protocol/limits.hpp"

namespace footman::protocol {

using base::Errc;

LogSender::LogSender(std::uint64_t start, std::uint64_t window_bytes, std::uint64_t capacity_bytes)
    : acknowledged_(start),
      next_(start),
      highest_sent_(start),
      end_(start),
      window_(window_bytes),
      capacity_(capacity_bytes) {
  FOOTMAN_CHECK(start <= kMaxOffset && window_bytes <= kMaxOffset && capacity_bytes <= kMaxOffset,
                "offsets in range");
}

std::uint64_t LogSender::room() const {
  const auto kept = end_ - acknowledged_;
  return kept >= capacity_ ? 0 : std::min(capacity_ - kept, kMaxOffset - end_);
}

void LogSender::append(std::uint64_t size) {
  FOOTMAN_CHECK(size <= room(), "more log bytes than there is room for");
  end_ += size;
}

LogRange LogSender::sendable(std::uint64_t max) const {
  const auto limit = std::min(end_, acknowledged_ + window_);
  return {next_, limit <= next_ ? 0 : std::min(limit - next_, max)};
}

void LogSender::sent(std::uint64_t size) {
  FOOTMAN_CHECK(size <= end_ - next_, "sent log bytes that do not exist");
  next_ += size;
  highest_sent_ = std::max(highest_sent_, next_);
}

base::Result<std::uint64_t> LogSender::acknowledge(std::uint64_t durable_offset) {
  if (durable_offset <= acknowledged_) return 0;
  if (durable_offset > highest_sent_)
    return base::fail(Errc::corrupt, fmt::format("the server acknowledges log byte {}, but only {} were sent",
                                                 durable_offset, highest_sent_));
  const auto freed = durable_offset - acknowledged_;
  acknowledged_ = durable_offset;
  next_ = std::max(next_, acknowledged_);
  return freed;
}

base::Result<std::uint64_t> LogSender::rewind(std::uint64_t durable_offset) {
  if (durable_offset < acknowledged_)
    return base::fail(Errc::corrupt, fmt::format("the server has log bytes up to {}, but acknowledged {}",
                                                 durable_offset, acknowledged_));
  FOOTMAN_TRY(const auto freed, acknowledge(durable_offset));
  next_ = acknowledged_;
  return freed;
}

LogReceiver::LogReceiver(std::uint64_t durable_offset, std::uint64_t window_bytes, std::uint64_t most_bytes)
    : durable_(durable_offset), received_(durable_offset), window_(window_bytes), most_(most_bytes) {}

void LogReceiver::set_limits(std::uint64_t window_bytes, std::uint64_t most_bytes) {
  window_ = window_bytes;
  most_ = most_bytes;
}

base::Result<LogSlice> LogReceiver::accept(std::uint64_t offset, std::size_t size) {
  FOOTMAN_CHECK(size <= kMaxOffset, "the size of something in memory");
  if (offset > received_)
    return base::fail(Errc::corrupt,
                      fmt::format("the log continues at {}, but byte {} is missing", offset, received_));
  if (size <= received_ - offset) {
    ack_due_ = true;
    return LogSlice{size, 0};
  }
  const auto skip = static_cast<std::size_t>(received_ - offset);
  const auto take = size - skip;
  if (take > window_ - std::min(window_, received_ - durable_))
    return base::fail(Errc::resource_exhausted,
                      fmt::format("the log is {} bytes ahead of the acknowledged offset {}, the window is {}",
                                  received_ + take - durable_, durable_, window_));
  if (take > most_ - std::min(most_, received_))
    return base::fail(
        Errc::resource_exhausted,
        fmt::format("the log has {} bytes, {} are the most it may have", received_ + take, most_));
  received_ += take;
  return LogSlice{skip, take};
}

void LogReceiver::set_durable(std::uint64_t offset) {
  FOOTMAN_CHECK(offset <= received_, "more durable log bytes than received ones");
  if (offset <= durable_) return;
  durable_ = offset;
  ack_due_ = true;
}

void LogReceiver::forget_undurable() { received_ = durable_; }

std::optional<std::uint64_t> LogReceiver::take_ack() {
  if (!std::exchange(ack_due_, false)) return std::nullopt;
  return durable_;
}

void trim_front(LogData& data, std::size_t count) {
  FOOTMAN_CHECK(count <= data.bytes.size(), "trims more than there is");
  const auto after = std::find_if(data.marks.begin(), data.marks.end(),
                                  [&](const TimeMark& mark) { return mark.delta > count; });
  // The last mark at or before the cut says when the byte after it was produced.
  if (after != data.marks.begin()) {
    std::prev(after)->delta = static_cast<std::uint32_t>(count);
    data.marks.erase(data.marks.begin(), std::prev(after));
  }
  for (auto& mark : data.marks) mark.delta -= static_cast<std::uint32_t>(count);
  data.bytes.erase(0, count);
  data.offset += count;
  if (data.bytes.empty()) data.marks.clear();
}

}  // namespace footman::protocol
