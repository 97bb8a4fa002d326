// Every documented field and parameter of every route, with what it must not be: the answer is an error that
// names it, never one of the server's own, and the server goes on.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>
#include <map>

#include "api/tests/description.hpp"
#include "api/tests/world.hpp"
#include "net/http_head.hpp"

using namespace footman::api;
using namespace footman::api::testing;
namespace json = boost::json;

namespace {

using Input = Description::Input;

constexpr std::size_t kHuge = 300'000;

// Bodies that are right, and have every documented field between them.
const std::map<std::string, std::vector<std::string>> kBodies = {
    {"POST /api/v1/jobs",
     {R"({"path":"new/job","description":"d","enabled":true,"spec":SPEC,"parameters":[{"name":"P","default":"a",)"
      R"("description":"d","choices":["a","b"]}],"quiet_period_ms":1,"max_concurrent":1,"keep_builds":1,)"
      R"("keep_for_ms":1})"}},
    {"PUT /api/v1/jobs/{path}",
     {R"({"description":"d","enabled":true,"spec":SPEC,"parameters":[{"name":"P","default":"a",)"
      R"("description":"d","choices":["a","b"]}],"quiet_period_ms":1,"max_concurrent":1,"keep_builds":1,)"
      R"("keep_for_ms":1})"}},
    {"POST /api/v1/builds",
     {R"({"spec":SPEC,"quiet_period_ms":1,"cause":"c"})", R"({"job":"team/app","parameters":{"P":"a"}})"}},
    {"POST /api/v1/builds/{id}/cancel", {R"({"reason":"r"})"}},
    {"POST /api/v1/agents/{id}/terminate", {R"({"reason":"r"})"}},
    {"POST /api/v1/clouds/{name}/pause", {R"({"reason":"r"})"}},
    {"POST /api/v1/tokens", {R"({"name":"t","access":"read"})"}},
    {"POST /api/v1/backup", {R"({"path":"/var/backup.db"})"}}};

std::string body_of(std::string text) {
  constexpr std::string_view kSpec =
      R"({"label":"x","env":[{"name":"A","value":"1"},{"name":"B","secret_ref":"env:B"}],"steps":[{"name":"n",)"
      R"("interpreter":"/bin/sh","script":"true","unstable_exit_status":3}],"timeout_ms":1000,"grace_ms":1000,)"
      R"("log_limit_bytes":4096,"retries":1})";
  if (const auto at = text.find("SPEC"); at != std::string::npos) text.replace(at, 4, kSpec);
  return text;
}

// "spec.steps[0].script" in the document, or null.
json::value* find_place(json::value& document, std::string_view path) {
  json::value* at = &document;
  while (!path.empty()) {
    const auto end = std::min(path.find('.'), path.size());
    auto name = path.substr(0, end);
    const auto bracket = std::min(name.find('['), name.size());
    const bool is_entry = bracket < name.size();
    name = name.substr(0, bracket);
    if (!at->is_object()) return nullptr;
    at = name == "{name}" ? at->as_object().if_contains("P") : at->as_object().if_contains(name);
    if (at != nullptr && is_entry)
      at = at->is_array() && !at->as_array().empty() ? &at->as_array()[0] : nullptr;
    if (at == nullptr) return nullptr;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return at;
}

std::vector<json::value> wrong_values(const Input& input, const json::value& right) {
  std::vector<json::value> wrong{nullptr};
  const auto add = [&](auto... values) { (wrong.emplace_back(std::move(values)), ...); };
  const std::uint64_t beyond = input.most.value_or(std::numeric_limits<std::uint64_t>::max() - 1) + 1;
  if (input.type != "string") add("x", "");
  if (input.type != "boolean") add(true);
  if (input.type != "array") add(json::array());
  if (input.type != "object") add(json::object());
  if (input.type != "integer") add(7, -1, 1.5);
  if (input.type == "integer") add(-1, std::numeric_limits<std::int64_t>::min(), 1.5, 1e30, beyond);
  if (input.type == "string") {
    wrong.emplace_back(std::string("a\0b", 3));
    wrong.emplace_back(std::string(input.most ? beyond : kHuge, 'a'));
    if (input.is_word) add("nonsense");
  }
  if (input.type == "array" && input.most)
    wrong.emplace_back(json::array(static_cast<std::size_t>(beyond), right.as_array().at(0)));
  if (input.type == "array") wrong.emplace_back(json::array{nullptr});
  return wrong;
}

// "spec.env[0].name" is named by itself, by what is inside of it, and by what it is inside of.
bool is_about(std::string field, std::string name) {
  if (const auto at = name.find("{name}"); at != std::string::npos) name.replace(at, 6, "P");
  return field == name || (!field.empty() && (field.starts_with(name) || name.starts_with(field)));
}

std::string cut(const std::string& text) { return text.substr(0, 200); }

void check_refused(World& world, const std::string& operation, const Input& input, const Answer& answer,
                   const std::string& what) {
  const auto told = fmt::format("{}: {} {} = {}", operation, input.where, input.name, cut(what));
  CHECK_MESSAGE((answer.status >= 400 && answer.status < 500), told, " gave ", answer.status);
  if (answer.status < 400) return;
  const auto error = answer.json().at("error").as_object();
  const auto field = error.contains("field") ? text_of(error.at("field")) : std::string();
  CHECK_MESSAGE(is_about(field, input.name), told, " is told as \"", field,
                "\": ", cut(text_of(error.at("message"))));
  CHECK_MESSAGE(answer.body.size() < 4096, told, " gave an answer of ", answer.body.size(), " bytes");
  CHECK(world.get("/api/v1/whoami").status == 200);
}

// A path with good values where it has parameters.
std::string target_of(const std::string& operation, const std::map<std::string, std::string>& values) {
  auto path = operation.substr(operation.find(' ') + 1);
  for (const auto& [name, value] : values)
    if (const auto at = path.find("{" + name + "}"); at != std::string::npos)
      path.replace(at, name.size() + 2, value);
  return path;
}

class Site {
 public:
  Site() {
    const auto job = body_of(kBodies.at("POST /api/v1/jobs").front());
    auto made = json::parse(job).as_object();
    made["path"] = "team/app";
    REQUIRE(world.post("/api/v1/jobs", json::serialize(made)).status == 201);
    world.submit();
  }
  Answer send(const std::string& operation, const std::string& target, std::string body = {},
              HeaderList headers = {}) {
    return world.request(operation.substr(0, operation.find(' ')), target, std::move(body),
                         std::move(headers));
  }
  std::string target(const std::string& operation, const std::string& parameter = {},
                     std::string value = {}) {
    std::map<std::string, std::string> values{{"path", "team/app"}, {"id", "1"}, {"name", "cloud"}};
    if (!parameter.empty()) values[parameter] = std::move(value);
    return target_of(operation, values);
  }

  World world;
  Description description;
};

}  // namespace

TEST_CASE("a body with a wrong field is refused with the field's name") {
  Site site;
  for (const auto& operation : site.description.operations()) {
    const auto inputs = site.description.inputs(operation);
    const bool has_body = std::ranges::any_of(inputs, [](const Input& one) { return one.where == "body"; });
    REQUIRE_MESSAGE(has_body == kBodies.contains(operation), operation);
    if (!has_body) continue;
    std::set<std::string> seen;
    for (const auto& text : kBodies.at(operation)) {
      const auto right = json::parse(body_of(text));
      for (const auto& input : inputs) {
        auto document = right;
        auto* place = input.where == "body" ? find_place(document, input.name) : nullptr;
        if (place == nullptr) continue;
        seen.insert(input.name);
        const auto kept = *place;
        for (const auto& wrong : wrong_values(input, kept)) {
          *place = wrong;
          const auto answer = site.send(operation, site.target(operation), json::serialize(document));
          check_refused(site.world, operation, input, answer, json::serialize(wrong));
        }
        *place = kept;
        if (!kept.is_object() || input.name == "parameters") continue;
        place->as_object()["nonsense"] = 1;
        const auto answer = site.send(operation, site.target(operation), json::serialize(document));
        check_refused(site.world, operation, input, answer, "with nonsense in it");
        place->as_object().erase("nonsense");
      }
    }
    for (const auto& input : inputs)
      CHECK_MESSAGE(
          (input.where != "body" || seen.contains(input.name) || input.name.ends_with("secret_ref")),
          operation, ": no body here has ", input.name);
  }
}

TEST_CASE("a document that is none is refused") {
  Site site;
  for (const auto& [operation, bodies] : kBodies)
    for (const auto& text : {std::string("{"), std::string("[]"), std::string("null"), std::string("7"),
                             std::string("\"x\""), std::string("\0", 1), std::string("{\"a\":1,\"a\":2}"),
                             std::string(1000, '['), std::string("\xff"), std::string(kHuge, ' ')}) {
      const auto answer = site.send(operation, site.target(operation), text);
      CHECK_MESSAGE((answer.status >= 400 && answer.status < 500), operation, " gave ", answer.status, " to ",
                    cut(text));
    }
}

TEST_CASE("a wrong parameter is refused with its name, and none is an error of the server") {
  Site site;
  const std::string nul = "a%00b";
  const std::string long_text(4000, 'a');
  const std::vector<std::string> numbers = {"x",    "-1",  "1.5", "99999999999999999999", "", "1e3",
                                            "%2B1", "0x1", " 1"};
  const std::vector<std::string> texts = {nul, long_text, "", "%FF", "..", "a%2Fb", "%25", "%22", "'"};
  for (const auto& operation : site.description.operations()) {
    if (operation.ends_with("/events")) continue;  // a stream: it has tests of its own
    for (const auto& input : site.description.inputs(operation)) {
      if (input.where != "query" && input.where != "path") continue;
      const bool strict = input.type == "integer" || input.type == "boolean" || input.is_word;
      for (const auto& value : input.type == "integer" ? numbers : texts) {
        const auto target = input.where == "path"
                                ? site.target(operation, input.name, value)
                                : fmt::format("{}?{}={}", site.target(operation), input.name, value);
        auto request = footman::net::HttpRequest();
        request.target = target;
        request.method = operation.substr(0, operation.find(' '));
        if (!footman::net::split_target(request)) continue;  // the server says 400 before the API sees it
        const auto body =
            kBodies.contains(operation) ? body_of(kBodies.at(operation).front()) : std::string();
        const auto answer = site.send(operation, target, body);
        const auto told =
            fmt::format("{}: {} gave {} {}", operation, cut(target), answer.status, cut(answer.body));
        CHECK_MESSAGE(answer.status < 500, told);
        CHECK_MESSAGE(answer.body.size() < 64 * 1024, cut(told));
        if (!strict || (input.where == "path" && value.empty())) continue;
        if (input.where == "path" || (input.type == "boolean" && value.empty())) {
          CHECK_MESSAGE((answer.status == 400 || answer.status == 404), told);
          continue;
        }
        check_refused(site.world, operation, input, answer, value);
      }
    }
  }
}

TEST_CASE("an Idempotency-Key is bounded") {
  Site site;
  const auto body = body_of(kBodies.at("POST /api/v1/builds").front());
  for (const auto& key : {std::string(), std::string(129, 'k')}) {
    const auto answer = site.world.post("/api/v1/builds", body, {{"Idempotency-Key", key}});
    CHECK_MESSAGE((answer.status == 201 || answer.error() == "400 invalid_argument Idempotency-Key"),
                  answer.status);
  }
  CHECK(site.world.post("/api/v1/builds", body, {{"Idempotency-Key", std::string(129, 'k')}}).error() ==
        "400 invalid_argument Idempotency-Key");
  CHECK(site.world.post("/api/v1/builds", body, {{"Idempotency-Key", std::string(128, 'k')}}).status == 201);
}
