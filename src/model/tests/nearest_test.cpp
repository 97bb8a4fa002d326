#include "model/nearest.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace footman::model;

TEST_CASE("edit distance") {
  CHECK(edit_distance("linux", "linux", 5) == 0);
  CHECK(edit_distance("linx", "linux", 5) == 1);
  CHECK(edit_distance("lniux", "linux", 5) == 1);  // a swap is one mistake
  CHECK(edit_distance("", "abc", 5) == 3);
  CHECK(edit_distance("kitten", "sitting", 5) == 3);
  CHECK(edit_distance("kitten", "sitting", 2) == 3);  // limit + 1
  CHECK(edit_distance(std::string(500, 'a'), "a", 3) == 4);
}

TEST_CASE("nearest word") {
  const std::vector<std::string> labels{"windows", "linux", "arm64", "amd64"};
  CHECK(find_nearest("linx", labels) == "linux");
  CHECK(find_nearest("LINUX", labels) == "linux");
  CHECK(find_nearest("amd46", labels) == "amd64");
  CHECK_FALSE(find_nearest("database", labels).has_value());
  CHECK_FALSE(find_nearest("x", labels).has_value());
  CHECK_FALSE(find_nearest("linx", std::vector<std::string>{}).has_value());
}

TEST_CASE("equally near words: the first in alphabetical order, whatever the order of the list") {
  CHECK(find_nearest("arm6", std::vector<std::string>{"arm7", "arm5"}) == "arm5");
  CHECK(find_nearest("arm6", std::vector<std::string>{"arm5", "arm7"}) == "arm5");
}

TEST_CASE("a hint names what is similar, among so many") {
  std::vector<std::string> names(kMaxSuggested, "zzzzzz");
  names.back() = "team/app";
  CHECK(did_you_mean("app", names) == "Did you mean 'team/app'?");
  CHECK(did_you_mean("team/apq", names) == "Did you mean 'team/app'?");
  CHECK(did_you_mean("q", names).empty());
  names.insert(names.begin(), "yyyyyy");
  CHECK(did_you_mean("app", names).empty());
}

TEST_CASE("a word within another one is similar to it") {
  const std::vector<std::string> labels{"linux", "jdk17", "jdk8", "warm", "x"};
  CHECK(find_similar("jdk", labels) == "jdk8");
  CHECK(find_similar("JDK1", labels) == "jdk17");
  CHECK(find_similar("linux-large", labels) == "linux");
  CHECK(find_similar("linx", labels) == "linux");  // a mistake comes before a part
  CHECK_FALSE(find_similar("windows", labels).has_value());
  CHECK_FALSE(find_similar("k", labels).has_value());
  CHECK_FALSE(find_similar("xyz", labels).has_value());  // "x" is in everything
}
