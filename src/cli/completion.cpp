#include "cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/context.hpp"
#include "cli/groups.hpp"

namespace footman::cli {
namespace {

// What can follow a path of words such as "build list".
struct Place {
  std::string path;
  const Command* command;
};

void collect(const Command& command, const std::string& path, std::vector<Place>& places) {
  places.push_back({path, &command});
  for (const auto& one : command.commands)
    collect(one, path.empty() ? one.name : path + " " + one.name, places);
}

std::vector<Place> places_of(const Command& root) {
  std::vector<Place> places;
  collect(root, "", places);
  return places;
}

std::vector<std::string> words_below(const Command& command) {
  std::vector<std::string> words;
  words.reserve(command.commands.size());
  for (const auto& one : command.commands) words.push_back(one.name);
  for (const auto& argument : command.arguments) {
    for (const auto& choice : argument.choices) words.push_back(choice);
  }
  for (const auto* option : options_of(command)) words.push_back("--" + option->name);
  return words;
}

bool takes_file(const Command& command) {
  return std::ranges::any_of(command.arguments, [](const Argument& one) { return one.value == Value::file; });
}

// "-l|--label" as a shell pattern.
std::string pattern_of(const Option& option) {
  return option.letter == 0 ? "--" + option.name : fmt::format("-{}|--{}", option.letter, option.name);
}

// The same few lines in bash and zsh: the words before the cursor name the command; what can follow is looked
// up. `reply_*` are the shell's ways to answer.
struct Dialect {
  std::string words;  // answers with the words of $1
  std::string files;
  std::string directories;
};

std::string place_cases(const Command& root, const Dialect& dialect) {
  std::string text;
  for (const auto& [path, command] : places_of(root)) {
    text += fmt::format("    '{}')\n", path);
    std::string values;
    for (const auto* option : options_of(*command)) {
      if (option->value == Value::none) continue;
      std::string answer = "return";
      if (!option->choices.empty()) {
        answer = fmt::format("{} '{}'; return", dialect.words, fmt::join(option->choices, " "));
      } else if (option->value == Value::file) {
        answer = dialect.files + "; return";
      } else if (option->value == Value::directory) {
        answer = dialect.directories + "; return";
      }
      values += fmt::format("        {}) {} ;;\n", pattern_of(*option), answer);
    }
    if (!values.empty()) text += "      case \"$previous\" in\n" + values + "      esac\n";
    text += fmt::format("      {} '{}'\n", dialect.words, fmt::join(words_below(*command), " "));
    if (takes_file(*command)) text += fmt::format("      [[ \"$current\" == -* ]] || {}\n", dialect.files);
    text += "      ;;\n";
  }
  return text;
}

// A word of the line belongs to the command's path when it is a command there. step: the shell's lines for
// one, of the path before, the word and the path after.
std::string path_cases(const Command& root, std::string_view step) {
  std::string text;
  for (const auto& [path, command] : places_of(root)) {
    for (const auto& one : command->commands)
      text +=
          fmt::format(fmt::runtime(step), path, one.name, path.empty() ? one.name : path + " " + one.name);
  }
  return text;
}

constexpr std::string_view kStep = "      '{}|{}') place='{}' ;;\n";
constexpr std::string_view kFishStep = "      case '{}|{}'\n        set place '{}'\n";

std::string bash_script(const Command& root) {
  const Dialect dialect{"_footman_words", "_footman_files -f", "_footman_files -d"};
  return fmt::format(R"(# bash completion of footman: source <(footman completion bash)
_footman_words() {{ COMPREPLY+=($(compgen -W "$1" -- "$current")); }}
_footman_files() {{
  compopt -o filenames 2>/dev/null
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$1" -- "$current")
}}
_footman() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" place='' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${{COMP_WORDS[i]}}"
    [[ "$word" == -- ]] && return
    case "$place|$word" in
{}    esac
  done
  case "$place" in
{}  esac
}}
complete -F _footman footman
)",
                     path_cases(root, kStep), place_cases(root, dialect));
}

std::string zsh_script(const Command& root) {
  const Dialect dialect{"_footman_words", "_files", "_files -/"};
  return fmt::format(R"(#compdef footman
# zsh completion of footman: source <(footman completion zsh), or as the file _footman in a folder of $fpath
_footman_words() {{ compadd -- ${{=1}} }}
_footman() {{
  local current="${{words[CURRENT]}}" previous="${{words[CURRENT-1]}}" place='' word i
  for ((i = 2; i < CURRENT; i++)); do
    word="${{words[i]}}"
    [[ "$word" == -- ]] && return
    case "$place|$word" in
{}    esac
  done
  case "$place" in
{}  esac
}}
# From $fpath this file is the function's first call.
if [[ "${{funcstack[1]}}" == _footman ]]; then _footman "$@"; else compdef _footman footman; fi
)",
                     path_cases(root, kStep), place_cases(root, dialect));
}

std::string fish_quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string fish_option(const std::string& condition, const Option& option) {
  auto line =
      fmt::format("complete -c footman -n '{}' -l {} -d {}", condition, option.name, fish_quote(option.help));
  if (option.letter != 0) line += fmt::format(" -s {}", option.letter);
  if (option.value == Value::file || option.value == Value::directory) {
    line += " -r -F";
  } else if (option.value != Value::none) {
    line += fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
  }
  return line + "\n";
}

std::string fish_script(const Command& root) {
  std::string text =
      "# fish completion of footman: footman completion fish | source\n"
      "function __footman_at\n"
      "  set -l place ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    test \"$word\" = --; and return 1\n"
      "    switch \"$place|$word\"\n" +
      path_cases(root, kFishStep) +
      "    end\n"
      "  end\n"
      "  test \"$place\" = \"$argv\"\n"
      "end\n"
      "complete -c footman -f\n";
  for (const auto& [path, command] : places_of(root)) {
    const auto condition = path.empty() ? std::string("__footman_at") : "__footman_at " + path;
    for (const auto& one : command->commands) {
      text += fmt::format("complete -c footman -n '{}' -a {} -d {}\n", condition, one.name,
                          fish_quote(one.summary));
    }
    for (const auto& argument : command->arguments) {
      if (argument.value == Value::file) text += fmt::format("complete -c footman -n '{}' -F\n", condition);
      if (!argument.choices.empty()) {
        text +=
            fmt::format("complete -c footman -n '{}' -a '{}'\n", condition, fmt::join(argument.choices, " "));
      }
    }
    for (const auto* option : options_of(*command)) text += fish_option(condition, *option);
  }
  return text;
}

Result<int> completion(Context& context, const Arguments& arguments) {
  const auto shell = arguments.text("SHELL");
  const auto script = completion_script(*context.root, shell);
  if (arguments.has("json")) {
    context.out.write(pretty(json::value{{"shell", shell}, {"script", script}}));
  } else {
    context.out.write(script);
  }
  return exit_ok;
}

}  // namespace

std::string completion_script(const Command& root, const std::string& shell) {
  if (shell == "zsh") return zsh_script(root);
  if (shell == "fish") return fish_script(root);
  return bash_script(root);
}

Command completion_command() {
  return {"completion",
          "print a completion script for a shell",
          "",
          {{"source <(footman completion bash)", "in ~/.bashrc"},
           {"footman completion fish > ~/.config/fish/completions/footman.fish", "for fish"}},
          {},
          {{"SHELL", "bash, zsh or fish", Value::text, true, false, {"bash", "zsh", "fish"}}},
          {},
          completion};
}

}  // namespace footman::cli
