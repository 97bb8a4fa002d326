// The log bytes a build has printed and the server has not acknowledged: first in memory, beyond that on
// disk. Both are bounded; what does not fit is not taken, so that the build's output blocks instead of being
// lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::agent {

// Bytes beside the memory: a file without a name in the real agent. Calls may block for as long as a local
// disk does.
class SpoolFile {
 public:
  virtual ~SpoolFile() = default;
  virtual base::Status write(std::uint64_t position, std::string_view bytes) = 0;
  virtual base::Result<std::string> read(std::uint64_t position, std::size_t size) = 0;
  virtual void discard() = 0;  // everything written is no longer needed
};
// Null or empty: there is no place on disk, only the memory counts.
using OpenSpoolFile = std::function<base::Result<std::unique_ptr<SpoolFile>>()>;

struct SpoolLimits {
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;
};

// Bytes [begin, end) of a stream. The older ones are in memory, the younger ones in the file:
//
//   begin          file_begin                 end
//   |── memory ────|── file, used as a ring ──|
//
// The file is opened when the memory is full for the first time, and not used again after it is empty until
// that happens again. When it cannot be opened or written only the memory counts until everything is
// released.
class Spool {
 public:
  Spool(std::uint64_t start, SpoolLimits limits, OpenSpoolFile open);

  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }

  // Takes as many bytes as there is room for and returns how many.
  std::size_t append(std::string_view bytes);
  // 1…max bytes from `offset` on, which must be in [begin, end). Valid until the next call. Throws when the
  // disk does not give back what it took: then the log cannot be completed.
  std::string_view read(std::uint64_t offset, std::size_t max);
  // Bytes before `offset` are not needed any more.
  void release(std::uint64_t offset);

  // The first reason why there is no file, for the agent's log; once.
  std::string take_complaint();

 private:
  std::uint64_t file_begin() const { return memory_begin_ + memory_.size() - skip_; }
  std::size_t append_memory(std::string_view bytes);
  std::size_t append_file(std::string_view bytes);
  bool open_file();
  void give_up_file(const base::Error& error);

  SpoolLimits limits_;
  OpenSpoolFile open_;
  std::uint64_t begin_;
  std::uint64_t end_;
  std::string memory_;  // its first `skip_` bytes are released
  std::size_t skip_ = 0;
  std::uint64_t memory_begin_;  // offset of the first byte in memory that is not released
  std::unique_ptr<SpoolFile> file_;
  std::uint64_t file_base_ = 0;  // offset at position 0 of the ring
  bool file_failed_ = false;     // until everything is released
  std::string from_file_;
  std::string complaint_;
  bool complained_ = false;
};

}  // namespace footman::agent
