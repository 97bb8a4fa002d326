// docs/openapi.yaml, to hold answers against: what an answer has must be described, what is required must be
// there.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
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
  struct Input {        // a field of a request's body, or a parameter of the request
    std::string name;   // "spec.steps[0].script": lists have their first entry; "{name}" in objects of texts
    std::string where;  // "body", "query", "path", "header"
    std::string type;
    std::optional<std::uint64_t> most;  // length, entries, number
    bool is_word = false;               // one of an enum
  };
  std::vector<Input> inputs(std::string_view operation) const;
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
    const Node* most = nullptr;   // maxLength, maxItems, maximum
    std::string format;
  };
  static const Node* find(const Node* node, std::string_view key);
  const Node* resolve(const Node* node) const;
  const Node* find_operation(std::string_view operation) const;
  void add_shape(const Node* schema, Shape& shape) const;
  void add_inputs(const Node* schema, const std::string& name, std::vector<Input>& inputs) const;
  void add_parameters(const Node* list, std::vector<Input>& inputs) const;
  static Input make_input(const Shape& shape, std::string name, std::string where);
  void check(const Node* schema, const boost::json::value& value, const std::string& where,
             std::vector<std::string>& wrong) const;
  void check_object(const Shape& shape, const boost::json::value& value, const std::string& where,
                    std::vector<std::string>& wrong) const;
  static void check_text(const Shape& shape, const boost::json::value& value, const std::string& where,
                         std::vector<std::string>& wrong);

  Node root_;
};

}  // namespace footman::api::testing
