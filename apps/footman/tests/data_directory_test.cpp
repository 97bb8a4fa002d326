#include "apps/footman/data_directory.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace footman;
using namespace footman::app;

namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "footman-data-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

DataDirectory open_data(const std::string& path) {
  auto opened = DataDirectory::open(path, base::Logger());
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

}  // namespace

TEST_CASE("opening makes the directory and nothing in it") {
  const TemporaryDirectory parent;
  const auto data = open_data(parent.path() + "/new/data");
  CHECK(std::filesystem::is_empty(data.path()));
}

TEST_CASE("a directory that others may look into is taken from them, unless it is there to be shared") {
  const TemporaryDirectory parent;
  struct stat status{};
  const auto path = parent.path() + "/data";
  const auto mode_after = [&](mode_t mode) {
    std::filesystem::create_directory(path);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    open_data(path);
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
  };
  CHECK(mode_after(0755) == 0700);
  CHECK(mode_after(0710) == 0700);
  CHECK(mode_after(0700) == 0700);
  CHECK(mode_after(01777) == 01777);
}

TEST_CASE("what is no directory is said to be none, also to root") {
  const TemporaryDirectory parent;
  const auto path = parent.path() + "/file";
  std::ofstream(path) << "text";
  const auto opened = DataDirectory::open(path, base::Logger());
  REQUIRE(!opened.has_value());
  CHECK(base::describe(opened.error()) ==
        "the data directory " + path +
            " is not a directory. Choose another one with --data, or make it writable for this user");
}

TEST_CASE("secrets that others could read are taken from them") {
  const TemporaryDirectory parent;
  const auto data = open_data(parent.path());
  const auto rng = runtime::make_os_rng();
  const auto read_all = [&] {
    CHECK(data.server_key(*rng).has_value());
    CHECK(data.first_token(*rng).has_value());
    CHECK(data.agent_port_certificate(base::Instant{1'700'000'000'000'000}).has_value());
  };
  read_all();
  for (const auto* name : {"server.key", "token", "agent-port.pem"})
    REQUIRE(::chmod(data.file(name).c_str(), 0644) == 0);
  read_all();
  for (const auto* name : {"server.key", "token", "agent-port.pem"}) {
    CAPTURE(name);
    struct stat status{};
    REQUIRE(::stat(data.file(name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600);
  }
}

TEST_CASE("a damaged certificate of the agent port is named") {
  const TemporaryDirectory parent;
  const auto data = open_data(parent.path());
  for (const auto* text : {"", "no PEM", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"}) {
    CAPTURE(text);
    std::ofstream(data.file("agent-port.pem")) << text;
    const auto read = data.agent_port_certificate(base::Instant{1'700'000'000'000'000});
    REQUIRE(!read);
    CHECK(read.error().code == base::Errc::corrupt);
    CHECK(read.error().message.find(data.file("agent-port.pem")) != std::string::npos);
    CHECK(!read.error().hint.empty());
  }
}

TEST_CASE("only who announced a server withdraws it") {
  const TemporaryDirectory parent;
  auto first = open_data(parent.path());
  REQUIRE(first.announce("http://127.0.0.1:1", ""));
  open_data(parent.path()).withdraw();
  CHECK(std::filesystem::exists(first.file("server.json")));
  first.withdraw();
  CHECK(!std::filesystem::exists(first.file("server.json")));
}
