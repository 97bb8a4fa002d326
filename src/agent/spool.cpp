#include "agent/spool.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/check.hpp"

namespace footman::agent {
namespace {
constexpr std::size_t kKeepCapacity = 64 << 10;  // memory that an empty spool keeps
}

Spool::Spool(std::uint64_t start, SpoolLimits limits, OpenSpoolFile open)
    : limits_(limits), open_(std::move(open)), begin_(start), end_(start), memory_begin_(start) {}

std::size_t Spool::append(std::string_view bytes) {
  std::size_t taken = 0;
  // Once something is in the file all that follows goes there, so that the order is kept.
  if (file_begin() == end_) taken = append_memory(bytes);
  if (taken < bytes.size()) taken += append_file(bytes.substr(taken));
  return taken;
}

std::size_t Spool::append_memory(std::string_view bytes) {
  const auto used = memory_.size() - skip_;
  const auto room = limits_.memory_bytes - std::min<std::uint64_t>(used, limits_.memory_bytes);
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), room));
  if (skip_ > memory_.size() / 2) {
    memory_.erase(0, skip_);
    skip_ = 0;
  }
  memory_.append(bytes.substr(0, count));
  end_ += count;
  return count;
}

std::size_t Spool::append_file(std::string_view bytes) {
  if (limits_.disk_bytes == 0 || file_failed_ || !open_file()) return 0;
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const auto used = end_ - std::max(begin_, file_begin());
    const auto position = (end_ - file_base_) % limits_.disk_bytes;
    const auto room = std::min(limits_.disk_bytes - used, limits_.disk_bytes - position);
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size() - taken, room));
    if (count == 0) break;
    if (const auto written = file_->write(position, bytes.substr(taken, count)); !written) {
      give_up_file(written.error());
      break;
    }
    end_ += count;
    taken += count;
  }
  return taken;
}

bool Spool::open_file() {
  if (end_ == file_begin()) file_base_ = end_;
  if (file_) return true;
  if (!open_) return false;
  auto opened = open_();
  if (!opened) {
    give_up_file(opened.error());
    return false;
  }
  file_ = std::move(*opened);
  return file_ != nullptr;
}

// What the file holds already stays readable.
void Spool::give_up_file(const base::Error& error) {
  file_failed_ = true;
  if (!std::exchange(complained_, true)) complaint_ = base::describe(error);
}

std::string Spool::take_complaint() { return std::exchange(complaint_, {}); }

std::string_view Spool::read(std::uint64_t offset, std::size_t max) {
  FOOTMAN_CHECK(offset >= begin_ && offset < end_, "reads what the spool holds");
  if (offset < file_begin()) {
    const auto at = skip_ + static_cast<std::size_t>(offset - memory_begin_);
    return std::string_view(memory_).substr(at, max);
  }
  const auto position = (offset - file_base_) % limits_.disk_bytes;
  const auto most = std::min({end_ - offset, limits_.disk_bytes - position, std::uint64_t{max}});
  auto bytes = file_->read(position, static_cast<std::size_t>(most));
  if (!bytes) throw std::runtime_error("the spool cannot be read: " + base::describe(bytes.error()));
  from_file_ = std::move(*bytes);
  return from_file_;
}

void Spool::release(std::uint64_t offset) {
  FOOTMAN_CHECK(offset <= end_, "releases what the spool holds");
  if (offset <= begin_) return;
  begin_ = offset;
  const auto in_memory = std::min<std::uint64_t>(offset - memory_begin_, memory_.size() - skip_);
  skip_ += static_cast<std::size_t>(in_memory);
  memory_begin_ += in_memory;
  if (begin_ < end_) return;
  memory_.clear();
  if (memory_.capacity() > kKeepCapacity) memory_.shrink_to_fit();
  skip_ = 0;
  memory_begin_ = end_;
  from_file_ = {};
  if (file_) file_->discard();
  file_failed_ = false;
}

}  // namespace footman::agent
