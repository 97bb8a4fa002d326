// Jobs over the API.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "api/tests/world.hpp"

using namespace footman::api::testing;

namespace {
constexpr auto kSpec = R"("spec":{"steps":[{"script":"true"}]})";

std::string job_body(const std::string& path) { return fmt::format(R"({{"path":"{}",{}}})", path, kSpec); }
std::vector<std::string> paths_of(const json::object& list) {
  std::vector<std::string> paths;
  for (const auto& job : list.at("jobs").as_array()) paths.emplace_back(job.at("path").as_string());
  return paths;
}
}  // namespace

TEST_CASE("a job is created, told, replaced and deleted") {
  World world;
  const auto made = world.post("/api/v1/jobs", job_body("team/app"));
  CHECK(made.status == 201);
  CHECK(made.header("Location") == "/api/v1/jobs/team%2Fapp");
  CHECK(made.json().at("spec").at("grace_ms") == 10'000);
  CHECK(made.json().at("next_number") == 1);
  CHECK(world.post("/api/v1/jobs", job_body("team/app")).error() == "409 already_exists path");

  for (const auto* target : {"/api/v1/jobs/team/app", "/api/v1/jobs/team%2Fapp", "/api/v1/jobs/team%2fapp"})
    CHECK(world.get(target).json() == made.json());

  world.advance(footman::base::Duration(5'000'000));
  const auto replaced = world.request(
      "PUT", "/api/v1/jobs/team/app",
      R"x({"description":"new","spec":{"label":"linux&&(x)","timeout_ms":5000,"steps":[{"script":"make"}]}})x");
  CHECK(replaced.status == 200);
  CHECK(replaced.json().at("description") == "new");
  CHECK(replaced.json().at("spec").at("label") == "linux&&x");  // as Jenkins writes it
  CHECK(replaced.json().at("created_at") == made.json().at("created_at"));
  CHECK(replaced.json().at("changed_at") != made.json().at("changed_at"));

  CHECK(world.request("DELETE", "/api/v1/jobs/team/app").status == 204);
  CHECK(world.request("DELETE", "/api/v1/jobs/team/app").error() == "404 not_found");
  CHECK(world.get("/api/v1/jobs/team/app").error() == "404 not_found");
}

TEST_CASE("a name that nobody has is told with the nearest that somebody has") {
  World world;
  REQUIRE(world.post("/api/v1/jobs", job_body("team/app")).status == 201);
  const auto hint = [](const Answer& answer) {
    CHECK(answer.status == 404);
    const auto error = answer.json().at("error").as_object();
    return error.contains("hint") ? text_of(error.at("hint")) : std::string();
  };
  CHECK(hint(world.get("/api/v1/jobs/app")) == "Did you mean 'team/app'?");
  CHECK(hint(world.request("DELETE", "/api/v1/jobs/team/ap")) == "Did you mean 'team/app'?");
  const auto submitted = world.post("/api/v1/builds", R"({"job":"taem/app"})");
  CHECK(submitted.error() == "404 not_found job");
  CHECK(hint(submitted) == "Did you mean 'team/app'?");
  CHECK(hint(world.get("/api/v1/jobs/quite-another")).empty());
  CHECK(hint(world.post("/api/v1/clouds/clodu/pause")) == "Did you mean 'cloud'?");
  world.keep_ready(1);
  world.advance(footman::base::Duration(1'000'000));
  const auto agents = world.get("/api/v1/agents").json().at("agents").as_array();
  REQUIRE(agents.size() == 1);
  const auto id = text_of(agents[0].at("id"));
  const auto meant = fmt::format("Did you mean '{}'?", id);
  auto near = id;
  near.back() = near.back() == 'x' ? 'y' : 'x';
  CHECK(hint(world.get("/api/v1/agents/" + near)) == meant);
  CHECK(hint(world.post("/api/v1/agents/" + near + "/drain")) == meant);
  CHECK(hint(world.post("/api/v1/agents/" + near + "/terminate")) == meant);
}

TEST_CASE("put makes what is not there yet") {
  World world;
  const auto body = fmt::format("{{{}}}", kSpec);
  const auto made = world.request("PUT", "/api/v1/jobs/a%2Fb", body);
  CHECK(made.status == 201);
  CHECK(made.json().at("path") == "a/b");
  CHECK(world.request("PUT", "/api/v1/jobs/a/b", body).status == 200);
}

TEST_CASE("a job with builds under way is not deleted") {
  World world;
  REQUIRE(world.post("/api/v1/jobs", job_body("app")).status == 201);
  REQUIRE(world.post("/api/v1/builds", R"({"job":"app"})").status == 201);
  CHECK(world.request("DELETE", "/api/v1/jobs/app").error() == "409 conflict");
}

TEST_CASE("what is wrong with a job is said in the API's names") {
  World world;
  const auto error_of = [&](const std::string& inside) {
    return world.post("/api/v1/jobs", fmt::format(R"({{"path":"app",{}}})", inside)).error();
  };
  CHECK(error_of(R"("spec":{"steps":[{"script":"a"},{"script":""}]})") ==
        "400 invalid_argument spec.steps[1].script");
  CHECK(error_of(R"("spec":{"steps":[]})") == "400 invalid_argument spec.steps");
  CHECK(error_of(R"("spec":{"steps":[{"script":"a"}],"label":"a &&"})") == "400 invalid_argument spec.label");
  CHECK(error_of(R"("spec":{"steps":[{"script":"a"}],"timeout_ms":2592000000})") ==
        "400 invalid_argument spec.timeout_ms");  // the server's own limit is lower
  // A name that is none here is told as it was written.
  CHECK(error_of(R"("spec":{"steps":[{"script":"a"}],"timeout":1})") == "400 invalid_argument spec.timeout");
  CHECK(error_of(R"("spec":{"steps":[{"script":"a"}],"grace":"1s"})") == "400 invalid_argument spec.grace");
  CHECK(error_of(R"("spec":{"steps":[{"script":"a"}]},"quiet_period":1)") ==
        "400 invalid_argument quiet_period");
  CHECK(error_of(R"("spec":{"steps":[{"script":"a"}]},"keep_for":1)") == "400 invalid_argument keep_for");
  CHECK(error_of(R"("spec":{"steps":[{"script":"a"}],"env":[{"name":"A","secret_ref":"the secret"}]})") ==
        "400 invalid_argument spec.env[0].secret_ref");
  CHECK(error_of(R"("spec":{"steps":[{"script":"a"}]},"parameters":[{"name":"1x"}])") ==
        "400 invalid_argument parameters[0].name");
  CHECK(world.post("/api/v1/jobs", job_body("a//b")).error() == "400 invalid_argument path");
  CHECK(world.post("/api/v1/jobs", job_body("..")).error() == "400 invalid_argument path");
  CHECK(world.request("PUT", "/api/v1/jobs/a%25b", fmt::format("{{{}}}", kSpec)).error() ==
        "400 invalid_argument path");
  CHECK(world.post("/api/v1/jobs", "{").error() == "400 invalid_argument");
  const auto long_script = std::string(300 * 1024, 'x');
  CHECK(error_of(fmt::format(R"("spec":{{"steps":[{{"script":"{}"}}]}})", long_script)) ==
        "400 resource_exhausted spec.steps[0].script");
}

TEST_CASE("secrets are told as references") {
  World world;
  const auto made =
      world.post("/api/v1/jobs",
                 R"({"path":"app","spec":{"env":[{"name":"A","secret_ref":"env:A"},{"name":"B","value":""}],)"
                 R"("steps":[{"script":"true"}]}})");
  REQUIRE(made.status == 201);
  const auto env = made.json().at("spec").at("env").as_array();
  CHECK(env.at(0) == json::object{{"name", "A"}, {"secret_ref", "env:A"}});
  CHECK(env.at(1) == json::object{{"name", "B"}, {"value", ""}});
}

TEST_CASE("jobs come in pages, by path") {
  World world;
  for (const auto* path : {"b/1", "a", "b/3", "b/2", "c"})
    REQUIRE(world.post("/api/v1/jobs", job_body(path)).status == 201);
  const auto all = world.get("/api/v1/jobs").json();
  CHECK(paths_of(all) == std::vector<std::string>{"a", "b/1", "b/2", "b/3", "c"});
  CHECK(!all.contains("next"));
  std::vector<std::string> seen;
  std::string cursor;
  for (int pages = 0; pages < 3; ++pages) {
    const auto page = world
                          .get("/api/v1/jobs?limit=2" +
                               (cursor.empty() ? "" : "&cursor=" + footman::net::percent_encode(cursor)))
                          .json();
    for (auto& path : paths_of(page)) seen.push_back(path);
    CHECK(page.contains("next") == (pages < 2));
    if (page.contains("next")) cursor = std::string(page.at("next").as_string());
  }
  CHECK(seen == paths_of(all));
  CHECK(paths_of(world.get("/api/v1/jobs?prefix=b%2F").json()) ==
        std::vector<std::string>{"b/1", "b/2", "b/3"});
  CHECK(world.get("/api/v1/jobs?prefx=b").error() == "400 invalid_argument prefx");
  CHECK(world.get("/api/v1/jobs?limit=0").error() == "400 invalid_argument limit");
}
