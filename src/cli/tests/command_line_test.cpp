// Parsing, help, completion, output: nothing that needs a server.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/tests/machine.hpp"
#include "cli/completion.hpp"
#include "cli/document.hpp"
#include "cli/help.hpp"
#include "cli/parser.hpp"
#include "cli/server_process.hpp"
#include "cli/spec_options.hpp"
#include "cli/tests/script_server.hpp"

using namespace footman;
using namespace footman::cli;
using namespace footman::cli::test;

namespace {

using Words = std::vector<std::string>;

std::string problem_with(const Words& words) {
  const auto line = parse_command_line(command_tree(), words);
  return line ? "none" : describe(line.error());
}

ParsedLine parsed(const Words& words) {
  auto line = parse_command_line(command_tree(), words);
  INFO((line ? std::string() : describe(line.error())));
  REQUIRE(line.has_value());
  return std::move(*line);
}

void walk(const Command& command, std::vector<const Command*> path,
          const std::function<void(const std::vector<const Command*>&)>& visit) {
  path.push_back(&command);
  visit(path);
  for (const auto& one : command.commands) walk(one, path, visit);
}

}  // namespace

TEST_CASE("options stand anywhere, in every form") {
  for (const auto& words : {Words{"build", "list", "--job", "a/b", "-n", "5", "--json"},
                            Words{"--json", "build", "list", "--job=a/b", "-n5"},
                            Words{"build", "--json", "list", "-j", "a/b", "--limit=5"}}) {
    const auto line = parsed(words);
    CHECK(name_of(line.path) == "footman build list");
    CHECK(line.arguments.text("job") == "a/b");
    CHECK(line.arguments.number("limit") == 5);
    CHECK(line.arguments.has("json"));
  }
  CHECK(parsed({"--data", "/d", "up"}).arguments.text("data") == "/d");
  CHECK(parsed({"run", "-e", "A=1", "--env", "B=2", "--", "x"}).arguments.list("env") == Words{"A=1", "B=2"});
  CHECK(parsed({"run", "-t", "1h30m", "x"}).arguments.duration("timeout") == std::chrono::minutes(90));
}

TEST_CASE("a command line is taken as it is") {
  CHECK(parsed({"run", "--", "make", "-j4", "--", "--label"}).arguments.list("COMMAND") ==
        Words{"make", "-j4", "--", "--label"});
  CHECK(parsed({"run", "-l", "linux", "make", "--json", "-q"}).arguments.list("COMMAND") ==
        Words{"make", "--json", "-q"});
  CHECK_FALSE(parsed({"run", "make", "--json"}).arguments.has("json"));
  CHECK(parsed({"build", "show", "--", "-5"}).arguments.text("BUILD") == "-5");
  CHECK(parsed({"job", "create", "-"}).arguments.text("FILE_OR_JOB") == "-");
  // What CLI11 reads as its own: names of commands, lists in brackets, the end of a command, help.
  const Words odd = {"run",   "[a,b]",  "[",  "++",    "A=", "--x=", "",
                     "build", "--help", "-h", "--url", "--", "---"};
  auto words = Words{"run", "--"};
  words.insert(words.end(), odd.begin(), odd.end());
  CHECK(parsed(words).arguments.list("COMMAND") == odd);
  words.erase(words.begin() + 1);
  CHECK(parsed(words).arguments.list("COMMAND") == odd);
}

TEST_CASE("an empty value is a value, and a value may look like anything") {
  const auto line =
      parsed({"run", "--label=", "--env=A=", "-e", "[x,y]", "-e", "build", "-e", "--json", "-e", "++", "x"});
  CHECK(line.arguments.list("label") == Words{""});
  CHECK(line.arguments.list("env") == Words{"A=", "[x,y]", "build", "--json", "++"});
  CHECK(line.arguments.list("COMMAND") == Words{"x"});
  CHECK_FALSE(line.arguments.has("json"));
}

