#include "api/tests/description.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/openapi_text.hpp"
#include "base/number.hpp"
#include "base/time.hpp"

namespace footman::api::testing {
namespace json = boost::json;

Description::Description() {
  auto tree = config::parse_yaml(openapi_text(), "openapi.yaml");
  if (!tree) FAIL(config::describe(tree.error()));
  root_ = std::move(*tree);
}

const Description::Node* Description::find(const Node* node, std::string_view key) {
  if (node == nullptr || node->kind != Node::Kind::map) return nullptr;
  for (std::size_t i = 0; i < node->keys.size(); ++i)
    if (node->keys[i].first == key) return &node->items[i];
  return nullptr;
}

const Description::Node* Description::resolve(const Node* node) const {
  const auto* reference = find(node, "$ref");
  if (reference == nullptr) return node;
  std::string_view path = reference->text;
  REQUIRE(path.starts_with("#/"));
  path.remove_prefix(2);
  const Node* at = &root_;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    at = find(at, path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  if (at == nullptr) FAIL("nothing at " << reference->text);
  return resolve(at);
}

std::set<std::string> Description::operations() const {
  std::set<std::string> found;
  const auto* paths = find(&root_, "paths");
  REQUIRE(paths != nullptr);
  for (std::size_t i = 0; i < paths->keys.size(); ++i)
    for (const auto* method : {"get", "post", "put", "delete", "patch"})
      if (find(&paths->items[i], method) != nullptr) {
        std::string name(method);
        std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c - 32); });
        found.insert(name + " " + paths->keys[i].first);
      }
  return found;
}

const Description::Node* Description::find_operation(std::string_view operation) const {
  const auto space = operation.find(' ');
  std::string method(operation.substr(0, space));
  std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c + 32); });
  return find(find(find(&root_, "paths"), operation.substr(space + 1)), method);
}

bool Description::is_open(std::string_view operation) const {
  const auto* security = find(find_operation(operation), "security");
  return security != nullptr && security->items.empty();
}

std::string Description::summary(std::string_view operation) const {
  const auto* summary = find(find_operation(operation), "summary");
  return summary == nullptr ? "" : summary->text;
}

std::vector<std::string> Description::check_answer(std::string_view operation, int status,
                                                   const json::value& body) const {
  const auto* responses = find(find_operation(operation), "responses");
  const auto* response = find(responses, std::to_string(status));
  if (response == nullptr && status >= 400) response = find(responses, "default");
  if (response == nullptr) return {fmt::format("{}: status {} is not described", operation, status)};
  const auto* schema = find(find(find(resolve(response), "content"), "application/json"), "schema");
  if (schema == nullptr) return {fmt::format("{}: {} is not described as JSON", operation, status)};
  std::vector<std::string> wrong;
  check(schema, body, fmt::format("{} {}", operation, status), wrong);
  return wrong;
}

void Description::add_shape(const Node* schema, Shape& shape) const {
  schema = resolve(schema);
  if (const auto* parts = find(schema, "allOf"))
    for (const auto& part : parts->items) add_shape(&part, shape);
  if (const auto* type = find(schema, "type")) shape.type = type->text;
  if (const auto* properties = find(schema, "properties"))
    for (std::size_t i = 0; i < properties->keys.size(); ++i)
      shape.properties.emplace_back(properties->keys[i].first, &properties->items[i]);
  if (const auto* required = find(schema, "required"))
    for (const auto& name : required->items) shape.required.insert(name.text);
  if (const auto* more = find(schema, "additionalProperties");
      more != nullptr && more->kind == Node::Kind::map)
    shape.additional = more;
  if (const auto* items = find(schema, "items")) shape.items = items;
  if (const auto* words = find(schema, "enum")) shape.words = words;
  if (const auto* format = find(schema, "format")) shape.format = format->text;
  for (const auto* key : {"maxLength", "maxItems", "maximum"})
    if (const auto* most = find(schema, key)) shape.most = most;
}

Description::Input Description::make_input(const Shape& shape, std::string name, std::string where) {
  Input input{std::move(name), std::move(where), shape.type, {}, shape.words != nullptr};
  if (shape.most != nullptr) input.most = base::find_number<std::uint64_t>(shape.most->text);
  return input;
}

