// The agent's folders: one workspace per key, and the scripts of the steps.
//
//   <work dir>/workspaces/<folder>   where steps run
//   <work dir>/scripts/<name>        mode 0700, removed after the step
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "protocol/messages.hpp"

namespace footman::agent::real {

inline constexpr std::size_t kMaxWorkspaces = 32;  // beyond: the one used longest ago is removed

// A safe name of one folder for any key, different for different keys: "team/app" -> "team%2Fapp".
std::string folder_name(std::string_view key);

// The command line of a step, without the script's path at its end: the given interpreter, else the script's
// own
// "#!" line, else /bin/sh -e. invalid_argument: an empty "#!" line.
base::Result<std::vector<std::string>> interpreter_of(const protocol::WorkStep& step);

// A new folder in `parent`, which is absolute and is made, for everybody's use, when nothing is there: images
// from scratch have no /tmp. The error says what to name instead.
base::Result<std::string> make_temporary_work_dir(const std::string& parent);

class Workspaces {
 public:
  explicit Workspaces(std::string work_dir) : work_dir_(std::move(work_dir)) {}

  // Makes the folder when it is missing. Its absolute path.
  base::Result<std::string> open(const std::string& key);
  base::Result<std::string> write_script(const std::string& name, std::string_view script) const;
  // Everything this object has made.
  void remove_all();

 private:
  std::string work_dir_;
  std::list<std::string> used_;  // folders, most recent first
};

}  // namespace footman::agent::real
