// The real program, as the init container of another image's task starts it.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/tests/machine.hpp"

namespace fs = std::filesystem;

namespace {

struct Volume {
  Volume() {
    std::string pattern = fs::temp_directory_path() / "footman-install-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~Volume() { fs::remove_all(path); }
  fs::path path;
};

int run(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
const std::string kAgent = FOOTMAN_AGENT_BINARY;

mode_t mode_of(const fs::path& path) {
  struct stat found{};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

}  // namespace

TEST_CASE("install puts the program and a place for work into a volume, as often as it is asked") {
  const Volume volume;
  for (int i = 0; i < 2; ++i) CHECK(run(kAgent + " install " + volume.path.string()) == 0);
  const auto there = volume.path / "footman-agent";
  CHECK(fs::file_size(there) == fs::file_size(kAgent));
  CHECK(mode_of(there) == 0755);
  CHECK(mode_of(volume.path / "work") == 01777);
  CHECK(std::distance(fs::directory_iterator(volume.path), {}) == 2);
  CHECK(run(there.string() + " --version > /dev/null") == 0);
}

TEST_CASE("install says what is wrong") {
  const Volume volume;
  const auto words = (volume.path / "words").string();
  CHECK(run(kAgent + " install " + volume.path.string() + "/nowhere 2> " + words) == 1);
  std::ifstream file(words);
  std::string line;
  std::getline(file, line);
  CHECK(line.find("nowhere/footman-agent.new: No such file or directory") != std::string::npos);
  CHECK(run(kAgent + " install 2> /dev/null") == 2);
  CHECK(run(kAgent + " install relative 2> /dev/null") == 2);
  CHECK(run(kAgent + " install /tmp extra 2> /dev/null") == 2);
}
