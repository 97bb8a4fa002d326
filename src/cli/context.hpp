// What a command gets to work with. Everything of the world outside comes through here, so that tests can
// bring their own.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/cli.hpp"
#include "cli/client.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "runtime/clock.hpp"
#include "runtime/rng.hpp"

namespace footman::cli {

struct Context {
  Output& out;
  Output& err;
  Environment environment;
  std::function<Result<std::string>()> read_input;  // all of standard input, at most kMaxDocumentBytes
  Programs programs;
  const Command* root = nullptr;
};

// What a command that is a client has besides.
struct Session {
  Context& context;
  Client& client;
  runtime::Executor executor;
  runtime::Clock& clock;
  runtime::Rng& rng;
  bool json = false;

  Output& out() const { return context.out; }
  Output& err() const { return context.err; }
};

// What happens to an error, whatever its origin.
ExitCode exit_code_of(Errc code);
void show_error(Output& err, const Error& error, bool json);

// The program with its surroundings given; see run() in cli.hpp.
int run_in(Context& context, const std::vector<std::string>& words);

// The tree of all commands.
const Command& command_tree();

}  // namespace footman::cli
