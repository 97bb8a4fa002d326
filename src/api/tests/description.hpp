// docs/openapi.yaml, to hold answers against: what an answer has must be described, what is required must be
// there.
#pragma once

#include <boost/json/value.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/yaml_tree.hpp"

namespace footman::api::testing {

class Description {
 public:
  Description();  // of the text that is built into the module

  // "GET /api/v1/jobs/{path}", …
  std::set<std::string> operations() const;
  // Whether it needs no token.
  bool is_open(std::string_view operation) const;
  std::string summary(std::string_view operation) const;
  // What is wrong with an answer; one sentence each.
  std::vector<std::string> check_answer(std::string_view operation, int status,
                                        const boost::json::value& body) const;

 private:
  using Node = config::YamlNode;
  struct Shape {  // a schema with what it is made of put together
    std::string type;
    std::vector<std::pair<std::string, const Node*>> properties;
    std::set<std::string> required;
    const Node* additional = nullptr;
    const Node* items = nullptr;
    const Node* words = nullptr;  // enum
    std::string format;
  };
  static const Node* find(const Node* node, std::string_view key);
  const Node* resolve(const Node* node) const;
  const Node* find_operation(std::string_view operation) const;
  void add_shape(const Node* schema, Shape& shape) const;
  void check(const Node* schema, const boost::json::value& value, const std::string& where,
             std::vector<std::string>& wrong) const;
  void check_object(const Shape& shape, const boost::json::value& value, const std::string& where,
                    std::vector<std::string>& wrong) const;
  static void check_text(const Shape& shape, const boost::json::value& value, const std::string& where,
                         std::vector<std::string>& wrong);

  Node root_;
};

}  // namespace footman::api::testing
