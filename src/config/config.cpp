#include "config/config.hpp"

#include "config/inheritance.hpp"
#include "config/reader.hpp"
#include "config/sections.hpp"

namespace footman::config {
namespace {

Config read_document(Reader& reader, const YamlNode& root, const std::string& arch) {
  Config config;
  const bool is_empty = root.kind == YamlNode::Kind::null;
  if (!is_empty) {
    reader.check_keys(root, "");
    read_server(reader, root, config);
    read_clouds(reader, root, config);
  }
  if (root.find("clouds") == nullptr) {
    config.clouds = default_config(arch).clouds;
    config.clouds[0].address = config.clouds[0].templates[0].address = config.address;
  }
  if (!is_empty) read_jenkins(reader, root, config);
  return config;
}

}  // namespace

std::expected<Config, std::vector<Diagnostic>> parse_config(std::string_view text, const std::string& file,
                                                            const Sources& sources, const std::string& arch) {
  auto root = parse_yaml(text, file);
  if (!root) return std::unexpected(std::vector<Diagnostic>{root.error()});
  if (auto errors = resolve_inheritance(*root, file); !errors.empty())
    return std::unexpected(std::move(errors));
  Reader reader(file, sources);
  Config config = read_document(reader, *root, arch);
  auto errors = reader.take_errors();
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return config;
}

Config default_config(const std::string& arch) {
  Config config;
  CloudConfig cloud;
  cloud.name = cloud.type = "local";
  TemplateConfig local;
  local.name = "local";
  local.labels = {"local", "linux"};
  if (!arch.empty()) local.labels.push_back(arch);
  local.is_default = true;
  cloud.templates.push_back(std::move(local));
  config.clouds.push_back(std::move(cloud));
  return config;
}

}  // namespace footman::config
