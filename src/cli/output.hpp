// Text for people: where it goes, whether colours are wanted, tables, times.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace footman::cli {

using namespace footman::base;

// Whoever read the output is gone: as SIGPIPE, the program has nothing more to do.
class OutputClosed : public std::runtime_error {
 public:
  OutputClosed() : std::runtime_error("nobody reads the output any more") {}
};

class Output {
 public:
  virtual ~Output() = default;
  // All of it, at once. Standard output throws OutputClosed, or std::system_error (no space left); standard
  // error never throws: what it says is not worth failing for.
  virtual void write(std::string_view text) = 0;
  virtual bool is_terminal() const { return false; }
  virtual bool colours() const { return false; }
  virtual std::size_t width() const { return 0; }  // of the terminal; 0: as long as you like

  void line(std::string_view text) { write(std::string(text) + "\n"); }
};

// Standard output (1) or error (2). Colours on a terminal only, and never when NO_COLOR is set to something
// or TERM is "dumb".
std::unique_ptr<Output> make_output(int fd);

enum class Style { plain, bold, dim, green, yellow, red };
std::string styled(const Output& out, Style style, std::string_view text);
// How a state or a result looks: "SUCCESS" green, "FAILURE" red, "running" yellow, …
Style style_of(std::string_view state);

// Control characters (of hostile names and reasons) as "?": nothing that comes from the server moves the
// cursor. Line breaks become spaces.
std::string clean(std::string_view text);
// Columns on a terminal: code points, as most terminals show them.
std::size_t width_of(std::string_view text);

// "1 build", "3 builds".
std::string counted(std::uint64_t count, std::string_view one);

// The program's local time with its zone: "2026-11-24 09:40:15 CET". "-" when it is not set.
std::string show_time(Instant instant);
std::string show_exact_time(Instant instant);  // with milliseconds

// Columns as wide as their widest cell; the last one is cut at the edge of the terminal. Cells are cleaned.
class Table {
 public:
  explicit Table(std::vector<std::string> head) : head_(std::move(head)) {}
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  // `style` gives a cell its looks by its (cleaned) text.
  void print(Output& out) const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
};

// "Name:   value" lines, aligned; empty values are left out.
class Facts {
 public:
  void add(std::string name, std::string value);
  void print(Output& out) const;

 private:
  std::vector<std::pair<std::string, std::string>> facts_;
};

}  // namespace footman::cli
