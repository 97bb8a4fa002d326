// up, config, backup, status, token, ui, version
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>

#include "base/version.hpp"
#include "cli/config_file.hpp"
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/progress.hpp"
#include "cli/spec_options.hpp"

namespace footman::cli {
namespace {

// --- up

Result<int> up(Context& context, const Arguments& arguments) {
  UpOptions options;
  options.config_file = arguments.text("config");
  options.data_directory = arguments.text("data");
  options.listen = arguments.text("listen");
  options.agent_listen = arguments.text("agent-listen");
  options.tls_certificate = arguments.text("tls-certificate");
  options.tls_key = arguments.text("tls-key");
  options.json_log = arguments.has("json");
  options.debug_log = arguments.has("debug");
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return fail(Errc::invalid_argument, "--tls-certificate and --tls-key are given together");
  }
  return context.programs.up(std::move(options));
}

// --- config

json::object to_json(const config::Diagnostic& diagnostic) {
  json::object told{{"file", diagnostic.file}};
  if (diagnostic.at) {
    told["line"] = diagnostic.at->line;
    told["column"] = diagnostic.at->column;
  }
  told["message"] = config::describe_without_place(diagnostic);
  return told;
}

Result<int> check_config(Context& context, const Arguments& arguments) {
  FOOTMAN_TRY(const auto file, find_config_argument(arguments));
  const auto loaded = load_config(file, context.programs.find_region);
  const bool as_json = arguments.has("json");
  if (as_json) {
    json::array errors, warnings;
    if (loaded) {
      for (const auto& one : list_warnings(*loaded)) warnings.push_back(to_json(one));
    } else {
      for (const auto& error : loaded.error()) errors.push_back(to_json(error));
    }
    json::object answer{{"ok", loaded.has_value()}, {"file", loaded ? loaded->file : file}};
    answer["errors"] = std::move(errors);
    answer["warnings"] = std::move(warnings);
    context.out.write(pretty(answer));
    return loaded ? exit_ok : exit_usage;
  }
  if (!loaded) {
    for (const auto& error : loaded.error()) context.err.line(clean(config::describe(error)));
    return exit_usage;
  }
  std::size_t templates = 0;
  for (const auto& cloud : loaded->config.clouds) templates += cloud.templates.size();
  const auto found =
      loaded->file.empty() ? "no configuration file; the defaults are used" : loaded->file + " is good";
  context.out.line(fmt::format("{}: {} cloud{}, {} template{}", clean(found), loaded->config.clouds.size(),
                               loaded->config.clouds.size() == 1 ? "" : "s", templates,
                               templates == 1 ? "" : "s"));
  for (const auto& one : describe_warnings(*loaded)) context.err.line("warning: " + clean(one));
  return exit_ok;
}

Awaitable<Result<int>> reload_config(Session& session, const Arguments&) {
  Progress progress(session.err(), session.clock, session.executor, "the server reads its configuration");
  FOOTMAN_CO_TRY(const auto answer, co_await session.client.post("/reload", json::object()));
  progress.hide();
  if (session.json) {
    session.out().write(pretty(answer));
    co_return exit_ok;
  }
  const auto& changes = list_of(answer, "changes");
  if (changes.empty()) session.out().line("nothing changed");
  for (const auto& change : changes) {
    if (const auto* text = change.if_string()) session.out().line(clean({text->data(), text->size()}));
  }
  co_return exit_ok;
}

// --- backup

Awaitable<Result<int>> back_up(Session& session, const Arguments& arguments) {
  std::error_code error;
  const auto path = std::filesystem::absolute(arguments.text("PATH"), error).lexically_normal().string();
  if (error)
    co_return fail(Errc::invalid_argument, fmt::format("{}: {}", arguments.text("PATH"), error.message()));
  Progress progress(session.err(), session.clock, session.executor, "the server copies its database");
  FOOTMAN_CO_TRY(const auto answer, co_await session.client.post("/backup", json::object{{"path", path}}));
  progress.hide();
  if (session.json) {
    session.out().write(pretty(answer));
  } else {
    session.out().line(fmt::format("{} written in {}", clean(text_of(answer, "path")),
                                   format_duration(millis_of(answer, "took_ms").value_or(Duration(0)))));
  }
  co_return exit_ok;
}

// --- status

Awaitable<Result<int>> status(Session& session, const Arguments&) {
  FOOTMAN_CO_TRY(const auto server, co_await session.client.get("/server"));
  const bool ok = flag_of(server, "ok");
  const int code = ok ? exit_ok : exit_unavailable;
  if (session.json) {
    session.out().write(pretty(server));
    co_return code;
  }
  const auto& counts = part_of(server, "counts");
  Facts facts;
  facts.add("Server", session.client.url());
  facts.add("Version", text_of(server, "version"));
  facts.add("Installation", text_of(server, "installation"));
  facts.add("Running since", show_time(time_of(server, "started_at")));
  facts.add("Listens on", words_of(server, "listen"));
  facts.add("Agents connect to", text_of(server, "agent_url"));
  facts.add("Agent port", words_of(server, "agent_listen"));
  facts.add("Data directory", text_of(server, "data_directory"));
  facts.add("Waiting", number_text(counts, "queue_items"));
  facts.add("Agents", number_text(counts, "agents"));
  facts.add("Takes work", ok ? "yes" : "no");
  for (const auto& problem : list_of(server, "problems")) {
    if (const auto* text = problem.if_string()) facts.add("Problem", {text->data(), text->size()});
  }
  facts.print(session.out());
  co_return code;
}

// --- token

Awaitable<Result<int>> create_token(Session& session, const Arguments& arguments) {
  json::object body{{"name", arguments.text("NAME")}};
  if (arguments.has("access")) body["access"] = arguments.text("access");
  FOOTMAN_CO_TRY(const auto token, co_await session.client.post("/tokens", std::move(body)));
  if (session.json) {
    session.out().write(pretty(token));
  } else {
    session.out().line(clean(text_of(token, "token")));
    session.err().line("This is the only time that it is shown.");
  }
  co_return exit_ok;
}

Awaitable<Result<int>> list_tokens(Session& session, const Arguments&) {
  FOOTMAN_CO_TRY(const auto tokens, co_await session.client.get("/tokens"));
  if (session.json) {
    session.out().write(pretty(tokens));
    co_return exit_ok;
  }
  Table table({"NAME", "ACCESS", "CREATED", "NOTE"});
  for (const auto& token : list_of(tokens, "tokens")) {
    table.add({text_of(token, "name"), text_of(token, "access"), show_time(time_of(token, "created_at")),
               flag_of(token, "file") ? "of the file in the data directory" : ""});
  }
  table.print(session.out());
  co_return exit_ok;
}

Awaitable<Result<int>> revoke_token(Session& session, const Arguments& arguments) {
  const auto name = arguments.text("NAME");
  FOOTMAN_CO_TRY_STATUS(co_await session.client.remove("/tokens/" + net::percent_encode(name)));
  if (session.json) {
    session.out().write(pretty(json::object{{"revoked", name}}));
  } else {
    session.out().line(fmt::format("token {} is revoked", clean(name)));
  }
  co_return exit_ok;
}

// --- ui

Awaitable<Result<int>> ui(Session& session, const Arguments&) {
  FOOTMAN_CO_TRY(const auto link, co_await session.client.post("/sign-in-links", json::object()));
  const auto url = session.client.url() + clean(text_of(link, "path"));
  if (session.json) {
    session.out().write(pretty(json::object{{"url", url}, {"expires_at", text_of(link, "expires_at")}}));
    co_return exit_ok;
  }
  session.out().line(url);
  if (session.err().is_terminal()) {
    session.err().line(
        fmt::format("It signs one browser in, once, until {}.", show_time(time_of(link, "expires_at"))));
  }
  co_return exit_ok;
}

// --- version

Result<int> version(Context& context, const Arguments& arguments) {
  if (arguments.has("json")) {
    context.out.write(pretty(json::object{{"version", base::version()}}));
  } else {
    context.out.line(fmt::format("footman {}", base::version()));
  }
  return exit_ok;
}

}  // namespace

