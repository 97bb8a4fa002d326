#include "apps/footman/secrets.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include "runtime/real/clock.hpp"
#include "runtime/scope.hpp"

using namespace footman;
using base::Errc;
using namespace std::chrono_literals;

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

using Answer = base::Result<base::Secret>;
runtime::Awaitable<void> ask(app::SecretReader* reader, std::string reference, std::vector<Answer>* answers) {
  answers->push_back(co_await reader->read(std::move(reference)));
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

TEST_CASE(
    "a read that does not come back ends at its limit; others go on, and nobody waits for it at the end") {
  std::promise<void> release;  // outlives the reader: its thread still waits when that is gone
  const auto released = release.get_future().share();
  const auto clock = runtime::real::make_clock();
  boost::asio::io_context io(1);
  std::vector<Answer> answers;
  {
    app::SecretReader reader(
        io.get_executor(), *clock,
        [released](const std::string& reference) -> Answer {
          if (reference == "stuck") released.wait();
          return base::Secret("value of " + reference);
        },
        2s);  // the good ones are far from it, also where the machine is busy
    runtime::Scope scope(io.get_executor(), {});
    const auto ask_all = [&](std::size_t count, const std::string& reference) {
      const auto until = answers.size() + count;
      for (std::size_t i = 0; i < count; ++i) scope.spawn("ask", ask(&reader, reference, &answers));
      io.restart();
      while (answers.size() < until) io.run_one();
    };
    ask_all(5, "stuck");
    for (const auto& answer : answers) {
      REQUIRE_FALSE(answer.has_value());
      CHECK(answer.error().code == Errc::unavailable);
      CHECK(answer.error().message.contains("'stuck'"));
    }
    ask_all(3 * app::kMaxSecretReads, "good");
    for (std::size_t i = 5; i < answers.size(); ++i) {
      REQUIRE(answers[i].has_value());
      CHECK(answers[i]->expose() == "value of good");
    }
    ask_all(app::kMaxSecretReads, "stuck");  // no thread is left now: refused, not waited for
    ask_all(1, "good");
    CHECK_FALSE(answers.back().has_value());
  }
  release.set_value();
}
