// footman import: other programs' configurations as one of ours.
#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "cli/config_file.hpp"
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/json.hpp"
#include "cli/new_file.hpp"
#include "jcasc/import.hpp"

namespace footman::cli {
namespace {

Result<std::string> read_source(Context& context, const std::string& file) {
  if (file == "-") return context.read_input();
  auto text = read_config_file(file);
  if (!text) return fail(Errc::invalid_argument, fmt::format("{} {}", file, text.error().message), "FILE");
  return text;
}

void show(Context& context, const jcasc::Imported& imported, const std::string& output, bool as_json) {
  const auto described = [](const std::vector<config::Diagnostic>& all) {
    json::array lines;
    for (const auto& one : all) lines.push_back(json::value(config::describe(one)));
    return lines;
  };
  auto problems = described(imported.problems);
  auto left_out = described(imported.left_out);
  if (as_json) {
    json::object answer{{"clouds", imported.clouds},
                        {"templates", imported.templates},
                        {"to_fill_in", imported.to_fill_in},
                        {"problems", std::move(problems)},
                        {"left_out", std::move(left_out)}};
    if (output.empty()) answer["yaml"] = imported.yaml;
    return context.out.write(pretty(answer));
  }
  if (output.empty()) context.out.write(imported.yaml);
  for (const auto& one : left_out) context.err.line(clean(one.as_string()));
  for (const auto& problem : problems) context.err.line("still wrong: " + clean(problem.as_string()));
  context.err.line(
      fmt::format("{}, {}; {}", counted(imported.clouds, "cloud"), counted(imported.templates, "template"),
                  imported.to_fill_in == 0
                      ? "nothing to fill in"
                      : counted(imported.to_fill_in, "place") + " to fill in or decide: look for FILL IN"));
}

Result<int> import_jcasc(Context& context, const Arguments& arguments) {
  const auto file = arguments.text("FILE");
  const auto output = arguments.text("output");
  FOOTMAN_TRY(const auto text, read_source(context, file));
  const auto imported = jcasc::import_jcasc(text, file == "-" ? "standard input" : file);
  if (!imported) return fail(Errc::invalid_argument, config::describe(imported.error()));
  if (!output.empty()) FOOTMAN_TRY_STATUS(write_new_file(output, imported->yaml, "--output"));
  show(context, *imported, output, arguments.has("json"));
  return imported->problems.empty() ? exit_ok : exit_usage;
}

}  // namespace

Command import_commands() {
  return {
      "import",
      "make a footman.yaml from another program's configuration",
      "",
      {{"footman import jcasc jenkins.yaml --output footman.yaml", "from Jenkins' amazon-ecs-plugin"}},
      {},
      {},
      {{"jcasc",
        "from Jenkins' configuration as code",
        "Reads the clouds of amazon-ecs-plugin and prints a configuration that launches the same tasks. What "
        "changes its\n"
        "meaning, is left out or must be filled in is said in comments. Needs no server.",
        {{"footman import jcasc jenkins.yaml --output footman.yaml", "then: grep -n 'FILL IN' footman.yaml"},
         {"footman import jcasc - < jenkins.yaml", "to standard output"}},
        {{"output", 'o', Value::file, "FILE", "a new file; else standard output"}},
        {{"FILE", "Jenkins' YAML; -: standard input", Value::file}},
        {},
        import_jcasc}}};
}

}  // namespace footman::cli
