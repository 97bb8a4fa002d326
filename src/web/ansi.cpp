#include "web/ansi.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "base/number.hpp"
#include "base/utf8.hpp"

namespace footman::web {
namespace {

constexpr char kEscape = '\x1b';
constexpr char kBell = '\a';

// --- colours

struct Rgb {
  int red = 0;
  int green = 0;
  int blue = 0;
};

// xterm's sixteen.
constexpr std::array<Rgb, 16> kPalette{{{0, 0, 0},
                                        {205, 0, 0},
                                        {0, 205, 0},
                                        {205, 205, 0},
                                        {0, 0, 238},
                                        {205, 0, 205},
                                        {0, 205, 205},
                                        {229, 229, 229},
                                        {127, 127, 127},
                                        {255, 0, 0},
                                        {0, 255, 0},
                                        {255, 255, 0},
                                        {92, 92, 255},
                                        {255, 0, 255},
                                        {0, 255, 255},
                                        {255, 255, 255}}};

std::int16_t nearest_colour(Rgb want) {
  std::int16_t best = 0;
  int least = std::numeric_limits<int>::max();
  for (std::size_t i = 0; i < kPalette.size(); ++i) {
    const auto& have = kPalette[i];
    const int r = want.red - have.red;
    const int g = want.green - have.green;
    const int b = want.blue - have.blue;
    if (const int distance = r * r + g * g + b * b; distance < least) {
      least = distance;
      best = static_cast<std::int16_t>(i);
    }
  }
  return best;
}

// Of the 256 colours: the sixteen, a cube of 6×6×6, greys.
std::int16_t colour_of_256(int number) {
  if (number < 16) return static_cast<std::int16_t>(number);
  if (number >= 232) {
    const int grey = 8 + (number - 232) * 10;
    return nearest_colour({grey, grey, grey});
  }
  const auto level = [](int step) { return step == 0 ? 0 : 55 + step * 40; };
  const int cube = number - 16;
  return nearest_colour({level(cube / 36), level(cube / 6 % 6), level(cube % 6)});
}

// --- parameters

constexpr std::size_t kMaxParameters = 64;

// Separated by ; or :, empty ones are 0, what is no number is -1.
std::vector<int> parse_parameters(std::string_view text) {
  std::vector<int> numbers;
  while (numbers.size() < kMaxParameters) {
    const auto end = std::min(text.find_first_of(";:"), text.size());
    const auto word = text.substr(0, end);
    numbers.push_back(word.empty() ? 0 : base::find_number<int>(word).value_or(-1));
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
  }
  return numbers;
}

// The colour after a 38 or 48 at `at`, which moves to its last number. -2: none.
std::int16_t take_extended_colour(const std::vector<int>& numbers, std::size_t& at) {
  const auto in_byte = [](int number) { return number >= 0 && number <= 255; };
  if (at + 2 < numbers.size() && numbers[at + 1] == 5) {
    at += 2;
    return in_byte(numbers[at]) ? colour_of_256(numbers[at]) : -2;
  }
  if (at + 4 < numbers.size() && numbers[at + 1] == 2) {
    at += 4;
    const Rgb want{numbers[at - 2], numbers[at - 1], numbers[at]};
    return in_byte(want.red) && in_byte(want.green) && in_byte(want.blue) ? nearest_colour(want) : -2;
  }
  at = numbers.size();
  return -2;
}

bool is_between(int number, int low, int high) { return number >= low && number <= high; }

void apply_colour(AnsiStyle& style, int number) {
  if (is_between(number, 30, 37)) style.text = static_cast<std::int16_t>(number - 30);
  if (is_between(number, 90, 97)) style.text = static_cast<std::int16_t>(number - 90 + 8);
  if (is_between(number, 40, 47)) style.ground = static_cast<std::int16_t>(number - 40);
  if (is_between(number, 100, 107)) style.ground = static_cast<std::int16_t>(number - 100 + 8);
}

void apply_number(AnsiStyle& style, int number) {
  switch (number) {
    case 0:
      style = {};
      break;
    case 1:
      style.bold = true;
      break;
    case 2:
      style.dim = true;
      break;
    case 3:
      style.italic = true;
      break;
    case 4:
      style.underlined = true;
      break;
    case 7:
      style.inverse = true;
      break;
    case 9:
      style.struck = true;
      break;
    case 22:
      style.bold = style.dim = false;
      break;
    case 23:
      style.italic = false;
      break;
    case 24:
      style.underlined = false;
      break;
    case 27:
      style.inverse = false;
      break;
    case 29:
      style.struck = false;
      break;
    case 39:
      style.text = -1;
      break;
    case 49:
      style.ground = -1;
      break;
    default:
      apply_colour(style, number);
  }
}

// --- sequences

struct Sequence {
  std::size_t bytes = 0;                    // 0: it is cut off
  std::optional<std::string_view> colours;  // parameters of Select Graphic Rendition
};

// ESC [ parameters intermediates final. What does not belong ends it.
Sequence measure_csi(std::string_view text) {
  std::size_t at = 2;
  while (at < text.size() && is_between(text[at], 0x20, 0x3f)) {
    if (at > kMaxSequenceBytes) return {at, {}};
    ++at;
  }
  if (at == text.size()) return {};
  if (!is_between(text[at], 0x40, 0x7e)) return {at, {}};
  if (text[at] == 'm') return {at + 1, text.substr(2, at - 2)};
  return {at + 1, {}};
}

// ESC ] … up to BEL or ESC \ : titles, links. Not shown. A line's end ends it too: a lone ESC ] swallows one
// line, not the log.
std::size_t measure_string(std::string_view text) {
  for (std::size_t at = 2; at < text.size(); ++at) {
    if (at > kMaxSequenceBytes || text[at] == '\n') return at;
    if (text[at] == kBell) return at + 1;
    if (text[at] != kEscape) continue;
    if (at + 1 == text.size()) return 0;
    return text[at + 1] == '\\' ? at + 2 : at;
  }
  return 0;
}

// ESC intermediates final, such as ESC ( B; anything else: the ESC alone.
std::size_t measure_short(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && is_between(text[at], 0x20, 0x2f)) {
    if (++at > 3) return 1;
  }
  if (at == text.size()) return 0;
  return is_between(text[at], 0x30, 0x7e) ? at + 1 : 1;
}

// Of a text that begins with ESC.
Sequence measure_sequence(std::string_view text) {
  if (text.size() == 1) return {};
  if (text[1] == '[') return measure_csi(text);
  if (std::string_view("]PX^_").contains(text[1])) return {measure_string(text), {}};
  return {measure_short(text), {}};
}

// --- lines

class LogWriter {
 public:
  explicit LogWriter(AnsiStyle style) : style_(style) {}

