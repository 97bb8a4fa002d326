#include "cli/output.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <system_error>

#include "base/check.hpp"

namespace footman::cli {
namespace {

constexpr std::size_t kLeastCut = 10;  // the last column is never cut below that

class FileOutput final : public Output {
 public:
  explicit FileOutput(int fd) : fd_(fd), terminal_(::isatty(fd) == 1) {
    const char* no_colour = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    const bool unwanted = no_colour != nullptr && *no_colour != 0;
    const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
    colours_ = terminal_ && !unwanted && !dumb;
  }

  void write(std::string_view text) override {
    while (!text.empty()) {
      const auto written = ::write(fd_, text.data(), text.size());
      if (written >= 0) {
        text.remove_prefix(static_cast<std::size_t>(written));
        continue;
      }
      if (errno == EINTR) continue;
      if (fd_ == STDERR_FILENO) return;
      if (errno == EPIPE) throw OutputClosed();
      throw std::system_error(errno, std::generic_category(), "write to standard output");
    }
  }
  bool is_terminal() const override { return terminal_; }
  bool colours() const override { return colours_; }
  std::size_t width() const override {
    winsize size{};
    if (!terminal_ || ::ioctl(fd_, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
  }

 private:
  int fd_;
  bool terminal_;
  bool colours_ = false;
};

std::string_view code_of(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::bold:
      return "\x1b[1m";
    case Style::dim:
      return "\x1b[2m";
    case Style::green:
      return "\x1b[32m";
    case Style::yellow:
      return "\x1b[33m";
    case Style::red:
      return "\x1b[31m";
  }
  return "";
}

bool starts_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

std::string cut(std::string text, std::size_t width) {
  if (width_of(text) <= width) return text;
  std::size_t columns = 0;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (starts_code_point(text[at]) && ++columns == width) break;
  }
  return text.substr(0, at) + "…";
}

}  // namespace

std::unique_ptr<Output> make_output(int fd) { return std::make_unique<FileOutput>(fd); }

std::string styled(const Output& out, Style style, std::string_view text) {
  if (!out.colours() || style == Style::plain || text.empty()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", code_of(style), text);
}

Style style_of(std::string_view state) {
  static constexpr std::array<std::pair<std::string_view, Style>, 15> looks = {{
      {"SUCCESS", Style::green},
      {"UNSTABLE", Style::yellow},
      {"FAILURE", Style::red},
      {"NOT_BUILT", Style::dim},
      {"ABORTED", Style::dim},
      {"running", Style::yellow},
      {"busy", Style::yellow},
      {"online", Style::green},
      {"idle", Style::green},
      {"failed", Style::red},
      {"lost", Style::red},
      {"terminated", Style::dim},
      {"blocked", Style::yellow},
      {"healthy", Style::green},
      {"trouble", Style::red},
  }};
  const auto found = std::ranges::find(looks, state, &std::pair<std::string_view, Style>::first);
  return found == looks.end() ? Style::plain : found->second;
}

std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte == '\n' || byte == '\r' || byte == '\t') {
      out += ' ';
    } else if (byte < 0x20 || byte == 0x7F) {
      out += '?';
    } else if (c1) {  // U+0080…U+009F: the 8-bit control characters
      out += '?';
      ++i;
    } else {
      out += static_cast<char>(byte);
    }
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_code_point));
}

namespace {
std::string format_local(Instant instant, const char* format) {
  if (!instant.is_set()) return "-";
  const std::time_t seconds = instant.us / 1'000'000;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 80> text{};
  const auto size = std::strftime(text.data(), text.size(), format, &parts);
  return {text.data(), size};
}
}  // namespace

std::string counted(std::uint64_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string show_time(Instant instant) { return format_local(instant, "%Y-%m-%d %H:%M:%S %Z"); }

std::string show_exact_time(Instant instant) {
  const auto format = fmt::format("%Y-%m-%d %H:%M:%S.{:03} %Z", instant.us % 1'000'000 / 1'000);
  return format_local(instant, format.c_str());
}

void Table::add(std::vector<std::string> cells) {
  FOOTMAN_CHECK(cells.size() == head_.size(), "as many cells as columns");
  for (auto& cell : cells) cell = cell.empty() ? "-" : clean(cell);
  rows_.push_back(std::move(cells));
}

void Table::print(Output& out) const {
  std::vector<std::size_t> widths;
  widths.reserve(head_.size());
  for (const auto& title : head_) widths.push_back(width_of(title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::size_t before_last = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) before_last += widths[i] + 2;
  const auto edge = out.width();
  const auto last = edge == 0 ? std::string::npos : std::max(kLeastCut, edge - std::min(edge, before_last));

  const auto print_row = [&](const std::vector<std::string>& row, bool is_head) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool is_last = i + 1 == row.size();
      const auto cell = is_last ? cut(row[i], last) : row[i];
      text += styled(out, is_head ? Style::bold : style_of(row[i]), cell);
      if (!is_last) text.append(widths[i] - width_of(cell) + 2, ' ');
    }
    out.line(text);
  };
  print_row(head_, true);
  for (const auto& row : rows_) print_row(row, false);
}

void Facts::add(std::string name, std::string value) {
  if (!value.empty()) facts_.emplace_back(std::move(name), std::move(value));
}

void Facts::print(Output& out) const {
  std::size_t widest = 0;
  for (const auto& [name, value] : facts_) widest = std::max(widest, width_of(name));
  for (const auto& [name, value] : facts_) {
    const auto text = clean(value);
    out.line(fmt::format("{}{} {}{}", styled(out, Style::dim, name + ":"), "",
                         std::string(widest - width_of(name), ' '), styled(out, style_of(text), text)));
  }
}

}  // namespace footman::cli
