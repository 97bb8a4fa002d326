// Files that are given to a command: scripts, and jobs in YAML or JSON.
#pragma once

#include <string>

#include "cli/context.hpp"

namespace footman::cli {

// "-" is standard input. At most config::kMaxDocumentBytes. invalid_argument names the file.
Result<std::string> read_document(const Context& context, const std::string& path);
// YAML (or JSON, which is YAML) as JSON: unquoted true, false, null and whole numbers are what they look
// like, all else is text. The error has file:line:column.
Result<json::value> parse_document(const std::string& text, const std::string& file);

}  // namespace footman::cli
