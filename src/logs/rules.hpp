// What is the same for every LogStore, whatever it keeps the bytes in.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "ports/log_store.hpp"

namespace footman::logs {

base::Status check_stream_id(base::StreamId stream);
// Limits of one append.
base::Status check_append(base::StreamId stream, std::size_t bytes, std::size_t marks);

// How many of the `count` bytes at `offset` a stream with `size` bytes has already; conflict: a gap, or
// finished.
base::Result<std::size_t> plan_append(base::StreamId stream, bool finished, std::uint64_t size,
                                      std::uint64_t offset, std::size_t count);

// The marks of the bytes from `from` to `end`, in order.
std::vector<ports::TimeMark> marks_of_bytes(std::vector<ports::TimeMark> marks, std::uint64_t from,
                                            std::uint64_t end);

// Picks the answer of LogStore::marks() from all marks of a stream, in order.
class MarkPicker {
 public:
  MarkPicker(std::uint64_t from, std::uint64_t to, std::uint64_t durable);
  void add(const ports::TimeMark& mark);
  bool is_full() const;
  std::vector<ports::TimeMark> take();

 private:
  std::uint64_t from_;
  std::uint64_t to_;
  std::optional<ports::TimeMark> before_;
  std::vector<ports::TimeMark> found_;
};

}  // namespace footman::logs
