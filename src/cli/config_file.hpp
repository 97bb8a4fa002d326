// footman.yaml from the disk, with the environment of this process.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "config/config.hpp"

namespace footman::cli {

struct LoadedConfig {
  std::string file;  // empty: there is none, the default configuration
  config::Config config;
  std::vector<config::Diagnostic> missing = {};  // files that it names and that are not there
  // About the others: every user can read the secrets in them, or they are too large for their use.
  std::vector<config::Diagnostic> file_doubts = {};
};

// What is allowed and hardly meant: of the files that it names, and the doubts about the rest, which have no
// place.
std::vector<config::Diagnostic> list_warnings(const LoadedConfig& loaded);
// The same for a log.
std::vector<std::string> describe_warnings(const LoadedConfig& loaded);

// How commands that only read the configuration are told its file: FILE, or --config FILE, as `footman up`
// is.
Option config_option();
Argument config_argument();
// Empty: neither. Errors: invalid_argument (both).
base::Result<std::string> find_config_argument(const Arguments& arguments);

// At most kMaxDocumentBytes and one more; the error's message goes on after the path. Blocking.
base::Result<std::string> read_config_file(const std::string& path);

// `file` empty: ./footman.yaml, else /etc/footman/footman.yaml, else the default configuration. A named file
// must exist. `find_region`: as of config::Sources. Blocking.
std::expected<LoadedConfig, std::vector<config::Diagnostic>> load_config(
    const std::string& file, const config::FindRegion& find_region = {});

}  // namespace footman::cli
