#include "apps/footman/secrets.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace footman;
using base::Errc;

namespace {

struct Folder {
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "footman-secrets-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

base::Error refusal(const std::string& reference) {
  const auto secret = app::resolve_secret(reference);
  REQUIRE_FALSE(secret.has_value());
  CHECK(secret.error().message.contains(reference));
  return secret.error();
}

}  // namespace

TEST_CASE("a secret is what its file or variable holds, without a last line end") {
  const Folder folder;
  std::ofstream(folder.path + "/a") << "two\nlines\n\n";
  ::setenv("FOOTMAN_TEST_SECRET", "of the environment", 1);
  CHECK(app::resolve_secret("file:" + folder.path + "/a")->expose() == "two\nlines\n");
  CHECK(app::resolve_secret("env:FOOTMAN_TEST_SECRET")->expose() == "of the environment");
}

TEST_CASE("what is no secret is refused by its reference, and its value is not told") {
  const Folder folder;
  std::ofstream(folder.path + "/zero") << "abc" << '\0' << "def";
  std::ofstream(folder.path + "/large") << std::string(app::kMaxSecretBytes + 1, 'x');
  const auto zero = refusal("file:" + folder.path + "/zero");
  CHECK(zero.code == Errc::invalid_argument);
  CHECK_FALSE(zero.message.contains("abc"));
  CHECK(refusal("file:" + folder.path + "/large").code == Errc::resource_exhausted);
  CHECK(refusal("file:" + folder.path + "/none").code == Errc::not_found);
  CHECK(refusal("env:FOOTMAN_TEST_NO_SUCH_VARIABLE").code == Errc::not_found);
  CHECK(refusal("something").code == Errc::invalid_argument);
}

// One thread reads all secrets: if it waited for the FIFO's writer, no build would get one again.
TEST_CASE("a FIFO is refused and not waited for") {
  const Folder folder;
  REQUIRE(::mkfifo((folder.path + "/fifo").c_str(), 0600) == 0);
  const auto error = refusal("file:" + folder.path + "/fifo");
  CHECK(error.code == Errc::invalid_argument);
  CHECK(error.message.contains("not a regular file"));
}
