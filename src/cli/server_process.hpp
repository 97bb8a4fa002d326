// `footman up` as a child of this process, in a directory of its own: for `footman demo`.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/real/spawn.hpp"

namespace footman::cli {

using namespace footman::base;
using runtime::Awaitable;

// A new directory for nobody but us, removed with all it holds.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> create(const std::string& parent, const std::string& prefix);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  const std::string& path() const { return path_; }
  // What could not be removed is an error; afterwards the destructor does nothing.
  Status remove();

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// In a session of its own, so that Ctrl-C reaches us alone. The kernel kills it when we die, and so does the
// destructor. Use on one thread.
class ServerProcess {
 public:
  // `arguments` without the program's name. Output and errors go to the file `log`. The environment is ours.
  static Result<ServerProcess> start(const std::string& program, std::vector<std::string> arguments,
                                     const std::string& directory, const std::string& log);
  ServerProcess(ServerProcess&&) = default;
  ServerProcess& operator=(ServerProcess&&) = delete;
  ~ServerProcess();

  pid_t pid() const { return child_.id.pid; }
  // "exit status 6", "signal 9"; empty while it runs.
  const std::string& end();
  bool ended_well() const { return ended_well_; }
  void signal(int number) const;
  // False when it still runs after that long.
  Awaitable<bool> wait(runtime::Clock& clock, Duration limit);

 private:
  explicit ServerProcess(runtime::real::Spawned child) : child_(std::move(child)) {}
  runtime::real::Spawned child_;
  std::string end_;
  bool ended_well_ = false;
};

// Processes other than this one whose working directory, command line or environment is of the directory.
std::vector<pid_t> find_processes_of(const std::string& directory);
// The last lines of a file; "" when it cannot be read.
std::string last_lines(const std::string& path, std::size_t count);

}  // namespace footman::cli
