#include "logs/unknown.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <string_view>
#include <vector>

namespace footman::logs {

using base::Result;
using base::Status;

namespace {

constexpr std::string_view kPrefix = "unknown-";
constexpr std::size_t kSecondsLength = sizeof("2026-11-24T08:40:15") - 1;

std::string folder_in(const std::string& directory, base::Instant now) {
  auto text = base::format_rfc3339(now).substr(0, kSecondsLength);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return directory + "/" + std::string(kPrefix) + text + "Z";
}

Result<std::vector<std::string>> list_later(const std::string& bucket, base::StreamId newest) {
  FOOTMAN_TRY(auto names, Disk::list(bucket));
  std::erase_if(names, [&](const std::string& name) {
    const auto file = parse_file_name(name);
    return !file || file->stream <= newest;
  });
  return names;
}

Status move_files(Disk& disk, const std::string& bucket, const std::vector<std::string>& names,
                  const std::string& folder) {
  FOOTMAN_TRY_STATUS(disk.make_directory(folder));
  for (const auto& name : names)
    FOOTMAN_TRY_STATUS(disk.rename(std::string(bucket).append("/").append(name),
                                   std::string(folder).append("/").append(name)));
  FOOTMAN_TRY_STATUS(disk.sync_directory(folder));
  return disk.sync_directory(bucket);
}

// Returns the streams that it had files of.
Result<std::set<base::StreamId>> empty_folder(Disk& disk, const Layout& layout, const std::string& folder,
                                              const std::set<base::StreamId>& wanted, std::size_t& count) {
  std::set<base::StreamId> found;
  FOOTMAN_TRY(const auto names, Disk::list(folder));
  for (const auto& name : names) {
    const auto file = parse_file_name(name);
    if (!file || !wanted.contains(file->stream)) continue;
    FOOTMAN_TRY_STATUS(disk.make_directory(layout.bucket(file->stream)));
    FOOTMAN_TRY_STATUS(
        disk.rename(std::string(folder).append("/").append(name), layout.file(file->stream, file->kind)));
    FOOTMAN_TRY_STATUS(disk.sync_directory(layout.bucket(file->stream)));
    found.insert(file->stream);
    ++count;
  }
  if (!found.empty()) FOOTMAN_TRY_STATUS(disk.sync_directory(folder));
  Disk::remove_empty_directory(folder);
  return found;
}

}  // namespace

Result<SetAside> set_aside_unknown(Disk& disk, const std::string& directory, base::StreamId newest,
                                   base::Instant now) {
  SetAside out;
  const auto folder = folder_in(directory, now);
  FOOTMAN_TRY(const auto buckets, Disk::list(directory));
  for (const auto& name : buckets) {
    if (!is_bucket_name(name)) continue;
    const auto bucket = std::string(directory).append("/").append(name);
    FOOTMAN_TRY(const auto later, list_later(bucket, newest));
    if (later.empty()) continue;
    FOOTMAN_TRY_STATUS(move_files(disk, bucket, later, folder));
    out.files += later.size();
    out.folder = folder;
  }
  if (out.files > 0) FOOTMAN_TRY_STATUS(disk.sync_directory(directory));
  return out;
}

Result<SetAside> set_aside_stream(Disk& disk, const Layout& layout, base::StreamId stream,
                                  base::Instant now) {
  std::vector<std::string> names;
  for (const auto kind : kFileKinds)
    if (const auto file = layout.file(stream, kind); Disk::exists(file))
      names.push_back(std::filesystem::path(file).filename());
  if (names.empty()) return SetAside{};
  const auto folder = folder_in(layout.root(), now);
  FOOTMAN_TRY_STATUS(move_files(disk, layout.bucket(stream), names, folder));
  FOOTMAN_TRY_STATUS(disk.sync_directory(layout.root()));
  return SetAside{names.size(), folder};
}

Result<std::size_t> bring_back(Disk& disk, const Layout& layout, const std::vector<base::StreamId>& streams) {
  std::set<base::StreamId> wanted(streams.begin(), streams.end());
  std::erase_if(wanted, [&](base::StreamId stream) {
    return std::ranges::any_of(kFileKinds,
                               [&](FileKind kind) { return Disk::exists(layout.file(stream, kind)); });
  });
  std::size_t count = 0;
  if (wanted.empty()) return count;
  FOOTMAN_TRY(auto folders, Disk::list(layout.root()));
  std::erase_if(folders, [](const std::string& name) { return !name.starts_with(kPrefix); });
  std::ranges::sort(folders, std::greater());  // the newest first
  for (const auto& name : folders) {
    const auto folder = layout.root() + "/" + name;
    FOOTMAN_TRY(const auto found, empty_folder(disk, layout, folder, wanted, count));
    for (const auto stream : found) wanted.erase(stream);
  }
  if (count > 0) FOOTMAN_TRY_STATUS(disk.sync_directory(layout.root()));
  return count;
}

}  // namespace footman::logs