  RenderedLog render(std::string_view bytes, bool is_end) {
    auto rest = bytes;
    while (!rest.empty()) {
      const auto taken = take(rest, is_end);
      if (taken == 0) break;
      rest.remove_prefix(taken);
    }
    const bool open = has_line_;
    if (open) end_line();
    return {std::move(lines_), bytes.size() - rest.size(), style_, open};
  }

 private:
  // The bytes that were taken; 0: more must come first.
  std::size_t take(std::string_view rest, bool is_end) {
    switch (rest[0]) {
      case '\n':
        end_line();
        return 1;
      case '\r':
        return take_return(rest, is_end);
      case kEscape:
        return take_sequence(rest, is_end);
      default:
        return take_char(rest, is_end);
    }
  }
  std::size_t take_return(std::string_view rest, bool is_end) {
    const auto next = rest.find_first_not_of('\r');
    if (next == std::string_view::npos) return is_end ? rest.size() : 0;
    if (rest[next] != '\n') restart_line();
    return next;
  }
  std::size_t take_sequence(std::string_view rest, bool is_end) {
    const auto sequence = measure_sequence(rest);
    if (sequence.bytes == 0) return is_end ? rest.size() : 0;
    if (sequence.colours) set_style(*sequence.colours);
    return sequence.bytes;
  }
  std::size_t take_char(std::string_view rest, bool is_end) {
    const auto decoded = base::decode_utf8(rest);
    if (decoded.cut && !is_end) return 0;
    if (!decoded.valid)
      put(base::kReplacement);
    else if (decoded.code == '\t' || is_shown(decoded.code))
      put(rest.substr(0, decoded.bytes));
    return decoded.bytes;
  }
  static bool is_shown(char32_t code) { return code >= 0x20 && !(code >= 0x7f && code < 0xa0); }

  void set_style(std::string_view parameters) {
    auto style = style_;
    style.apply(parameters);
    if (style == style_) return;
    end_run();
    style_ = style;
  }
  void put(std::string_view character) {
    if (chars_ == kMaxLineChars) end_line();
    has_line_ = true;
    run_ += character;
    ++chars_;
  }
  void end_run() {
    if (run_.empty()) return;
    const auto classes = style_.classes();
    line_ += classes.empty() ? text(run_) : html(R"(<span class="{}">{}</span>)", classes, run_);
    run_.clear();
  }
  void restart_line() {
    run_.clear();
    line_ = {};
    chars_ = 0;
  }
  void end_line() {
    end_run();
    lines_ += html(R"(<div class="l">{}</div>)", line_);
    restart_line();
    has_line_ = false;
  }

  AnsiStyle style_;
  Markup lines_;
  Markup line_;
  std::string run_;  // text of one style
  std::size_t chars_ = 0;
  bool has_line_ = false;
};

}  // namespace

void AnsiStyle::apply(std::string_view parameters) {
  const auto numbers = parse_parameters(parameters);
  for (std::size_t at = 0; at < numbers.size(); ++at) {
    const int number = numbers[at];
    if (number != 38 && number != 48) {
      apply_number(*this, number);
      continue;
    }
    const auto colour = take_extended_colour(numbers, at);
    if (colour != -2) (number == 38 ? text : ground) = colour;
  }
}

std::string AnsiStyle::classes() const {
  std::string out;
  const auto add = [&out](std::string_view word) {
    if (!out.empty()) out += ' ';
    out += word;
  };
  const auto colour = [](std::int16_t number) {
    return number < 0 ? std::string("d") : std::to_string(number);
  };
  const auto front = inverse ? ground : text;
  const auto back = inverse ? text : ground;
  if (inverse || front >= 0) add("f" + colour(front));
  if (inverse || back >= 0) add("g" + colour(back));
  if (bold) add("b");
  if (dim) add("d");
  if (italic) add("i");
  if (underlined) add("u");
  if (struck) add("s");
  return out;
}

std::string AnsiStyle::str() const {
  std::string out;
  const auto add = [&out](int number) {
    if (!out.empty()) out += ';';
    out += std::to_string(number);
  };
  if (bold) add(1);
  if (dim) add(2);
  if (italic) add(3);
  if (underlined) add(4);
  if (inverse) add(7);
  if (struck) add(9);
  if (text >= 0) add(text < 8 ? 30 + text : 82 + text);
  if (ground >= 0) add(ground < 8 ? 40 + ground : 92 + ground);
  return out;
}

RenderedLog render_log(std::string_view bytes, bool is_end, AnsiStyle style) {
  return LogWriter(style).render(bytes, is_end);
}

}  // namespace footman::web
