#include "agent/build_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/time.hpp"
#include "protocol/codec.hpp"

namespace footman::agent {

BuildLog::BuildLog(BuildLogConfig config, const std::vector<base::Secret>& masks, runtime::Clock& clock,
                   std::function<void()> wake)
    : stream_(config.stream),
      clock_(clock),
      wake_(std::move(wake)),
      masker_(masks),
      spool_(config.start, config.spool, std::move(config.open_spool)),
      sender_(config.start, config.window_bytes, config.spool.memory_bytes + config.spool.disk_bytes),
      left_(config.limit_bytes),
      limited_(config.limit_bytes > 0) {}

// --- the build's side

runtime::Awaitable<void> BuildLog::write(std::string bytes) {
  if (closed_ || truncated_) co_return;
  co_await put(masker_.feed(bytes));
}

runtime::Awaitable<void> BuildLog::flush() { co_await put(masker_.flush()); }

runtime::Awaitable<void> BuildLog::note(std::string text) {
  co_await flush();
  std::string line = fmt::format("{}[footman] {}\n", at_line_start_ ? "" : "\n", text);
  auto masked = masker_.feed(line);
  masked += masker_.flush();
  co_await put(std::move(masked));
}

void BuildLog::close() {
  closed_ = true;
  room_.notify();
}

runtime::Awaitable<void> BuildLog::put(std::string bytes) {
  if (bytes.empty() || truncated_) co_return;
  std::string last_line;
  if (limited_ && bytes.size() > left_) {
    bytes.resize(static_cast<std::size_t>(left_));
    truncated_ = true;
    const bool fresh = bytes.empty() ? at_line_start_ : bytes.back() == '\n';
    last_line = fmt::format("{}[footman] The log has reached its limit here; the rest is not kept.\n",
                            fresh ? "" : "\n");
  }
  if (limited_) left_ -= bytes.size();
  bytes += last_line;
  at_line_start_ = bytes.back() == '\n';
  co_await put_numbered(std::move(bytes));
}

runtime::Awaitable<void> BuildLog::put_numbered(std::string bytes) {
  mark();
  std::string_view rest = bytes;
  while (!closed_) {
    const auto taken = spool_.append(rest);
    sender_.append(taken);
    rest.remove_prefix(taken);
    if (taken > 0) wake_();
    if (rest.empty()) break;
    co_await room_.wait();
  }
}

void BuildLog::mark() {
  const auto now = clock_.steady();
  const bool covered = !marks_.empty() && now - marked_at_ < mark_every_;
  if (covered || (!marks_.empty() && marks_.back().offset == sender_.end())) return;
  if (marks_.size() >= kMaxMarks) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < marks_.size(); i += 2) marks_[kept++] = marks_[i];
    marks_.resize(kept);
    mark_every_ *= 2;
  }
  marks_.push_back({sender_.end(), clock_.now()});
  marked_at_ = now;
}

// --- the session's side

std::vector<protocol::TimeMark> BuildLog::marks_of(std::uint64_t offset, std::size_t size) const {
  std::vector<protocol::TimeMark> out;
  const auto after = [](std::uint64_t value, const Mark& one) { return value < one.offset; };
  auto it = std::upper_bound(marks_.begin(), marks_.end(), offset, after);
  if (it != marks_.begin()) --it;  // the one that says when the first byte was printed
  for (; it != marks_.end() && it->offset < offset + size && out.size() < protocol::kMaxTimeMarks; ++it) {
    const auto delta = it->offset > offset ? it->offset - offset : 0;
    out.push_back({static_cast<std::uint32_t>(delta), it->at});
  }
  return out;
}

bool BuildLog::append_frame(std::string& out, std::size_t max_bytes, bool with_marks) {
  const auto range = sender_.sendable(max_bytes);
  if (range.size == 0) return false;
  const auto bytes = spool_.read(range.offset, static_cast<std::size_t>(range.size));
  const auto marks = with_marks ? marks_of(range.offset, bytes.size()) : std::vector<protocol::TimeMark>();
  protocol::encode_log_data_to(out, stream_, range.offset, marks, bytes);
  sender_.sent(bytes.size());
  return true;
}

base::Status BuildLog::acknowledge(std::uint64_t durable_offset) {
  FOOTMAN_TRY(const auto freed, sender_.acknowledge(durable_offset));
  if (freed > 0) after_release();
  return {};
}

base::Status BuildLog::rewind(std::uint64_t durable_offset, std::uint64_t window_bytes) {
  sender_.set_window(window_bytes);
  FOOTMAN_TRY_STATUS(sender_.rewind(durable_offset));
  after_release();
  return {};
}

void BuildLog::after_release() {
  const auto first = sender_.first_unacknowledged();
  spool_.release(first);
  while (marks_.size() > 1 && marks_[1].offset <= first) marks_.pop_front();
  room_.notify();
  wake_();
}

}  // namespace footman::agent
