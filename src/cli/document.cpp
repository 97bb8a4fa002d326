#include "cli/document.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "base/json_keys.hpp"
#include "base/number.hpp"
#include "config/yaml_tree.hpp"
#include "runtime/real/files.hpp"

namespace footman::cli {
namespace {

json::value scalar_of(const config::YamlNode& node) {
  if (node.quoted) return json::string(node.text);
  if (node.text == "true") return true;
  if (node.text == "false") return false;
  if (node.text == "null" || node.text == "~") return nullptr;
  if (const auto number = base::find_number<std::int64_t>(node.text)) return *number;
  return json::string(node.text);
}

// As deep as parse_yaml lets documents be.
json::value value_of(const config::YamlNode& node) {
  switch (node.kind) {
    case config::YamlNode::Kind::null:
    case config::YamlNode::Kind::alias:  // parse_yaml has refused it
      return nullptr;
    case config::YamlNode::Kind::scalar:
      return scalar_of(node);
    case config::YamlNode::Kind::list: {
      json::array list;
      for (const auto& item : node.items) list.push_back(value_of(item));
      return list;
    }
    case config::YamlNode::Kind::map: {
      json::object object;
      for (std::size_t i = 0; i < node.items.size(); ++i)
        object[node.keys[i].first] = value_of(node.items[i]);
      return object;
    }
  }
  return nullptr;
}

}  // namespace

Result<std::string> read_document(const Context& context, const std::string& path) {
  if (path == "-") return context.read_input();
  auto text = runtime::real::read_file(path, config::kMaxDocumentBytes, runtime::real::Files::any);
  if (!text) return fail(Errc::invalid_argument, text.error().message);
  return text;
}

Result<json::value> parse_document(const std::string& text, const std::string& file) {
  if (text.find_first_not_of(" \t\r\n") == text.find('{') && text.contains('{')) {
    boost::system::error_code error;
    auto value = json::parse(text, error);
    if (const auto twice = error ? std::nullopt : find_double_key(text))
      return fail(Errc::invalid_argument,
                  fmt::format("{}: the key \"{}\" is there twice in one object", file, twice->key));
    if (!error) return value;
  }
  const auto tree = config::parse_yaml(text, file);
  if (!tree) return fail(Errc::invalid_argument, config::describe(tree.error()));
  return value_of(*tree);
}

}  // namespace footman::cli
