// A machine with a disk that keeps no more than it must. On top of real files it remembers what a power
// failure would leave: the bytes of each file that a successful sync covered, and the names that a sync of
// their directory covered. Of what no sync covered any part may be there, also a size without its bytes,
// which are zeros then. After a failed sync the written pages count as clean without being on disk, as Linux
// has it. Any step can be made to fail.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "logs/disk.hpp"

namespace footman::logs::testing {

class SimDisk final : public Disk {
 public:
  // `backup`: a directory of its own on the same file system.
  SimDisk(std::string root, std::string backup) : root_(std::move(root)), backup_(std::move(backup)) {}

  // Asked before each step that changes or syncs something; an error makes that step fail. A write that fails
  // has written half of its bytes.
  using Fault = std::function<std::optional<base::Error>(const std::string& step)>;
  Fault fault;

  // All changes of names are on disk.
  bool names_are_synced() const;

  // The power is gone and comes back: what was not synced is lost, as far as `random` says so.
  void power_off(std::mt19937& random);

  base::Result<UniqueFd> open(const std::string& path, int flags) override;
  base::Status write(int fd, std::uint64_t offset, std::string_view bytes) override;
  base::Status sync_data(int fd) override;
  base::Status sync(int fd) override;
  base::Status set_attribute(int fd, std::string_view value) override;
  base::Result<std::string> attribute(int fd) override { return file_of(fd).attribute; }
  base::Status truncate(int fd, std::uint64_t size) override;
  base::Status rename(const std::string& from, const std::string& to) override;
  base::Status unlink(const std::string& path) override;
  base::Status make_directory(const std::string& path) override;
  base::Status sync_directory(const std::string& path) override;

 private:
  struct File {
    std::string image;                                           // what is on disk
    std::vector<std::pair<std::uint64_t, std::uint64_t>> dirty;  // [from, to) that is not
    std::string attribute;
    std::string attribute_on_disk;  // the first one comes there before any byte
  };
  using Undo = std::function<void()>;

  base::Status step(const std::string& name);
  File& file_of(int fd);
  void sync_image(int fd, File& file, std::uint64_t size);
  void lose_bytes(const std::string& path, std::mt19937& random);

  std::string root_;
  std::string backup_;
  std::map<std::uint64_t, File> files_;               // by inode
  std::map<std::string, std::vector<Undo>> pending_;  // names not synced yet, by directory
  int backups_ = 0;
};

}  // namespace footman::logs::testing