TEST_CASE("help is given wherever it is asked for") {
  for (const auto& words :
       {Words{"build", "list", "-h"}, Words{"build", "list", "-n", "x", "--help"},
        Words{"build", "list", "--nonsense", "--help"}, Words{"build", "list", "extra", "-h"}}) {
    const auto line = parsed(words);
    CHECK(line.help);
    CHECK(name_of(line.path) == "footman build list");
  }
  CHECK(name_of(parsed({"--help", "build"}).path) == "footman");
  CHECK(name_of(parsed({"build", "show", "--help"}).path) == "footman build show");
}

TEST_CASE("wrong usage is one sentence that says what to do") {
  CHECK(problem_with({"biuld"}) == "footman has no command \"biuld\". Did you mean \"build\"?");
  CHECK(problem_with({"frobnicate"}) == "footman has no command \"frobnicate\". See footman --help");
  CHECK(problem_with({"build"}) ==
        "footman build needs a command: start, list, show, cancel, logs, trace. See footman build --help");
  CHECK(problem_with({"run", "--labl", "x"}) == "footman run has no option --labl. Did you mean --label?");
  CHECK(problem_with({"run", "-z"}) == "footman run has no option -z. See footman run --help");
  CHECK(problem_with({"run", "--label"}) == "--label needs a value: --label EXPR. See footman run --help");
  CHECK(problem_with({"run", "--quiet=yes"}) == "--quiet: no value was expected, not \"yes\"");
  CHECK(problem_with({"run", "-t", "soon", "x"}) ==
        "--timeout: a duration such as 30s, 10m or 1h30m was expected, not \"soon\"");
  CHECK(problem_with({"build", "list", "-n", "-1"}) == "--limit: a whole number was expected, not \"-1\"");
  CHECK(problem_with({"build", "list", "-s", "done"}) ==
        "--state: one of queued, running, finished was expected, not \"done\"");
  CHECK(problem_with({"build", "list", "-n", "1", "--limit", "2"}) ==
        "--limit was given twice. See footman build list --help");
  CHECK(problem_with({"build", "show"}) ==
        "footman build show needs BUILD: a build's id such as 17, or JOB#NUMBER such as team/app#3. See "
        "footman "
        "build show --help");
  CHECK(problem_with({"queue", "extra"}) ==
        "footman queue does not know what to do with \"extra\". See footman queue --help");
  CHECK(problem_with({"queue", "a=", "--url"}) ==
        "footman queue does not know what to do with \"a=\". See footman queue --help");
  CHECK(problem_with({"--url", "http://x", "version"}) ==
        "footman version has no option --url. See footman version --help");
  CHECK(problem_with({"--url", "a", "build", "list", "--url", "b"}) ==
        "--url was given twice. See footman build list --help");
  CHECK(problem_with({"run", "-ql"}) == "-l needs a value: -l EXPR. See footman run --help");
  CHECK(problem_with({"--jsn", "biuld", "list"}) == "footman has no option --jsn. Did you mean --json?");
  CHECK(problem_with({"biuld", "run", "x"}) == "footman has no command \"biuld\". Did you mean \"build\"?");
  CHECK(problem_with({"build", "show", "--jsno"}) ==
        "footman build show has no option --jsno. Did you mean --json?");
  CHECK(problem_with({"build", "show", "5", "--", "--json"}) ==
        "footman build show does not know what to do with \"--json\". See footman build show --help");
  CHECK(problem_with({"--", "build", "list"}) == "footman has no command \"--\". See footman --help");
  CHECK(problem_with({"completion", "tcsh"}) == "SHELL: one of bash, zsh, fish was expected, not \"tcsh\"");

  const auto ran = run_footman({"build", "lst"});
  CHECK(ran.code == exit_usage);
  CHECK(ran.out.empty());
  CHECK(ran.err == "footman: footman build has no command \"lst\". Did you mean \"list\"?\n");
  const auto as_json = run_footman({"build", "lst", "--json"});
  CHECK(as_json.code == exit_usage);
  CHECK(as_json.err.starts_with(
      R"({"error":{"code":"invalid_argument","message":"footman build has no command)"));
  CHECK(run_footman({}).code == exit_usage);
}

TEST_CASE("every command has help with an example, and --json") {
  std::set<std::string> seen;
  walk(command_tree(), {}, [&](const std::vector<const Command*>& path) {
    const auto& command = *path.back();
    const auto name = name_of(path);
    CAPTURE(name);
    CHECK(seen.insert(name).second);
    CHECK_FALSE(command.summary.empty());
    CHECK_FALSE(command.summary.ends_with("."));
    REQUIRE_FALSE(command.examples.empty());
    for (const auto& example : command.examples) {
      CHECK_MESSAGE(example.line.find("footman") != std::string::npos, example.line);
    }
    const bool is_group = !command.commands.empty();
    const bool runs = command.local || command.client != nullptr;
    CHECK(is_group != runs);
    std::set<std::string> options;
    std::set<char> letters;
    for (const auto* option : options_of(command)) {
      CAPTURE(option->name);
      CHECK(options.insert(option->name).second);
      if (option->letter != 0) CHECK(letters.insert(option->letter).second);
      CHECK((option->value == Value::none) == option->placeholder.empty());
      CHECK_FALSE(option->help.empty());
    }
    CHECK(options.contains("json"));

    Words words;
    for (std::size_t i = 1; i < path.size(); ++i) words.push_back(path[i]->name);
    words.emplace_back("--help");
    const auto ran = run_footman(words);
    CHECK(ran.code == exit_ok);
    CHECK(ran.err.empty());
    CHECK(ran.out.starts_with(name + ": "));
    CHECK(ran.out.find("\nUsage\n") != std::string::npos);
    CHECK(ran.out.find("\nExamples\n") != std::string::npos);
    std::istringstream lines(ran.out);
    for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(width_of(line) <= 120, line);
  });
  CHECK(seen.size() > 25);
}

TEST_CASE("examples of footman's commands can be parsed") {
  walk(command_tree(), {}, [&](const std::vector<const Command*>& path) {
    for (const auto& example : path.back()->examples) {
      // Only those that are one plain call.
      if (!example.line.starts_with("footman ") ||
          example.line.find_first_of("|$;<>'\"") != std::string::npos)
        continue;
      std::istringstream in(example.line);
      Words words;
      for (std::string word; in >> word;) words.push_back(word);
      words.erase(words.begin());
      CHECK_MESSAGE(parse_command_line(command_tree(), words).has_value(), example.line);
    }
  });
}

TEST_CASE("docs/CLI.md holds the reference that the tree of commands gives") {
  std::ostringstream text;
  text << std::ifstream(FOOTMAN_SOURCE_DIR "/docs/CLI.md").rdbuf();
  const auto reference = describe_commands(command_tree());
  INFO("replace the reference in docs/CLI.md by:\n", reference);
  CHECK(text.str().find(reference) != std::string::npos);
}

TEST_CASE("help of the program tells the exit codes") {
  const auto ran = run_footman({"--help"});
  CHECK(ran.code == exit_ok);
  for (const auto& [code, meaning] : kExitCodes)
    CHECK(ran.out.find(std::string(meaning)) != std::string::npos);
}

std::string output_of(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> text{};
  const auto size = std::fread(text.data(), 1, text.size(), pipe);
  ::pclose(pipe);
  return std::string(text.data(), size == 0 ? 0 : size - 1);
}

bool has_shell(const std::string& name) {
  return base::tests::machine_has(std::filesystem::exists("/usr/bin/" + name), name);
}

TEST_CASE("bash completes commands, options and values") {
  if (!has_shell("bash")) return;
  const Place place("completion");
  const auto script = place.file("footman.bash", completion_script(command_tree(), "bash"));
  const auto complete = [&](const std::string& words) {
    const auto file = place.file(
        "run.bash",
        fmt::format("source {}; COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _footman; echo "
                    "\"${{COMPREPLY[*]}}\"",
                    script, words));
    return output_of("/usr/bin/bash --norc --noprofile " + file);
  };
  CHECK(complete("footman bui").starts_with("build"));
  CHECK(complete("footman build ''").starts_with("start list show cancel logs"));
  CHECK(complete("footman build list --st") == "--state");
  CHECK(complete("footman build list --state ''") == "queued running finished");
  CHECK(complete("footman build list -s ru") == "running");
  CHECK(complete("footman completion f") == "fish");
  CHECK(complete("footman --json agent li") == "list");
  CHECK(complete("footman run -- ma").empty());
  CHECK(complete(fmt::format("footman up --config {}/foot", place.path)) == place.path + "/footman.bash");
}

TEST_CASE("zsh completes, sourced and from $fpath, there with the first call, too") {
  if (!has_shell("zsh")) return;
  const Place place("completion-zsh");
  const auto script = place.file("_footman", completion_script(command_tree(), "zsh"));
  // What zsh's completion system would be given.
  const std::string system =
      "compdef() { :; }; compadd() { print -r -- ${@[2,-1]}; }; _files() { print files $@; }; ";
  const std::vector<std::string> ways = {"source " + script + "; ",
                                         fmt::format("fpath=({}); autoload -Uz _footman; ", place.path)};
  for (const auto& way : ways) {
    CAPTURE(way);
    const auto complete = [&](const std::string& words) {
      const auto file = place.file(
          "run.zsh", fmt::format("{}{}words=({}); CURRENT=${{#words}}; _footman", system, way, words));
      return output_of("/usr/bin/zsh -f " + file);
    };
    CHECK(complete("footman ''").starts_with("up run build "));
    CHECK(complete("footman build ''") == "start list show cancel logs trace --json --help");
    CHECK(complete("footman build list --state ''") == "queued running finished");
    CHECK(complete("footman --json agent ''").starts_with("list show "));
    CHECK(complete("footman run -- ''").empty());
    CHECK(complete("footman up --data ''") == "files -/");
  }
}

TEST_CASE("fish completes commands, options and values") {
  if (!has_shell("fish")) return;
  const Place place("completion-fish");
  const auto script = place.file("footman.fish", completion_script(command_tree(), "fish"));
  const auto complete = [&](const std::string& line) {
    const auto file =
        place.file("run.fish", fmt::format("source {}; complete -C '{}' | string replace -r '\\t.*' '' "
                                           "| string join ' '",
                                           script, line));
    return output_of(fmt::format("cd {0}; HOME={0} /usr/bin/fish --no-config {1}", place.path, file));
  };
  CHECK(complete("footman bui") == "build");
  CHECK(complete("footman build ") == "cancel list logs show start trace");
  CHECK(complete("footman build list --st") == "--state");
  CHECK(complete("footman build list --state ") == "finished queued running");
  CHECK(complete("footman build list -s ru") == "running");
  CHECK(complete("footman completion f") == "fish");
  CHECK(complete("footman --json agent li") == "list");
  CHECK(complete("footman --url http://x build can") == "cancel");  // an option's value is no command
  CHECK(complete("footman config check ch").empty());               // a command comes once
  CHECK(complete("footman run -- ma").empty());
  CHECK(complete("footman up --config foot") == "footman.fish");
}

TEST_CASE("completion knows every command in every shell") {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const auto ran = run_footman({"completion", shell});
    CHECK(ran.code == exit_ok);
    walk(command_tree(), {}, [&](const std::vector<const Command*>& path) {
      CHECK_MESSAGE(ran.out.find(path.back()->name) != std::string::npos, path.back()->name);
    });
  }
}

