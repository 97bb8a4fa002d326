// Build logs as HTML: colours of terminals become classes, all other control sequences vanish. The script
// (static/footman.js) does the same to what comes later; both are held to tests/ansi_cases.json.
//
// A line is <div class="l">; a colour is <span class="f1 b">: f0…f15 text, g0…g15 ground (the sixteen colours
// of terminals; finer ones take the nearest), fd and gd the default two swapped, b bold, d dim, i italic, u
// underlined, s struck. A carriage return begins the line again, as progress bars want. No byte is trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "web/html.hpp"

namespace footman::web {

inline constexpr std::size_t kMaxLineChars = 4096;      // longer lines are broken
inline constexpr std::size_t kMaxSequenceBytes = 4096;  // of a control sequence; beyond, the rest is text

struct AnsiStyle {
  std::int16_t text = -1;  // 0…15; -1: the default
  std::int16_t ground = -1;
  bool bold = false;
  bool dim = false;
  bool italic = false;
  bool underlined = false;
  bool inverse = false;
  bool struck = false;
  bool operator==(const AnsiStyle&) const = default;

  // Select Graphic Rendition: "1;31", "38;5;208". What is unknown is ignored.
  void apply(std::string_view parameters);
  std::string classes() const;  // "" for plain text
  std::string str() const;      // parameters that give this style from a plain one
};

struct RenderedLog {
  Markup lines;
  std::size_t consumed =
      0;            // bytes; what may still become a character or a sequence is left unless it is the end
  AnsiStyle style;  // at the end
  bool open_line = false;  // the last line has no end yet
};

RenderedLog render_log(std::string_view bytes, bool is_end, AnsiStyle style = {});

}  // namespace footman::web
