// footman image: the agents beside this program as an image, to a registry or into a file.
#pragma once

#include <string>

#include "base/result.hpp"
#include "cli/cli.hpp"

namespace footman::app {

// Both block until it is done. Standard output gets the image's name, the rest goes to `err`. Errors as of
// registry::push(), and what is wrong with options and files.
base::Result<int> push_image(const cli::PushOptions& options, cli::Output& out, cli::Output& err);
base::Result<int> save_image(const cli::ImageOptions& options, const std::string& file, cli::Output& out,
                             cli::Output& err);

}  // namespace footman::app
