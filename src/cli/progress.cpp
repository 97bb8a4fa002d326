#include "cli/progress.hpp"

#include <fmt/format.h>

#include <array>

namespace footman::cli {
namespace {
constexpr Duration kQuiet = 1s;
constexpr Duration kFrame = 200ms;
constexpr std::array<const char*, 4> kFrames = {"|", "/", "-", "\\"};
constexpr std::string_view kClearLine = "\r\x1b[K";
}  // namespace

Progress::Progress(Output& err, runtime::Clock& clock, runtime::Executor executor, std::string text)
    : err_(err),
      clock_(clock),
      executor_(std::move(executor)),
      text_(std::move(text)),
      since_(clock.steady()) {
  if (err_.is_terminal()) schedule(kQuiet);
}

Progress::~Progress() {
  timer_.reset();
  if (shown_) err_.write(kClearLine);
}

void Progress::note(std::string text) {
  if (!err_.is_terminal() && text != noted_ && clock_.steady() - since_ >= kNoteAfter) {
    err_.line("footman: " + clean(text));
    noted_ = text;
  }
  say(std::move(text));
}

void Progress::announce(std::string text) {
  hide();
  err_.line("footman: " + clean(text));
  noted_ = text;
  say(std::move(text));
}

void Progress::hide() {
  if (!err_.is_terminal()) return;
  if (shown_) err_.write(kClearLine);
  shown_ = false;
  schedule(kQuiet);
}

void Progress::schedule(Duration delay) {
  timer_ = clock_.call_after(executor_, delay, [this] { tick(); });
}

void Progress::tick() {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock_.steady() - since_);
  auto text = fmt::format("{} {} ({} s)", kFrames[frame_++ % kFrames.size()], clean(text_), seconds.count());
  if (const auto width = err_.width(); width > 0 && width_of(text) >= width) {
    // Cut at a code point: a line that wraps cannot be taken away again.
    while (!text.empty() && width_of(text) >= width) text.pop_back();
  }
  err_.write(fmt::format("{}{}", kClearLine, styled(err_, Style::dim, text)));
  shown_ = true;
  schedule(kFrame);
}

}  // namespace footman::cli
