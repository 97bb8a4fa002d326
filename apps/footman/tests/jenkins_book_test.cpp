#include "apps/footman/jenkins_book.hpp"

#include <doctest/doctest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "runtime/scope.hpp"

using namespace footman;
using namespace footman::app;
using namespace footman::base;
using jenkins::NodeRecord;

namespace {

class BookWorld {
 public:
  BookWorld() {
    std::string name = (std::filesystem::temp_directory_path() / "footman-book-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    open();
  }
  BookWorld(const BookWorld&) = delete;
  BookWorld& operator=(const BookWorld&) = delete;
  ~BookWorld() {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void reopen() {
    store_.reset();
    open();
  }
  template <class T>
  T wait(runtime::Awaitable<T> coroutine) {
    auto place = std::make_shared<std::optional<T>>();
    scope_.spawn("test", runtime::keep_result(place, std::move(coroutine)));
    while (!place->has_value()) io_.run_one();
    return std::move(**place);
  }
  Result<std::vector<NodeRecord>> load(const char* controller) {
    return wait(book_->load(ControllerName(controller)));
  }

  store::Store& store() { return *store_; }
  JenkinsBook& book() { return *book_; }

 private:
  void open() {
    auto opened = store::open_store({folder_, {}}, Logger());
    REQUIRE(opened.has_value());
    store_ = std::move(*opened);
    book_.emplace(*store_);
  }

  std::string folder_;
  boost::asio::io_context io_;
  runtime::Scope scope_{io_.get_executor(), Logger()};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<store::Store> store_;
  std::optional<JenkinsBook> book_;
};

NodeRecord record_of(const char* controller, const char* agent) {
  NodeRecord record;
  record.controller = ControllerName(controller);
  record.agent = AgentId(agent);
  record.node = std::string("footman-") + agent;
  return record;
}

}  // namespace

TEST_CASE("records are those of their controller, and are there again after a restart") {
  BookWorld world;
  auto first = record_of("ci", "a");
  REQUIRE(world.wait(world.book().put(first)));
  REQUIRE(world.wait(world.book().put(record_of("ci", "b"))));
  REQUIRE(world.wait(world.book().put(record_of("ci-2", "c"))));
  first.builds_done = 1;
  REQUIRE(world.wait(world.book().put(first)));
  REQUIRE(world.wait(world.book().erase(ControllerName("ci"), AgentId("b"))));
  world.reopen();
  CHECK(world.load("ci").value() == std::vector{first});
  CHECK(world.load("ci-2").value() == std::vector{record_of("ci-2", "c")});
  CHECK(world.load("c").value().empty());
}

TEST_CASE("a record that cannot be read is an error that names it, whatever stands beside it") {
  BookWorld world;
  REQUIRE(world.wait(world.book().put(record_of("ci", "a"))));
  const auto load_with = [&](const std::string& text) {
    REQUIRE(world.wait(world.store().save_setting("jenkins/ci/b", text)));
    const auto loaded = world.load("ci");
    REQUIRE(!loaded.has_value());
    CHECK(loaded.error().field == "jenkins/ci/b");
    CHECK(loaded.error().hint.find("Start the version") != std::string::npos);
    return loaded.error().code;
  };
  CHECK(load_with("{") == Errc::corrupt);
  CHECK(load_with("{\"version\":2}") == Errc::unsupported);
  auto text = world.wait(world.store().find_setting("jenkins/ci/a"));
  REQUIRE(text.value().has_value());
  CHECK(load_with(**text) == Errc::corrupt);  // another agent's
}