Command up_command() {
  return {"up",
          "run the server: controller, fleet, API and pages",
          "Without a configuration file, builds run on this machine. SIGTERM takes no more work and ends; "
          "running builds\n"
          "go on and are found again at the next start. SIGHUP reads the configuration again.",
          {{"footman up", "on 127.0.0.1:8080, data in ~/.local/share/footman"},
           {"footman up --config footman.yaml --data /var/lib/footman", "with a configuration"},
           {"footman up --listen 0.0.0.0:8443 --tls-certificate cert.pem --tls-key key.pem", "with HTTPS"},
           {"footman up --data /tmp/try --listen 127.0.0.1:0 --agent-listen 127.0.0.1:0",
            "on free ports, other ones at each start: agents of the start before are lost"}},
          {{"config", 'c', Value::file, "FILE",
            "configuration; else ./footman.yaml, else /etc/footman/footman.yaml"},
           {"data", 0, Value::directory, "DIR",
            "database, logs and keys; else data: of the configuration, FOOTMAN_DATA, the default"},
           {"listen", 0, Value::text, "ADDR:PORT",
            "for people, the API and agents by WebSocket (127.0.0.1:8080)"},
           {"agent-listen", 0, Value::text, "ADDR:PORT", "for agents by TCP (127.0.0.1:50000)"},
           {"tls-certificate", 0, Value::file, "FILE", "PEM: HTTPS instead of HTTP"},
           {"tls-key", 0, Value::file, "FILE", "PEM: its private key"},
           {"debug", 0, Value::none, "", "log more"}},
          {},
          {},
          up};
}