TEST_CASE("tables are aligned, cut at the terminal's edge, and harmless") {
  Table table({"ID", "TITLE", "WHY"});
  table.add({"1", "übung", "short"});
  table.add({"200", "", "\x1b[31mred\nline \xC2\x9B long enough to be cut"});
  TextOutput file;
  table.print(file);
  CHECK(file.text() ==
        "ID   TITLE  WHY\n"
        "1    übung  short\n"
        "200  -      ?[31mred line ? long enough to be cut\n");
  TextOutput narrow(true, 30);
  table.print(narrow);
  CHECK(narrow.text().find("?[31mred line ? l…") != std::string::npos);
  CHECK(narrow.text().find("\x1b[1mID\x1b[0m") != std::string::npos);
}

TEST_CASE("times carry their zone") {
  ::setenv("TZ", "CET-1", 1);
  ::tzset();
  CHECK(show_time(*base::parse_rfc3339("2026-11-24T08:40:15.123Z")) == "2026-11-24 09:40:15 CET");
  ::setenv("TZ", "UTC0", 1);
  ::tzset();
  CHECK(show_time(*base::parse_rfc3339("2026-11-24T08:40:15.123Z")) == "2026-11-24 08:40:15 UTC");
  CHECK(show_exact_time(*base::parse_rfc3339("2026-11-24T08:40:15.023Z")) == "2026-11-24 08:40:15.023 UTC");
  CHECK(show_time({}) == "-");
}

