// Where a stream's files are. The name of the data file is the state of the stream.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace footman::logs {

enum class FileKind {
  open,     // .log: appended to
  done,     // .done: finished, as it was written
  archive,  // .zst: finished, compressed
  partial,  // .zst.tmp: an archive that is being written; worthless after a restart
  index,    // .idx: time marks
};

inline constexpr std::array kFileKinds = {FileKind::open, FileKind::done, FileKind::archive, FileKind::index,
                                          FileKind::partial};

class Layout {
 public:
  explicit Layout(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }
  std::string bucket(base::StreamId stream) const;
  std::string file(base::StreamId stream, FileKind kind) const;

 private:
  std::string root_;
};

struct FileName {
  base::StreamId stream;
  FileKind kind = FileKind::open;
  bool operator==(const FileName&) const = default;
};
// Nothing for a name that the log store did not give.
std::optional<FileName> parse_file_name(std::string_view name);
bool is_bucket_name(std::string_view name);

}  // namespace footman::logs
