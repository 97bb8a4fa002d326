#include "cli/config_file.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

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

std::vector<config::Diagnostic> find_missing_files(const LoadedConfig& loaded, const config::YamlNode& root) {
  std::vector<config::Diagnostic> missing;
  const auto look = [&](const config::YamlNode& map, const char* key, const std::string& path, bool runs) {
    if (path.empty() || ::access(path.c_str(), runs ? X_OK : F_OK) == 0) return;
    missing.push_back(
        {loaded.file, map.place_of(key),
         fmt::format("'{}': {} {}", key, path, errno == ENOENT ? "does not exist" : std::strerror(errno))});
  };
  if (const auto* tls = root.find("tls")) {
    look(*tls, "certificate", loaded.config.tls_certificate, false);
    look(*tls, "key", loaded.config.tls_key, false);
    look(*tls, "ca", loaded.config.tls_ca, false);
  }
  const auto* clouds = root.find("clouds");
  const auto count = clouds == nullptr ? 0 : std::min(clouds->items.size(), loaded.config.clouds.size());
  for (std::size_t i = 0; i < count; ++i)
    look(clouds->items[i], "agent_binary", loaded.config.clouds[i].agent_binary, true);
  return missing;
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
  loaded.exposed = ExposureFinder(loaded.file).find(*root);
}

}  // namespace

std::vector<config::Diagnostic> list_warnings(const LoadedConfig& loaded) {
  auto warnings = loaded.missing;
  warnings.insert(warnings.end(), loaded.exposed.begin(), loaded.exposed.end());
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
