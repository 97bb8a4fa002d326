#include "agent/real/workspace.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/ascii.hpp"
#include "base/digest.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::agent::real {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxFolderBytes = 200;  // file systems allow 255
constexpr std::size_t kDigestDigits = 32;

bool is_plain(char c) { return base::is_alnum_or("-_.", c); }

base::Status make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  struct stat info{};
  if (errno == EEXIST && ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
  return base::fail_errno("make the directory " + path, errno);
}

// Also folders that their makers have write-protected.
void remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(path, options, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored) && !it->is_symlink(ignored))
      fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
  }
  fs::remove_all(path, error);
}

std::vector<std::string> words_of_hash_bang(std::string_view line) {
  // As the kernel does it: the interpreter, then all the rest as one argument.
  const auto begin = line.find_first_not_of(" \t");
  if (begin == line.npos) return {};
  line.remove_prefix(begin);
  line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
  const auto end = line.find_first_of(" \t");
  std::vector<std::string> words = {std::string(line.substr(0, end))};
  if (end == line.npos) return words;
  words.emplace_back(line.substr(line.find_first_not_of(" \t", end)));
  return words;
}

}  // namespace

std::string folder_name(std::string_view key) {
  std::string out;
  for (const char c : key) {
    const bool leading_dot = out.empty() && c == '.';
    if (is_plain(c) && !leading_dot)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  if (out.empty()) return "%";
  if (out.size() <= kMaxFolderBytes) return out;
  const auto digest = base::to_hex(base::sha256(key)).substr(0, kDigestDigits);
  return out.substr(0, kMaxFolderBytes - kDigestDigits - 1) + "%" + digest;
}

base::Result<std::vector<std::string>> interpreter_of(const protocol::WorkStep& step) {
  if (!step.interpreter.empty()) return step.interpreter;
  if (!step.script.starts_with("#!")) return std::vector<std::string>{"/bin/sh", "-e"};
  auto words = words_of_hash_bang(std::string_view(step.script).substr(2, step.script.find('\n') - 2));
  if (words.empty())
    return base::fail(base::Errc::not_found, "The script's first line is \"#!\" without an interpreter.");
  return words;
}

base::Result<std::string> Workspaces::open(const std::string& key) {
  const auto all = work_dir_ + "/workspaces";
  const auto folder = folder_name(key);
  FOOTMAN_TRY_STATUS(make_directory(all));
  FOOTMAN_TRY_STATUS(make_directory(all + "/" + folder));
  used_.remove(folder);
  used_.push_front(folder);
  if (used_.size() > kMaxWorkspaces) {
    remove_tree(all + "/" + used_.back());
    used_.pop_back();
  }
  return all + "/" + folder;
}

base::Result<std::string> Workspaces::write_script(const std::string& name, std::string_view script) const {
  const auto folder = work_dir_ + "/scripts";
  FOOTMAN_TRY_STATUS(make_directory(folder));
  auto path = folder + "/" + name;
  ::unlink(path.c_str());
  const runtime::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
  if (!fd.is_open()) return base::fail_errno("make " + path, errno);
  while (!script.empty()) {
    const auto put = ::write(fd.get(), script.data(), script.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return base::fail_errno("write " + path, errno);
    script.remove_prefix(static_cast<std::size_t>(put));
  }
  return path;
}

void Workspaces::remove_all() {
  for (const auto& folder : used_) remove_tree(work_dir_ + "/workspaces/" + folder);
  used_.clear();
  ::rmdir((work_dir_ + "/workspaces").c_str());
  remove_tree(work_dir_ + "/scripts");
}

base::Result<std::string> make_temporary_work_dir(const std::string& parent) {
  constexpr mode_t kAsTmp = 01777;
  if (::mkdir(parent.c_str(), kAsTmp) == 0) ::chmod(parent.c_str(), kAsTmp);  // whatever the umask is
  auto pattern = parent + "/footman-agent-XXXXXX";
  if (::mkdtemp(pattern.data()) != nullptr) return pattern;
  auto failed = base::fail_errno("make a work directory in " + parent, errno);
  failed.error().hint = "Name another place with --work-dir or TMPDIR.";
  return failed;
}

}  // namespace footman::agent::real
