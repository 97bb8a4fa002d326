#include "cli/cli.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <list>

#include "base/version.hpp"
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/help.hpp"
#include "cli/parser.hpp"
#include "cli/progress.hpp"
#include "config/yaml_tree.hpp"
#include "net/proxy.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/loop.hpp"
#include "runtime/wait.hpp"

namespace footman::cli {
namespace {

constexpr Duration kServerStart = 5s;
constexpr Duration kLookAgain = 20ms;

std::optional<std::string> read_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Result<std::string> read_standard_input() {
  std::string text;
  std::array<char, 16 * 1024> piece{};
  while (true) {
    const auto count = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read standard input", errno);
    if (count == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.size() > config::kMaxDocumentBytes) {
      return fail(Errc::invalid_argument,
                  fmt::format("standard input holds more than {}", format_bytes(config::kMaxDocumentBytes)));
    }
  }
}

// A server that is on its way is waited for.
Awaitable<Result<ServerAccess>> wait_for_server(Context* context, const Arguments* arguments,
                                                runtime::Clock* clock, runtime::Executor executor) {
  Progress progress(context->err, *clock, executor, "the server starts");
  const auto start = clock->steady();
  while (true) {
    auto access = find_server(*arguments, context->environment);
    const bool starts = !access && access.error().code == Errc::timeout;
    if (!starts || clock->steady() - start >= kServerStart) co_return access;
    co_await runtime::sleep_for(*clock, kLookAgain);
  }
}

Result<int> run_client(Context& context, const ParsedLine& line) {
  // What is destroyed last comes first: coroutines that are left over when one has thrown go with the loop.
  const auto clock = runtime::real::make_clock();
  const auto rng = runtime::make_os_rng();
  runtime::real::Loop loop;
  FOOTMAN_TRY(auto access,
              loop.run(wait_for_server(&context, &line.arguments, clock.get(), loop.executor())));
  net::HttpClientConfig config;
  config.user_agent = fmt::format("footman/{}", base::version());
  config.body_bytes = kMaxAnswerBytes;
  std::list<std::string> values;
  config.proxies = net::read_proxy_environment([&](const char* name) -> const char* {
    const auto value = context.environment(name);
    return value ? values.emplace_back(*value).c_str() : nullptr;
  });
  if (!access.ca_pem.empty() || !access.public_key_sha256.empty()) {
    auto tls = net::create_tls_client_context({.system_store = true,
                                               .ca_pem = access.ca_pem,
                                               .pinned_public_key_sha256 = access.public_key_sha256});
    if (!tls)
      return fail(Errc::invalid_argument, fmt::format("{}: {}", access.trust_file, tls.error().message));
    config.tls = std::move(*tls);
  }
  Client client(loop.executor(), *clock, std::move(access), std::move(config));
  Session session{context, client, loop.executor(), *clock, *rng, line.arguments.has("json")};
  return loop.run(line.command().client(session, line.arguments));
}

Result<int> run_line(Context& context, const ParsedLine& line) {
  if (line.help) {
    context.out.write(help_of(line.path, context.out));
    return exit_ok;
  }
  const auto& command = line.command();
  return command.local ? command.local(context, line.arguments) : run_client(context, line);
}

// Asked for before it is known whether the line can be understood.
bool wants_json(const std::vector<std::string>& words) {
  for (const auto& word : words) {
    if (word == "--") return false;
    if (word == "--json") return true;
  }
  return false;
}

int run_words(Context& context, const std::vector<std::string>& words) {
  const bool json = wants_json(words);
  if (words.empty()) {
    context.err.write(help_of({context.root}, context.err));
    return exit_usage;
  }
  const auto line = parse_command_line(*context.root, words);
  if (!line) {
    show_error(context.err, line.error(), json);
    return exit_usage;
  }
  const auto code = run_line(context, *line);
  if (code) return *code;
  show_error(context.err, code.error(), json);
  return exit_code_of(code.error().code);
}

}  // namespace

ExitCode exit_code_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return exit_usage;
    case Errc::not_found:
      return exit_not_found;
    case Errc::unauthenticated:
      return exit_unauthenticated;
    case Errc::unavailable:
    case Errc::timeout:
    case Errc::io:
    case Errc::corrupt:
      return exit_unavailable;
    default:
      return exit_refused;
  }
}

void show_error(Output& err, const Error& error, bool json) {
  if (json) {
    json::object told{{"code", to_string(error.code)}, {"message", error.message}};
    if (!error.field.empty()) told["field"] = error.field;
    if (!error.hint.empty()) told["hint"] = error.hint;
    err.line(json::serialize(json::object{{"error", std::move(told)}}));
    return;
  }
  err.line(styled(err, Style::red, "footman: ") + clean(describe(error)));
}

namespace {

Result<int> help(Context& context, const Arguments& arguments) {
  std::vector<const Command*> path{context.root};
  for (const auto& word : arguments.list("COMMAND")) {
    const auto* next = find_command(*path.back(), word);
    if (next == nullptr)
      return fail(Errc::invalid_argument, fmt::format("{} has no command \"{}\"", name_of(path), word), {},
                  fmt::format("See {} --help", name_of(path)));
    path.push_back(next);
  }
  context.out.write(help_of(path, context.out));
  return exit_ok;
}

Command help_command() {
  return {"help",
          "what a command does and takes",
          "The same as --help behind the command.",
          {{"footman help", "the list of commands"}, {"footman help build logs", "of one of them"}},
          {},
          {{"COMMAND", "the command", Value::text, false, true}},
          {},
          help};
}

}  // namespace

const Command& command_tree() {
  static const Command root = {
      "footman",
      "build agents that exist only while there is work",
      "A build is queued; exactly one agent is launched for it, runs it, streams its log and is gone.\n"
      "`footman COMMAND --help` tells more.",
      {{"footman up", "start a server on this machine"},
       {"footman run -- uname -a", "run a command as a build and see its log"},
       {"footman explain 17", "why does build 17 wait, or what happened to it?"}},
      {},
      {},
      {up_command(),        run_command(),     build_commands(),   job_commands(),    queue_command(),
       explain_command(),   agent_commands(),  cloud_commands(),   pool_commands(),   jenkins_commands(),
       reconcile_command(), cost_command(),    events_command(),   status_command(),  ui_command(),
       token_commands(),    config_commands(), doctor_command(),   import_commands(), iam_policy_command(),
       image_commands(),    backup_command(),  simulate_command(), demo_command(),    completion_command(),
       help_command(),      version_command()}};
  return root;
}

int run_in(Context& context, const std::vector<std::string>& words) {
  try {
    return run_words(context, words);
  } catch (const OutputClosed&) {
    return exit_no_reader;
  } catch (const std::exception& error) {
    show_error(context.err, {Errc::internal, error.what(), {}, {}}, false);
    return exit_refused;
  }
}

int run(const std::vector<std::string>& arguments, const Programs& programs) {
  const auto out = make_output(STDOUT_FILENO);
  const auto err = make_output(STDERR_FILENO);
  Context context{*out, *err, read_environment, read_standard_input, programs, &command_tree()};
  auto words = arguments;
  if (!words.empty()) words.erase(words.begin());
  if (words.size() == 1 && words.front() == "--version") words.front() = "version";
  return run_in(context, words);
}

std::string default_data_directory() { return default_data_directory(read_environment); }

}  // namespace footman::cli
