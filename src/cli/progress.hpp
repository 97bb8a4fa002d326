// The line at the bottom of a terminal that says what takes so long. Nothing is shown during the first
// second. Where standard error is no terminal, only what is noted is shown: as a line of its own, once, after
// kNoteAfter.
#pragma once

#include <memory>
#include <string>

#include "cli/output.hpp"
#include "runtime/clock.hpp"

namespace footman::cli {

inline constexpr Duration kNoteAfter = 5s;

class Progress {
 public:
  // The output and the clock outlive it. Everything on the executor.
  Progress(Output& err, runtime::Clock& clock, runtime::Executor executor, std::string text);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void say(std::string text) { text_ = std::move(text); }
  // What people must know to make it go on.
  void note(std::string text);
  // At once, as a line of its own, on a terminal too; note() does not say the same again.
  void announce(std::string text);
  // Call before something else is written to the terminal. The line comes back after another quiet second.
  void hide();

 private:
  void tick();
  void schedule(Duration delay);

  Output& err_;
  runtime::Clock& clock_;
  runtime::Executor executor_;
  std::string text_;
  std::string noted_;
  Duration since_{0};
  bool shown_ = false;
  std::size_t frame_ = 0;
  std::unique_ptr<runtime::Timer> timer_;
};

}  // namespace footman::cli
