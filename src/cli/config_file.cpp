#include "cli/config_file.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "ecs/run_task.hpp"
#include "runtime/real/files.hpp"

namespace footman::cli {
namespace {

std::string find_file(const std::string& named) {
  if (!named.empty()) return named;
  for (const auto* path : {"footman.yaml", "/etc/footman/footman.yaml"}) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) return path;
  }
  return {};
}

const std::string kZoneFolder = "/usr/share/zoneinfo/";  // of the package tzdata

std::string machine() {
  utsname name{};
  return ::uname(&name) == 0 ? name.machine : "";
}

// The node of each section of a list, beside its configuration.
template <class Section, class Visit>
void for_each_section(const config::YamlNode& root, const char* key, const std::vector<Section>& sections,
                      Visit visit) {
  const auto* list = root.find(key);
  const auto count = list == nullptr ? 0 : std::min(list->items.size(), sections.size());
  for (std::size_t i = 0; i < count; ++i) visit(list->items[i], sections[i]);
}

std::vector<config::Diagnostic> find_missing_files(const LoadedConfig& loaded, const config::YamlNode& root) {
  std::vector<config::Diagnostic> missing;
  const auto look = [&](const config::YamlNode& map, const char* key, const std::string& path, bool runs) {
    if (path.empty() || ::access(path.c_str(), runs ? X_OK : F_OK) == 0) return;
    missing.push_back(
        {loaded.file, map.place_of(key),
         fmt::format("'{}': {} {}", key, path, errno == ENOENT ? "does not exist" : std::strerror(errno))});
  };
  const auto& config = loaded.config;
  if (const auto* tls = root.find("tls")) {
    look(*tls, "certificate", config.tls_certificate, false);
    look(*tls, "key", config.tls_key, false);
    look(*tls, "ca", config.tls_ca, false);
  }
  for_each_section(root, "clouds", config.clouds, [&](const auto& node, const config::CloudConfig& cloud) {
    look(node, "agent_binary", cloud.agent_binary, true);
  });
  for_each_section(root, "jenkins", config.jenkins, [&](const auto& node, const config::JenkinsConfig& one) {
    look(node, "ca", one.ca, false);
  });
  return missing;
}

// Certificates that an agent of ECS is told whom to trust by, and with which ECS would refuse its launch.
std::vector<config::Diagnostic> find_large_authorities(const LoadedConfig& loaded,
                                                       const config::YamlNode& root) {
  std::vector<config::Diagnostic> large;
  const auto& config = loaded.config;
  if (std::ranges::none_of(config.clouds, [](const auto& cloud) { return cloud.ecs.has_value(); }))
    return large;
  const auto look = [&](const config::YamlNode& map, const char* key, const std::string& path) {
    if (path.empty()) return;
    const auto text = read_config_file(path);
    if (!text || ecs::count_authority_chars(*text) <= ecs::kMaxAuthorityChars) return;
    large.push_back(
        {loaded.file, map.place_of(key),
         fmt::format("'{}': {} is too large for agents on ECS, which takes {} characters for all that one "
                     "is told: leave in what agents are to trust only the authority that has signed the "
                     "certificate",
                     key, path, ecs::kMaxOverridesChars)});
  };
  if (const auto* tls = root.find("tls"); tls != nullptr && !config.tls_ca.empty())
    look(*tls, "ca", config.tls_ca);
  else if (tls != nullptr)
    look(*tls, "certificate", config.tls_certificate);
  for_each_section(root, "jenkins", config.jenkins,
                   [&](const auto& node, const config::JenkinsConfig& one) { look(node, "ca", one.ca); });
  return large;
}

// What stands in a file of its own is a secret, most likely.
class ExposureFinder {
 public:
  explicit ExposureFinder(std::string file) : file_(std::move(file)) {}

  std::vector<config::Diagnostic> find(const config::YamlNode& root) {
    visit(root, "");
    const auto* tls = root.find("tls");
    const auto* key = tls == nullptr ? nullptr : tls->find("key");
    if (key != nullptr) look(*key, "key", key->text);
    return std::move(found_);
  }