TEST_CASE("a command with arguments becomes a script that passes them unchanged") {
  CHECK(script_of({"make test && echo $HOME"}) == "make test && echo $HOME");
  CHECK(script_of({"make", "-j4", "all"}) == "make -j4 all");
  CHECK(script_of({"echo", "a b", "it's", "$HOME", "", "x;y"}) == R"(echo 'a b' 'it'\''s' '$HOME' '' 'x;y')");
}

TEST_CASE("jobs in YAML are what they look like") {
  const auto value = parse_document(
      "path: team/app\nspec:\n  timeout_ms: 5000\n  steps:\n    - script: |\n        make\n"
      "enabled: false\ndescription: \"5\"\nnote: 1.5\n",
      "job.yaml");
  REQUIRE(value.has_value());
  CHECK(json::serialize(*value) ==
        R"({"path":"team/app","spec":{"timeout_ms":5000,"steps":[{"script":"make\n"}]},"enabled":false,)"
        R"("description":"5","note":"1.5"})");
  CHECK(parse_document(R"({"a": 1, "b": {"a": 2}, "a": 3})", "job.json").error().message ==
        "job.json: the key \"a\" is there twice in one object");
  CHECK(parse_document("a: [1\n", "job.yaml").error().message.starts_with("job.yaml:"));
  CHECK(json::serialize(*parse_document(" {\"a\": \"\\u00e9\", \"b\": 2}", "x")) == "{\"a\":\"é\",\"b\":2}");
}

