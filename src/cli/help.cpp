#include "cli/help.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "cli/cli.hpp"
#include "cli/parser.hpp"

namespace footman::cli {
namespace {

constexpr std::size_t kHelpWidth = 100;

// "BUILD", "[FILE]", "[-- COMMAND…]"
std::string show_argument(const Argument& argument) {
  const auto name = argument.rest ? "-- " + argument.name + "…" : argument.name;
  return argument.required ? name : "[" + name + "]";
}

std::string show_usage(const std::vector<const Command*>& path) {
  const Command& command = *path.back();
  std::string usage = name_of(path);
  if (!command.commands.empty()) return usage + " COMMAND …";
  usage += " [OPTIONS]";
  for (const auto& argument : command.arguments) usage += " " + show_argument(argument);
  return usage;
}

std::string show_option(const Option& option) {
  const auto letter = option.letter == 0 ? "    " : fmt::format("-{}, ", option.letter);
  const auto value = option.value == Value::none ? "" : " " + option.placeholder;
  return letter + "--" + option.name + value;
}

std::string help_text(const Option& option) {
  if (option.choices.empty()) return option.help;
  std::string choices;
  for (const auto& choice : option.choices) choices += (choices.empty() ? "" : ", ") + choice;
  return fmt::format("{}: {}", option.help, choices);
}

// Two columns; long texts are broken at spaces.
class Columns {
 public:
  void add(std::string left, std::string right) { rows_.emplace_back(std::move(left), std::move(right)); }
  std::string str() const {
    std::size_t widest = 0;
    for (const auto& [left, right] : rows_) widest = std::max(widest, width_of(left));
    std::string text;
    for (const auto& [left, right] : rows_) {
      text += "  " + left + std::string(widest - width_of(left) + 2, ' ');
      text += wrap(right, widest + 4) + "\n";
    }
    return text;
  }

 private:
  static std::string wrap(std::string_view text, std::size_t indent) {
    std::string out;
    std::size_t column = indent;
    while (!text.empty()) {
      const auto end = std::min(text.find(' '), text.size());
      const auto word = text.substr(0, end);
      if (column > indent && column + 1 + width_of(word) > kHelpWidth) {
        out += "\n" + std::string(indent, ' ');
        column = indent;
      } else if (column > indent) {
        out += ' ';
        ++column;
      }
      out += word;
      column += width_of(word);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
  }
  std::vector<std::pair<std::string, std::string>> rows_;
};

void add_options(Columns& columns, const std::vector<Option>& options) {
  for (const auto& option : options) columns.add(show_option(option), help_text(option));
}

std::string show_exit_codes() {
  Columns columns;
  for (const auto& [code, meaning] : kExitCodes)
    columns.add(std::to_string(static_cast<int>(code)), std::string(meaning));
  return columns.str();
}

void describe(std::string& text, std::vector<const Command*>& path) {
  const Command& command = *path.back();
  if (command.commands.empty()) {
    text += fmt::format("\n### {}\n\n{}.\n", name_of(path), base::with_capital(command.summary));
    if (!command.description.empty()) text += fmt::format("\n{}\n", command.description);
    text += fmt::format("\n```\n{}\n```\n", show_usage(path));
    if (!command.arguments.empty() || !command.options.empty()) text += "\n";
    for (const auto& argument : command.arguments)
      text += fmt::format("* `{}`: {}\n", argument.name, argument.help);
    for (const auto& option : command.options) {
      const auto shown = show_option(option);
      text += fmt::format("* `{}`: {}\n", shown.substr(shown.find_first_not_of(' ')), help_text(option));
    }
    text += "\n```\n";
    for (const auto& example : command.examples) {
      text += example.line + (example.text.empty() ? "" : "   # " + example.text) + "\n";
    }
    text += "```\n";
    return;
  }
  for (const auto& one : command.commands) {
    path.push_back(&one);
    describe(text, path);
    path.pop_back();
  }
}

}  // namespace

std::string help_of(const std::vector<const Command*>& path, const Output& out) {
  const Command& command = *path.back();
  const auto heading = [&](std::string_view text) { return "\n" + styled(out, Style::bold, text) + "\n"; };
  std::string text = fmt::format("{}: {}\n", name_of(path), command.summary);
  if (!command.description.empty()) text += "\n" + command.description + "\n";
  text += heading("Usage") + "  " + show_usage(path) + "\n";
  if (!command.arguments.empty()) {
    Columns columns;
    for (const auto& argument : command.arguments) columns.add(argument.name, argument.help);
    text += heading("Arguments") + columns.str();
  }
  if (!command.commands.empty()) {
    Columns columns;
    for (const auto& one : command.commands) columns.add(one.name, one.summary);
    text += heading("Commands") + columns.str();
  }
  Columns columns;
  add_options(columns, command.options);
  if (command.client != nullptr) add_options(columns, client_options());
  add_options(columns, common_options());
  text += heading("Options") + columns.str();
  if (!command.examples.empty()) {
    text += heading("Examples");
    for (const auto& example : command.examples) {
      if (!example.text.empty()) text += "  " + styled(out, Style::dim, "# " + example.text) + "\n";
      text += "  " + example.line + "\n";
    }
  }
  if (path.size() == 1) text += heading("Exit codes") + show_exit_codes();
  return text;
}

std::string describe_commands(const Command& root) {
  std::string text = "| Exit code | Means |\n|---|---|\n";
  for (const auto& [code, meaning] : kExitCodes)
    text += fmt::format("| {} | {} |\n", static_cast<int>(code), meaning);
  const auto list = [&](const char* title, const std::vector<Option>& options) {
    text += fmt::format("\n### {}\n\n", title);
    for (const auto& option : options) {
      const auto shown = show_option(option);
      text += fmt::format("* `{}`: {}\n", shown.substr(shown.find_first_not_of(' ')), help_text(option));
    }
  };
  list("Options of every command", common_options());
  list("Options of every command that talks to a server", client_options());
  std::vector<const Command*> path = {&root};
  describe(text, path);
  return text;
}

}  // namespace footman::cli