 private:
  void visit(const config::YamlNode& node, const std::string& key) {
    constexpr std::string_view kFile = "file:";
    if (node.text.starts_with(kFile)) look(node, key, node.text.substr(kFile.size()));
    for (std::size_t i = 0; i < node.items.size(); ++i)
      visit(node.items[i], i < node.keys.size() ? node.keys[i].first : key);
  }

  void look(const config::YamlNode& node, const std::string& key, const std::string& path) {
    if (const auto mode = runtime::real::find_open_mode(path))
      found_.push_back(
          {file_, node.at,
           fmt::format("'{}': every user of this machine can read {} (mode {:04o}): let it be the "
                       "server's user's alone, with chmod 600",
                       key, path, *mode)});
  }

  std::string file_;
  std::vector<config::Diagnostic> found_;
};

// Positions are found by reading the document again: the configuration has values only.
void look_at_files(LoadedConfig& loaded, const std::string& text) {
  const auto root = config::parse_yaml(text, loaded.file);
  if (!root) return;
  loaded.missing = find_missing_files(loaded, *root);
  loaded.file_doubts = ExposureFinder(loaded.file).find(*root);
  std::ranges::move(find_large_authorities(loaded, *root), std::back_inserter(loaded.file_doubts));
}

}  // namespace

std::vector<config::Diagnostic> list_warnings(const LoadedConfig& loaded) {
  auto warnings = loaded.missing;
  std::ranges::copy(loaded.file_doubts, std::back_inserter(warnings));
  for (auto& doubt : config::find_doubts(loaded.config))
    warnings.push_back({loaded.file, {}, std::move(doubt)});
  return warnings;
}

std::vector<std::string> describe_warnings(const LoadedConfig& loaded) {
  std::vector<std::string> out;
  for (const auto& one : list_warnings(loaded)) out.push_back(one.at ? config::describe(one) : one.message);
  return out;
}

Option config_option() { return {"config", 'c', Value::file, "FILE", "as FILE"}; }

Argument config_argument() {
  return {"FILE", "the configuration; else ./footman.yaml or /etc/footman/footman.yaml", Value::file, false};
}

base::Result<std::string> find_config_argument(const Arguments& arguments) {
  if (arguments.has("FILE") && arguments.has("config"))
    return base::fail(base::Errc::invalid_argument, "FILE and --config are the same: say one of them",
                      "--config");
  return arguments.text(arguments.has("config") ? "config" : "FILE");
}

base::Result<std::string> read_config_file(const std::string& path) {
  using runtime::real::Files;
  auto text = runtime::real::read_file(path, config::kMaxDocumentBytes + 1, Files::any);
  if (!text && text.error().message.starts_with(path + " ")) text.error().message.erase(0, path.size() + 1);
  return text;
}

std::expected<LoadedConfig, std::vector<config::Diagnostic>> load_config(
    const std::string& file, const config::FindRegion& find_region) {
  LoadedConfig loaded{find_file(file), {}};
  if (loaded.file.empty()) {
    loaded.config = config::default_config(machine());
    return loaded;
  }
  const auto text = read_config_file(loaded.file);
  if (!text) return std::unexpected(std::vector{config::Diagnostic{loaded.file, {}, text.error().message}});
  const config::Sources sources{[](const std::string& name) -> std::optional<std::string> {
                                  const char* value = std::getenv(name.c_str());
                                  if (value == nullptr) return std::nullopt;
                                  return value;
                                },
                                [](const std::string& path) {
                                  auto content = read_config_file(path);
                                  if (!content)
                                    content.error().message = path + " " + content.error().message;
                                  return content;
                                },
                                [](const std::string& zone) {
                                  auto content = read_config_file(kZoneFolder + zone);
                                  if (!content)
                                    content.error().message =
                                        kZoneFolder + zone + " " + content.error().message;
                                  return content;
                                },
                                find_region};
  auto parsed = config::parse_config(*text, loaded.file, sources, machine());
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  loaded.config = std::move(*parsed);
  look_at_files(loaded, *text);
  return loaded;
}

}  // namespace footman::cli