TEST_CASE("import jcasc: what is printed is a configuration, and no file is written over") {
  char folder[] = "/tmp/footman-cli-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string at = folder;
  const std::string source = FOOTMAN_SOURCE_DIR "/src/jcasc/tests/samples/fargate_blog.yaml";
  const auto printed = run_footman({"import", "jcasc", source});
  CHECK(printed.code == exit_ok);
  CHECK(printed.out.find("  - name: ecs-fargate\n") != std::string::npos);
  CHECK(printed.err == "1 cloud, 1 template; 3 places to fill in or decide: look for FILL IN\n");

  const auto file = at + "/footman.yaml";
  const auto written = run_footman({"import", "jcasc", source, "--output", file, "--json"});
  CHECK(written.code == exit_ok);
  CHECK(written.out.find("\"to_fill_in\": 3") != std::string::npos);
  CHECK(run_footman({"config", "check", file}).code == exit_ok);
  const auto again = run_footman({"import", "jcasc", source, "-o", file});
  CHECK(again.code == exit_usage);
  CHECK(again.err.find("is there already") != std::string::npos);

  CHECK(run_footman({"import", "jcasc", at + "/none"}).code == exit_usage);
  CHECK(run_footman({"import", "jcasc", file}).err.find("none of the clouds is of amazon-ecs-plugin") !=
        std::string::npos);
  CHECK(run_footman({"import", "jcasc", source, "-o", at + "/no/such"}).code == exit_usage);
  std::filesystem::remove_all(at);
}

