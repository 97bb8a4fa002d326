// Compressed logs: see format.hpp for the bytes. Blocking.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "logs/disk.hpp"
#include "logs/format.hpp"

namespace footman::logs {

class Archive {
 public:
  // not_found: no such file; corrupt: not an archive.
  static base::Result<Archive> open(Disk& disk, const std::string& path);

  std::uint64_t log_bytes() const { return table_.log_bytes(); }
  // At most `max` bytes from `offset`; empty at the end. Decompresses the frames that hold them, no others.
  base::Result<std::string> read(std::uint64_t offset, std::size_t max);

 private:
  Archive(Disk& disk, UniqueFd file, SeekTable table)
      : disk_(&disk), file_(std::move(file)), table_(std::move(table)) {}
  base::Status load(std::size_t frame);

  Disk* disk_;
  UniqueFd file_;
  SeekTable table_;
  // The last frame, decompressed: readers come for the next bytes of the same one.
  std::size_t loaded_ = SIZE_MAX;
  std::string frame_;
};

// Compresses the open log `source` into a new archive at `path`, complete and synced. `stop`: give up between
// frames (cancelled). Leaves a part of a file behind when it fails.
base::Status write_archive(Disk& disk, int source, const std::string& path, const std::atomic<bool>& stop);

}  // namespace footman::logs