void Description::add_inputs(const Node* schema, const std::string& name, std::vector<Input>& inputs) const {
  Shape shape;
  add_shape(schema, shape);
  if (!name.empty()) inputs.push_back(make_input(shape, name, "body"));
  const auto prefix = name.empty() ? name : name + ".";
  for (const auto& [key, one] : shape.properties) add_inputs(one, prefix + key, inputs);
  if (shape.additional != nullptr) add_inputs(shape.additional, prefix + "{name}", inputs);
  if (shape.items != nullptr) add_inputs(shape.items, name + "[0]", inputs);
}

void Description::add_parameters(const Node* list, std::vector<Input>& inputs) const {
  if (list == nullptr) return;
  for (const auto& item : list->items) {
    const auto* one = resolve(&item);
    Shape shape;
    add_shape(find(one, "schema"), shape);
    inputs.push_back(make_input(shape, find(one, "name")->text, find(one, "in")->text));
  }
}

std::vector<Description::Input> Description::inputs(std::string_view operation) const {
  std::vector<Input> inputs;
  const auto* path = find(find(&root_, "paths"), operation.substr(operation.find(' ') + 1));
  add_parameters(find(path, "parameters"), inputs);
  const auto* node = find_operation(operation);
  add_parameters(find(node, "parameters"), inputs);
  const auto* body = resolve(find(node, "requestBody"));
  if (const auto* schema = find(find(find(body, "content"), "application/json"), "schema"))
    add_inputs(schema, {}, inputs);
  return inputs;
}

void Description::check(const Node* schema, const json::value& value, const std::string& where,
                        std::vector<std::string>& wrong) const {
  Shape shape;
  add_shape(schema, shape);
  if (shape.type == "object") return check_object(shape, value, where, wrong);
  if (shape.type == "string") return check_text(shape, value, where, wrong);
  if (shape.type == "integer") {
    if (!value.is_int64() && !value.is_uint64()) wrong.push_back(where + " is not an integer");
  } else if (shape.type == "boolean") {
    if (!value.is_bool()) wrong.push_back(where + " is not true or false");
  } else if (shape.type == "array") {
    if (!value.is_array()) return wrong.push_back(where + " is not a list");
    REQUIRE(shape.items != nullptr);
    for (std::size_t i = 0; i < value.get_array().size(); ++i)
      check(shape.items, value.get_array()[i], fmt::format("{}[{}]", where, i), wrong);
  } else {
    wrong.push_back(fmt::format("{}: the schema has the type \"{}\"", where, shape.type));
  }
}

void Description::check_object(const Shape& shape, const json::value& value, const std::string& where,
                               std::vector<std::string>& wrong) const {
  if (!value.is_object()) return wrong.push_back(where + " is not an object");
  const auto& object = value.get_object();
  for (const auto& name : shape.required)
    if (!object.contains(name)) wrong.push_back(fmt::format("{}.{} is missing", where, name));
  for (const auto& [key, one] : object) {
    const std::string name(key);
    const auto described =
        std::ranges::find(shape.properties, name, [](const auto& pair) { return pair.first; });
    const auto* schema = described != shape.properties.end() ? described->second : shape.additional;
    if (schema == nullptr)
      wrong.push_back(fmt::format("{}.{} is not described", where, name));
    else
      check(schema, one, fmt::format("{}.{}", where, name), wrong);
  }
}

void Description::check_text(const Shape& shape, const json::value& value, const std::string& where,
                             std::vector<std::string>& wrong) {
  if (!value.is_string()) return wrong.push_back(where + " is not a text");
  const std::string text(value.get_string());
  if (shape.format == "date-time" && (text.size() != 24 || !base::parse_rfc3339(text)))
    wrong.push_back(fmt::format("{} is not a time with milliseconds in UTC: {}", where, text));
  if (shape.words != nullptr &&
      std::ranges::find(shape.words->items, text, &Node::text) == shape.words->items.end())
    wrong.push_back(fmt::format("{} is none of the described words: {}", where, text));
}

}  // namespace footman::api::testing
