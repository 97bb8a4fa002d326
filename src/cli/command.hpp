// Commands as data: one tree that the parser, --help, shell completion and docs/CLI.md are all made from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/awaitable.hpp"

namespace footman::cli {

using namespace footman::base;
using runtime::Awaitable;

// What follows an option, or stands in an argument's place: checked by the parser, used by completion.
enum class Value { none, text, number, duration, size, file, directory };

struct Option {
  std::string name;  // "label": --label
  char letter = 0;   // 'l': -l
  Value value = Value::none;
  std::string placeholder = {};  // "EXPR"
  std::string help = {};
  bool repeatable = false;
  std::vector<std::string> choices = {};  // empty: anything
};

struct Argument {
  std::string name;  // "BUILD"
  std::string help;
  Value value = Value::text;
  bool required = true;
  bool rest = false;  // all that follows, options too: a command line
  std::vector<std::string> choices = {};
};

struct Example {
  std::string line;  // "footman run -- make"
  std::string text;  // what it does
};

// What the parser found. Asking for a name that the command does not declare is a bug.
class Arguments {
 public:
  bool has(std::string_view name) const { return !list(name).empty(); }
  std::string text(std::string_view name) const;  // the last one given; "" when none was
  const std::vector<std::string>& list(std::string_view name) const;
  std::optional<std::int64_t> number(std::string_view name) const;
  std::optional<Duration> duration(std::string_view name) const;
  std::optional<std::uint64_t> size(std::string_view name) const;

  void declare(const std::string& name) { values_.try_emplace(name); }
  void add(std::string_view name, std::string value);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;  // switches: "true"
};

struct Context;  // cli/context.hpp
struct Session;

// Result: the exit code, or an error that run() shows and turns into one.
using LocalCommand = std::function<Result<int>(Context& context, const Arguments& arguments)>;
// A client of the server. Both references outlive the coroutine.
using ClientCommand = Awaitable<Result<int>> (*)(Session& session, const Arguments& arguments);

struct Command {
  std::string name;
  std::string summary;      // one line, for lists
  std::string description;  // more, for --help; may be empty
  std::vector<Example> examples;
  std::vector<Option> options;
  std::vector<Argument> arguments;
  std::vector<Command> commands = {};  // a group has commands and runs nothing itself
  LocalCommand local = {};
  ClientCommand client = nullptr;
};

// Options that every command takes, and those that every client takes.
const std::vector<Option>& common_options();
const std::vector<Option>& client_options();
// All that this command takes, its own first.
std::vector<const Option*> options_of(const Command& command);

const Command* find_command(const Command& group, std::string_view name);

}  // namespace footman::cli
