// The line at the bottom of a terminal that says what takes so long. Nothing is shown during the first
// second, and nothing at all when standard error is no terminal.
#pragma once

#include <memory>
#include <string>

#include "cli/output.hpp"
#include "runtime/clock.hpp"

namespace footman::cli {

class Progress {
 public:
  // The output and the clock outlive it. Everything on the executor.
  Progress(Output& err, runtime::Clock& clock, runtime::Executor executor, std::string text);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void say(std::string text) { text_ = std::move(text); }
  // Call before something else is written to the terminal. The line comes back after another quiet second.
  void hide();

 private:
  void tick();
  void schedule(Duration delay);

  Output& err_;
  runtime::Clock& clock_;
  runtime::Executor executor_;
  std::string text_;
  Duration since_{0};
  bool shown_ = false;
  std::size_t frame_ = 0;
  std::unique_ptr<runtime::Timer> timer_;
};

}  // namespace footman::cli
