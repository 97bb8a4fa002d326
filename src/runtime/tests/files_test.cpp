#include "runtime/real/files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace footman;
using base::Errc;
using runtime::real::Files;
using runtime::real::find_open_mode;
using runtime::real::read_file;
using runtime::real::read_file_end;
using runtime::real::read_small_file;
using runtime::real::Sync;
using runtime::real::write_private_file;

namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "footman-files-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

Errc code_of(const std::string& path, std::size_t limit = 10) {
  const auto text = read_file(path, limit);
  REQUIRE_FALSE(text.has_value());
  CHECK(text.error().message.contains(path));
  return text.error().code;
}

}  // namespace

TEST_CASE("a file is read whole, up to its limit") {
  const Folder folder;
  write(folder / "empty", "");
  write(folder / "full", "0123456789");
  write(folder / "more", "0123456789a");
  write(folder / "long", std::string(10'000, 'x'));
  std::filesystem::create_symlink("full", folder / "link");
  CHECK(read_file(folder / "empty", 10) == "");
  CHECK(read_file(folder / "full", 10) == "0123456789");
  CHECK(read_file(folder / "link", 10) == "0123456789");
  CHECK(read_file(folder / "long", 1 << 20) == std::string(10'000, 'x'));
  CHECK(code_of(folder / "more") == Errc::resource_exhausted);
  CHECK(read_small_file(folder / "more", 10) == "0123456789");
  CHECK(read_small_file("/proc/self/comm", 100).has_value());
}

TEST_CASE("the end of a file") {
  const Folder folder;
  write(folder / "file", "0123456789");
  CHECK(read_file_end(folder / "file", 4) == "6789");
  CHECK(read_file_end(folder / "file", 10) == "0123456789");
  CHECK(read_file_end(folder / "file", 100) == "0123456789");
  CHECK(read_file_end(folder / "none", 4).empty());
}

TEST_CASE("a private file takes the place of the old one, whole, and is nobody else's") {
  const Folder folder;
  const auto path = folder / "secret";
  for (const auto sync : {Sync::yes, Sync::no}) {
    write(path, "an old and longer text");
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    write(path + ".new", "what a crash has left");
    REQUIRE(write_private_file(path, "new", sync));
    CHECK(read_file(path, 100) == "new");
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600);
    CHECK_FALSE(std::filesystem::exists(path + ".new"));
  }
  CHECK(write_private_file(folder / "none/file", "x", Sync::no).error().code == Errc::io);
}

TEST_CASE("a person may name a FIFO or a device; a directory is no file") {
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "0123456789", 10) == 10);
  ::close(ends[1]);
  const auto path = "/proc/self/fd/" + std::to_string(ends[0]);
  CHECK(read_file(path, 10, Files::any) == "0123456789");
  ::close(ends[0]);
  CHECK(read_file("/dev/null", 10, Files::any) == "");
  CHECK(read_file("/dev/zero", 10, Files::any).error().code == Errc::resource_exhausted);
  CHECK(read_file("/tmp", 10, Files::any).error().code == Errc::invalid_argument);
}

// The one who opens a FIFO waits for its other end: this test would not end.
TEST_CASE("what is not a regular file is refused and not waited for") {
  const Folder folder;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  std::filesystem::create_symlink("fifo", folder / "link");
  for (const auto& path : {folder / "fifo", folder / "link", folder / ".", std::string("/dev/zero")}) {
    CAPTURE(path);
    CHECK(code_of(path) == Errc::invalid_argument);
    CHECK_FALSE(read_small_file(path, 10).has_value());
  }
  CHECK(code_of(folder / "nothing") == Errc::not_found);
  CHECK_FALSE(read_small_file(folder / "nothing", 10).has_value());
}

TEST_CASE("whether every user can read a file: its mode, and its folders") {
  using std::filesystem::perms;
  const Folder folder;
  const auto allow = [&](const std::string& path, unsigned mode) {
    std::filesystem::permissions(path, perms(mode));
  };
  std::filesystem::create_directory(folder / "in");
  write(folder / "in/file", "x");
  std::filesystem::create_symlink("in/file", folder / "link");
  ::mkfifo((folder / "fifo").c_str(), 0644);
  struct Row {
    unsigned outer, inner, file;
    std::optional<unsigned> open;
  };
  const Row rows[] = {{0755, 0755, 0644, 0644}, {0755, 0755, 0444, 0444}, {0711, 0711, 0604, 0604},
                      {0755, 0755, 0640, {}},   {0755, 0755, 0600, {}},   {0755, 0700, 0644, {}},
                      {0700, 0755, 0644, {}},   {0755, 0754, 0644, {}}};
  for (const auto& row : rows) {
    CAPTURE(row.outer);
    CAPTURE(row.inner);
    CAPTURE(row.file);
    allow(folder / "in/file", row.file);
    allow(folder / "in", row.inner);
    allow(folder / "", row.outer);
    CHECK(find_open_mode(folder / "in/file") == row.open);
    CHECK(find_open_mode(folder / "link") == row.open);
  }
  allow(folder / "", 0755);
  CHECK_FALSE(find_open_mode(folder / "fifo"));
  CHECK_FALSE(find_open_mode(folder / "in"));
  CHECK_FALSE(find_open_mode(folder / "none"));
}