Command config_commands() {
  return {
      "config",
      "check the configuration, or have the server read it again",
      "",
      {{"footman config check footman.yaml", "before it is used"}},
      {},
      {},
      {
          {"check",
           "check a configuration file",
           "Prints file:line:column: message for everything that is wrong and ends with 2. Needs no server.",
           {{"footman config check", "./footman.yaml, else /etc/footman/footman.yaml"},
            {"footman config check --json new.yaml | jq '.errors[]'", "for programs"}},
           {config_option()},
           {config_argument()},
           {},
           check_config},
          {"reload",
           "have the server read its configuration again",
           "As SIGHUP: prints what changed. When the file is wrong, the old configuration stays.",
           {{"footman config reload", ""}},
           {},
           {},
           {},
           {},
           reload_config},
      }};
}

Command backup_command() {
  return {"backup",
          "copy the server's database while it is in use",
          "PATH is on the server's machine, and nothing may be there yet. Logs, and the keys in the data "
          "directory, are\n"
          "files of their own and not part of it.",
          {{"footman backup /var/backups/footman/$(date +%F).db", ""}},
          {},
          {{"PATH", "where the copy goes", Value::file}},
          {},
          {},
          back_up};
}

Command status_command() {
  return {"status",
          "which server this is and how it is",
          "Ends with 3 when the server takes no work.",
          {{"footman status", ""}},
          {},
          {},
          {},
          {},
          status};
}

Command token_commands() {
  const Argument name{"NAME", "the token's name"};
  return {"token",
          "create, list and revoke API tokens",
          "",
          {{"footman token list", ""}},
          {},
          {},
          {
              {"create",
               "create a token and print it",
               "It is shown this once; the server keeps only its hash.",
               {{"footman token create prometheus --access read", "for a program that only reads"}},
               {{"access", 0, Value::text, "ACCESS", "what it may do (admin)", false, {"read", "admin"}}},
               {name},
               {},
               {},
               create_token},
              {"list",
               "tokens, without their values",
               "",
               {{"footman token list", ""}},
               {},
               {},
               {},
               {},
               list_tokens},
              {"revoke",
               "revoke a token and end its browser sessions",
               "",
               {{"footman token revoke prometheus", ""}},
               {},
               {name},
               {},
               {},
               revoke_token},
          }};
}

Command ui_command() {
  return {"ui",
          "print a one-time link to the pages",
          "The link signs one browser in, with the access of your token.",
          {{"footman ui", ""}, {"xdg-open \"$(footman ui)\"", "open it"}},
          {},
          {},
          {},
          {},
          ui};
}

Command version_command() {
  return {"version", "which version this is", "", {{"footman version", ""}}, {}, {}, {}, version};
}

}  // namespace footman::cli
