// The recorded exchanges of a real Jenkins, in tests/jenkins/captures. For tests.
#pragma once

#include <doctest/doctest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace footman::jenkins::testing {

inline boost::json::object load_capture(const std::string& name) {
  const auto path = std::string(FOOTMAN_JENKINS_CAPTURES) + "/" + name + ".json";
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), path);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  return boost::json::parse(text).as_object();
}

inline std::string body_of(const std::string& name) {
  return std::string(load_capture(name).at("response").at("body").as_string());
}

// Those whose names begin so.
inline std::vector<std::string> list_captures(const std::string& begin) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(FOOTMAN_JENKINS_CAPTURES)) {
    const auto name = entry.path().stem().string();
    if (entry.path().extension() == ".json" && name.starts_with(begin)) names.push_back(name);
  }
  REQUIRE(!names.empty());
  return names;
}

}  // namespace footman::jenkins::testing