TEST_CASE("iam-policy: for one cloud of the file; what it lacks is told") {
  const Place place("iam-policy");
  const auto write = [&](const std::string& name, const std::string& clouds) {
    return place.file(name, "agent_url: wss://ci.example.com\nclouds: [" + clouds + "]\n");
  };
  const auto cloud = [](std::string_view name, std::string_view more) {
    return fmt::format(
        "{{name: {0}, type: ecs, ecs: {{{1}}}, templates: [{{name: t-{0}, ecs: {{"
        "task_definition: ci, agent: {{delivery: image}}, subnets: [subnet-0a1b2c3d]}}}}]}}",
        name, more);
  };
  const auto one = write("one.yaml", cloud("a", "region: eu-central-1"));
  CHECK(run_footman({"iam-policy", one}).err.find("--account") != std::string::npos);
  const auto printed = run_footman({"iam-policy", one, "--account", "123456789012"});
  CHECK(printed.code == exit_ok);
  CHECK(printed.out.find("arn:aws:ecs:eu-central-1:123456789012:task-definition/ci:*") != std::string::npos);
  CHECK(printed.err.starts_with("note: the template 't-a' uses the task definition ci"));
  CHECK(run_footman({"iam-policy", "-c", one, "--account", "123456789012"}).out == printed.out);
  CHECK(run_footman({"iam-policy", one, "--account", "12"}).code == exit_usage);

  const auto two =
      write("two.yaml", cloud("a", "region: eu-central-1") + ", " +
                            cloud("b", "cluster: 'arn:aws:ecs:eu-west-1:123456789012:cluster/ci'"));
  CHECK(run_footman({"iam-policy", two}).err.find("several clouds of type ecs") != std::string::npos);
  CHECK(run_footman({"iam-policy", two, "--cloud", "c"}).err.find("no cloud 'c'") != std::string::npos);
  CHECK(run_footman({"iam-policy", two, "--cloud", "b"}).err.find("AWS_REGION") != std::string::npos);
  const auto none = write("none.yaml", "{name: here, type: local, templates: [{name: small}]}");
  CHECK(run_footman({"iam-policy", none}).code == exit_usage);
}

TEST_CASE("config check shows every place") {
  const Place place("config");
  const auto bad = place.file("bad.yaml", "listn: 1\nsession:\n  lease: soon\n");
  const auto ran = run_footman({"config", "check", bad});
  CHECK(ran.code == exit_usage);
  CHECK(ran.err.find(bad + ":1:1: ") != std::string::npos);
  CHECK(ran.err.find(bad + ":3:10: ") != std::string::npos);
  const auto as_json = run_footman({"config", "check", "--json", bad});
  CHECK(as_json.code == exit_usage);
  CHECK(as_json.out.find(R"("line": 3)") != std::string::npos);
  CHECK(as_json.out.find(R"("ok": false)") != std::string::npos);
  const auto heir = place.file(
      "heir.yaml",
      "clouds:\n- name: c\n  type: ecs\n  agent_url: wss://x\n  ecs: {region: eu-central-1}\n  templates:\n"
      "  - {name: base, abstract: true, ecs: {image: a, subnets: [subnet-0a], capacity: EC2,\n"
      "      agent: {carrier_image: x}, container_memory: 1 GiB}}\n"
      "  - {name: big, extends: base}\n");
  const auto whose = "(in template 'big', line 9, which inherits it from 'base')";
  CHECK(run_footman({"config", "check", heir}).err.find(whose) != std::string::npos);
  CHECK(run_footman({"config", "check", "--json", heir}).out.find(whose) != std::string::npos);
  const auto good = place.file("good.yaml", "listen: 127.0.0.1:9000\n");
  const auto fine = run_footman({"config", "check", good});
  CHECK(fine.code == exit_ok);
  CHECK(fine.out == good + " is good: 1 cloud, 1 template\n");
  const auto missing = run_footman({"config", "check", place.path + "/none.yaml"});
  CHECK(missing.code == exit_usage);
  CHECK(missing.err == place.path + "/none.yaml: does not exist\n");
}

TEST_CASE("config check warns of what it allows, with the place of files that are missing") {
  const Place place("config-doubts");
  const auto there = place.file("there.pem", "x");
  const auto file =
      place.file("doubts.yaml", "tls:\n  certificate: " + place.path + "/no.pem\n  key: " + there +
                                    "\nclouds:\n- name: a\n  type: local\n  agent_binary: " + place.path +
                                    "/no-agent\n");
  const auto ran = run_footman({"config", "check", file});
  CHECK(ran.code == exit_ok);
  CHECK(ran.err ==
        "warning: " + file + ":2:16: 'certificate': " + place.path +
            "/no.pem does not exist\nwarning: " + file + ":7:17: 'agent_binary': " + place.path +
            "/no-agent does not exist\nwarning: the cloud 'a' has no templates: it launches no agents\n");
  const auto as_json = run_footman({"config", "check", "--json", file});
  CHECK(as_json.code == exit_ok);
  CHECK(as_json.out.find(R"("line": 7)") != std::string::npos);
  CHECK(as_json.out.find("has no templates") != std::string::npos);
}

