// Reading files that somebody else may have put there, and writing our own. Blocking for as long as the disk
// needs; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::runtime::real {

// `any` is for what a person names and waits for: also a FIFO, like a shell's <(command), or a device.
enum class Files { regular, any };

// The whole of a file. A directory is refused, with Files::regular whatever else is no regular file too, and
// nothing is waited for. not_found: nothing is there; permission_denied; invalid_argument: it is refused;
// resource_exhausted: more than `limit` bytes; io: the rest. Errors name the path, never what the file holds.
base::Result<std::string> read_file(const std::string& path, std::size_t limit, Files kind = Files::regular);

// The beginning of a regular file, at most `limit` bytes; empty when it cannot be read. For the kernel's
// files.
std::optional<std::string> read_small_file(const std::string& path, std::size_t limit);
// The last `limit` bytes of a regular file that is no link; empty when it cannot be read.
std::string read_file_end(const std::string& path, std::size_t limit);

// The mode of a regular file that every user of this machine can read, as its folders let them in, too.
// Nothing: it is not so, or that cannot be told. Groups and access lists are not looked at.
std::optional<unsigned> find_open_mode(const std::string& path);

// Writes a file that nobody else may read (mode 0600), whole: by a temporary one (".new" behind the name)
// that takes its place. With Sync::yes a crash of the machine leaves the old one or the new one, and after it
// the new one stays. resource_exhausted: no space; io.
enum class Sync { no, yes };
base::Status write_private_file(const std::string& path, std::string_view bytes, Sync sync);
// The names in it are on disk. io.
base::Status sync_directory(const std::string& directory);

}  // namespace footman::runtime::real
