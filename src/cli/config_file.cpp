#include "cli/config_file.hpp"

#include <sys/utsname.h>

#include <cstdlib>
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

}  // namespace

base::Result<std::string> read_config_file(const std::string& path) {
  using runtime::real::Files;
  auto text = runtime::real::read_file(path, config::kMaxDocumentBytes + 1, Files::any);
  if (!text && text.error().message.starts_with(path + " ")) text.error().message.erase(0, path.size() + 1);
  return text;
}

std::expected<LoadedConfig, std::vector<config::Diagnostic>> load_config(const std::string& file) {
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
                                }};
  auto parsed = config::parse_config(*text, loaded.file, sources, machine());
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  loaded.config = std::move(*parsed);
  return loaded;
}

}  // namespace footman::cli