TEST_CASE("config check warns of secrets that every user can read") {
  const Place place("config-secrets");
  const auto token = place.file("token", "secret\n");
  const auto file = place.file(
      "secrets.yaml",
      "jenkins:\n- name: ci\n  url: https://ci.example/\n  user: footman\n  token: file:" + token +
          "\nclouds:\n- name: a\n  type: local\n  templates:\n  - name: l\n    env: {NPM: file:" + token +
          "}\n");
  using std::filesystem::perms;
  std::filesystem::permissions(token, perms(0644));
  CHECK(run_footman({"config", "check", file}).err == "");  // nobody else is let into its folder
  std::filesystem::permissions(place.path, perms(0755));
  const auto open = "every user of this machine can read " + token +
                    " (mode 0644): let it be the server's user's alone, with chmod 600\n";
  CHECK(run_footman({"config", "check", file}).err ==
        "warning: " + file + ":5:10: 'token': " + open + "warning: " + file + ":11:16: 'NPM': " + open);
  std::filesystem::permissions(token, perms(0640));
  CHECK(run_footman({"config", "check", file}).err == "");
}

TEST_CASE("config check warns of authorities that no launch on ECS can carry") {
  const Place place("config-authorities");
  const auto large = place.file("large.pem", std::string(100, 'x') + std::string(3100, '\n'));  // as \n
  const auto small = place.file("small.pem", std::string(6000, 'x'));
  const auto key = place.file("key.pem", "x");
  const auto check = [&](const std::string& ca, const std::string& type) {
    return run_footman(
               {"config", "check",
                place.file("footman.yaml", "tls:\n  certificate: " + large + "\n  key: " + key + "\n" + ca +
                                               "clouds:\n- name: a\n  type: " + type + "\n")})
        .err;
  };
  const auto ecs = "ecs\n  ecs: {region: eu-west-1, cluster: c}\n";
  const auto warning = [&](const std::string& at, const std::string& name) {
    return at + ": '" + name + "': " + large + " is too large for agents on ECS, which takes 8192 characters";
  };
  CHECK(check("", ecs).find(warning(":2:16", "certificate")) != std::string::npos);
  CHECK(check("  ca: " + large + "\n", ecs).find(warning(":4:7", "ca")) != std::string::npos);
  CHECK(check("  ca: " + small + "\n", ecs).find("too large") == std::string::npos);
  CHECK(check("", "local\n").find("too large") == std::string::npos);
}

TEST_CASE("help tells what --help tells") {
  CHECK(run_footman({"help"}).out == run_footman({"--help"}).out);
  CHECK(run_footman({"help", "build", "logs"}).out == run_footman({"build", "logs", "--help"}).out);
  const auto unknown = run_footman({"help", "build", "log"});
  CHECK(unknown.code == exit_usage);
  CHECK(unknown.err == "footman: footman build has no command \"log\". See footman build --help\n");
}

TEST_CASE("up hands its options to the server") {
  UpOptions seen;
  const Programs programs{[&](UpOptions options) {
    seen = std::move(options);
    return static_cast<int>(exit_environment);
  }};
  TextOutput out;
  TextOutput err;
  const Words words = {"up", "--config",       "f.yaml", "--data", "/d",      "--listen",
                       ":1", "--agent-listen", "a:2",    "--json", "--debug", "--tls-certificate",
                       "c",  "--tls-key",      "k"};
  CHECK(run_words(out, err, words, {}, {}, programs) == exit_environment);
  CHECK(seen.config_file == "f.yaml");
  CHECK(seen.data_directory == "/d");
  CHECK(seen.listen == ":1");
  CHECK(seen.agent_listen == "a:2");
  CHECK(seen.tls_certificate == "c");
  CHECK(seen.tls_key == "k");
  CHECK(seen.json_log);
  CHECK(seen.debug_log);
  CHECK(run_words(out, err, {"up", "--tls-key", "k"}, {}, {}, programs) == exit_usage);
}

TEST_CASE("version") {
  CHECK(run_footman({"version"}).out.starts_with("footman 0."));
  CHECK(run_footman({"version", "--json"}).out.find("\"version\": \"0.") != std::string::npos);
}
