#include "logs/tests/sim_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace footman::logs::testing {

namespace fs = std::filesystem;
using base::Result;
using base::Status;

namespace {

constexpr char kGarbage = '\xEE';

std::string directory_of(const std::string& path) { return fs::path(path).parent_path().string(); }

std::uint64_t inode_of(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) throw std::runtime_error("fstat");
  return info.st_ino;
}

}  // namespace

Status SimDisk::step(const std::string& name) {
  if (!fault) return {};
  if (auto error = fault(name)) return std::unexpected(std::move(*error));
  return {};
}

SimDisk::File& SimDisk::file_of(int fd) { return files_[inode_of(fd)]; }

Result<UniqueFd> SimDisk::open(const std::string& path, int flags) {
  const bool creates = (flags & O_CREAT) != 0 && !fs::exists(path);
  if (creates) FOOTMAN_TRY_STATUS(step("create"));
  if ((flags & O_ACCMODE) == O_WRONLY) flags = (flags & ~O_ACCMODE) | O_RDWR;  // what is synced is read here
  auto fd = Disk::open(path, flags);
  if (fd && creates) {
    files_[inode_of(fd->get())] = {};
    pending_[directory_of(path)].emplace_back([path] { fs::remove(path); });
  }
  if (fd && (flags & O_TRUNC) != 0) file_of(fd->get()) = {};
  return fd;
}

Status SimDisk::write(int fd, std::uint64_t offset, std::string_view bytes) {
  auto failed = step("write");
  if (!failed) bytes = bytes.substr(0, bytes.size() / 2);
  FOOTMAN_TRY_STATUS(Disk::write(fd, offset, bytes));
  file_of(fd).dirty.emplace_back(offset, offset + bytes.size());
  return failed;
}

void SimDisk::sync_image(int fd, File& file, std::uint64_t size) {
  file.image.resize(size, kGarbage);
  for (const auto& [from, to] : file.dirty) {
    if (from >= size) continue;
    const auto bytes = Disk::read(fd, from, std::min(to, size) - from);
    file.image.replace(from, bytes->size(), *bytes);
  }
}

Status SimDisk::sync_data(int fd) {
  auto& file = file_of(fd);
  auto done = step("sync_data");
  if (done) sync_image(fd, file, *Disk::size(fd));
  file.dirty.clear();
  return done;
}

Status SimDisk::sync(int fd) {
  FOOTMAN_TRY_STATUS(sync_data(fd));
  file_of(fd).attribute_on_disk = file_of(fd).attribute;
  return {};
}

Status SimDisk::set_attribute(int fd, std::string_view value) {
  FOOTMAN_TRY_STATUS(step("set_attribute"));
  auto& file = file_of(fd);
  if (file.attribute.empty()) file.attribute_on_disk = value;
  file.attribute = value;
  return {};
}

Status SimDisk::truncate(int fd, std::uint64_t size) {
  FOOTMAN_TRY_STATUS(step("truncate"));
  std::erase_if(file_of(fd).dirty, [&](const auto& range) { return range.first >= size; });
  return Disk::truncate(fd, size);
}

Status SimDisk::rename(const std::string& from, const std::string& to) {
  FOOTMAN_TRY_STATUS(step("rename"));
  const auto replaced = backup_ + "/" + std::to_string(++backups_);
  const bool replaces = fs::exists(to);
  if (replaces) fs::create_hard_link(to, replaced);
  FOOTMAN_TRY_STATUS(Disk::rename(from, to));
  pending_[directory_of(to)].emplace_back([from, to, replaced, replaces] {
    fs::rename(to, from);
    if (replaces) fs::create_hard_link(replaced, to);
  });
  return {};
}

Status SimDisk::unlink(const std::string& path) {
  if (!fs::exists(path)) return {};
  FOOTMAN_TRY_STATUS(step("unlink"));
  const auto copy = backup_ + "/" + std::to_string(++backups_);
  fs::create_hard_link(path, copy);
  pending_[directory_of(path)].emplace_back([path, copy] { fs::create_hard_link(copy, path); });
  return Disk::unlink(path);
}

Status SimDisk::make_directory(const std::string& path) {
  const bool creates = !fs::exists(path);
  if (creates) FOOTMAN_TRY_STATUS(step("make_directory"));
  if (creates) pending_[directory_of(path)].emplace_back([path] { fs::remove_all(path); });
  return Disk::make_directory(path);
}

Status SimDisk::sync_directory(const std::string& path) {
  FOOTMAN_TRY_STATUS(step("sync_directory"));
  pending_[path].clear();
  return {};
}

// What was written and not synced may have come to the disk, from its beginning as far as you like.
void SimDisk::lose_bytes(const std::string& path, std::mt19937& random) {
  const auto fd = Disk::open(path, O_RDWR);
  auto& file = file_of(fd->get());
  const auto size = *Disk::size(fd->get());
  if (size > file.image.size() && !file.dirty.empty() && file.dirty.front().first <= file.image.size())
    sync_image(fd->get(), file, file.image.size() + random() % (size - file.image.size() + 1));
  if (size > file.image.size() && random() % 2 == 0)
    file.image.resize(file.image.size() + random() % (size - file.image.size() + 1), '\0');
  if (random() % 2 == 0) file.attribute_on_disk = file.attribute;
  file.attribute = file.attribute_on_disk;
  file.dirty.clear();
  if (!Disk::truncate(fd->get(), 0) || !Disk::write(fd->get(), 0, file.image))
    throw std::runtime_error("write " + path);
}

bool SimDisk::names_are_synced() const {
  return std::ranges::all_of(pending_, [](const auto& entry) { return entry.second.empty(); });
}

void SimDisk::power_off(std::mt19937& random) {
  // Directories lose their last changes, in the reverse order of making them; the outer ones last.
  for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
    auto& undos = it->second;
    for (auto keep = random() % (undos.size() + 1); undos.size() > keep; undos.pop_back()) undos.back()();
    undos.clear();
  }
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    if (entry.is_regular_file()) paths.push_back(entry.path().string());
  std::ranges::sort(paths);  // a seed gives the same losses on every machine
  for (const auto& path : paths) lose_bytes(path, random);
}

}  // namespace footman::logs::testing
