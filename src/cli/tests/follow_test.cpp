// run, logs --follow and events over servers and connections that go away.
#include "cli/follow.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "cli/tests/script_server.hpp"

using namespace footman;
using namespace footman::cli;
using namespace footman::cli::test;

namespace {

std::string build_json(const std::string& state, const std::string& rest = "") {
  return fmt::format(R"({{"id":17,"title":"ad hoc #4","state":"{}","duration_ms":1200{}}})", state, rest);
}
const std::string kSuccess = build_json("finished", R"(,"result":"SUCCESS","reason":"")");
const std::string kFailure = build_json(
    "finished", R"(,"result":"FAILURE","reason":"Step 1 ended with exit status 3","exit_status":3)");
const std::string kAborted = build_json("finished", R"(,"result":"ABORTED","reason":"cancelled")");

// A server with one build, whose log is answered by `log`.
ScriptServer::Answer one_build(std::string finished,
                               std::function<net::HttpResponse(const net::HttpRequest&)> log) {
  return [finished = std::move(finished), log = std::move(log)](const net::HttpRequest& request) {
    if (request.path == "/api/v1/builds") return json_answer(build_json("queued"), 201);
    if (request.path == "/api/v1/builds/17") return json_answer(finished);
    return log(request);
  };
}

}  // namespace

TEST_CASE("run prints the log and nothing else on standard output, and ends with the build's status") {
  ScriptServer server(one_build(kFailure, [](const net::HttpRequest&) {
    return stream_answer({"\x1b[31mone\x1b[0m\n", "two\n"}, true);
  }));
  const auto ran = run_footman({"run", "-l", "linux", "-t", "10m", "--cause", "why", "--", "make", "a b"},
                               server.variables());
  CHECK(ran.code == 3);
  CHECK(ran.out == "\x1b[31mone\x1b[0m\ntwo\n");
  CHECK(ran.err ==
        fmt::format(
            "build 17 (ad hoc #4) on {}\nbuild 17 (ad hoc #4): FAILURE after 1.2 s: Step 1 ended with exit "
            "status 3\n",
            server.url()));
  const auto submits = server.requests("POST", "/api/v1/builds");
  REQUIRE(submits.size() == 1);
  CHECK(submits[0].body ==
        R"({"spec":{"label":"linux","timeout_ms":600000,"steps":[{"script":"make 'a b'"}]},"cause":"why"})");
  CHECK(submits[0].headers.value_or("Idempotency-Key", "").size() > 20);
  const auto logs = server.requests("GET", "/api/v1/builds/17/log");
  REQUIRE(logs.size() == 1);
  CHECK(logs[0].target.ends_with("?follow=true&offset=0"));
}

TEST_CASE("exit codes of builds") {
  const auto code = [](const char* text, const char* steps = "null") {
    return exit_code_of_build(json::parse(text), json::parse(steps));
  };
  CHECK(code(R"({"result":"SUCCESS","exit_status":0})") == 0);
  CHECK(code(R"({"result":"FAILURE","exit_status":7})") == 7);
  CHECK(code(R"({"result":"FAILURE","exit_status":137})") == 137);
  CHECK(code(R"({"result":"FAILURE"})") == exit_refused);
  CHECK(code(R"({"result":"FAILURE","exit_status":0})") == exit_refused);
  CHECK(code(R"({"result":"FAILURE","exit_status":256})") == exit_refused);
  CHECK(code(R"({"result":"ABORTED","exit_status":7})") == exit_refused);
  CHECK(code(R"({"result":"UNSTABLE","exit_status":3})") == 3);
  CHECK(code(R"({"result":"UNSTABLE"})") == exit_refused);
  CHECK(code("{}") == exit_refused);
  CHECK(code(R"({"result":"ABORTED","timed_out":true})") == exit_timed_out);
  CHECK(code(R"({"result":"FAILURE","exit_status":124})") == 124);
  CHECK(code(R"({"result":"FAILURE"})",
             R"({"steps":[{"index":0,"exit_status":0},{"index":1,"signal":9}]})") == 137);
  CHECK(code(R"({"result":"FAILURE"})", R"({"steps":[{"index":0,"exit_status":0}]})") == exit_refused);
  CHECK(code(R"({"result":"FAILURE"})", R"({"steps":[]})") == exit_refused);
  CHECK(code(R"({"result":"ABORTED"})", R"({"steps":[{"index":0,"signal":9}]})") == exit_refused);
}

TEST_CASE("a build that its time limit ended says so, as timeout(1) does") {
  ScriptServer server([](const net::HttpRequest& request) {
    if (request.path.ends_with("/log")) return stream_answer({}, true);
    return json_answer(
        build_json("finished", R"(,"result":"ABORTED","timed_out":true,"reason":"It took too long.")"), 201);
  });
  const auto ran = run_footman({"run", "make"}, server.variables());
  CHECK(ran.code == 124);
  CAPTURE(ran.err);
  CHECK(ran.err.ends_with(": It took too long.\n"));
}

TEST_CASE("a step that a signal ended gives the shell's exit status") {
  ScriptServer server([](const net::HttpRequest& request) {
    if (request.path.ends_with("/steps"))
      return json_answer(R"({"attempt":1,"steps":[{"index":0,"signal":11}]})");
    if (request.path.ends_with("/log")) return stream_answer({}, true);
    return json_answer(
        build_json("finished", R"(,"result":"FAILURE","reason":"Step 1 was ended by signal 11.")"), 201);
  });
  CHECK(run_footman({"run", "make"}, server.variables()).code == 139);
  CHECK(run_footman({"build", "logs", "-f", "17"}, server.variables()).code == 139);
}

TEST_CASE("a log goes on where the connection broke: no byte lost, none twice") {
  std::atomic<int> asked = 0;
  ScriptServer server(one_build(kSuccess, [&](const net::HttpRequest& request) {
    switch (++asked) {
      case 1:
        return stream_answer({"0123", "456"}, false);
      case 2:
        return error_answer(503, "unavailable", "starting");
      case 3: {
        net::HttpResponse proxy;
        proxy.status = 502;
        proxy.body = "<h1>Bad Gateway</h1>";
        return proxy;
      }
      default:
        CHECK(request.find_query("offset") == "7");
        return stream_answer({"789\n"}, true);
    }
  }));
  const auto ran = run_footman({"run", "make"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out == "0123456789\n");
  CHECK(ran.err.find("footman: lost the server; trying again\n") != std::string::npos);
  CHECK(asked == 4);
  CHECK(server.requests("POST", "/api/v1/builds").size() == 1);
}

TEST_CASE("who follows the log of a build that waits is told at once, and once, why") {
  std::atomic<int> looked = 0;
  ScriptServer server([&](const net::HttpRequest& request) {
    if (request.path != "/api/v1/builds/17") return stream_answer({"hello\n"}, true);
    return json_answer(++looked == 1
                           ? build_json("queued", R"(,"queue":{"reason":{"text":"a cap is reached"}})")
                           : kSuccess);
  });
  const auto ran = run_footman({"build", "logs", "-f", "17"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out == "hello\n");
  CHECK(ran.err == "footman: build 17 waits: a cap is reached\n");
}

TEST_CASE("a log that ends before its build is opened again") {
  std::atomic<int> asked = 0;
  std::atomic<int> looked = 0;
  ScriptServer server([&](const net::HttpRequest& request) {
    if (request.path == "/api/v1/builds/17")
      return json_answer(++looked <= 2 ? build_json("running") : kSuccess);
    return stream_answer({++asked == 1 ? "a" : "b"}, true);
  });
  const auto ran = run_footman({"build", "logs", "-f", "17"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out == "ab");
  CHECK(ran.err.empty());
}

TEST_CASE("another attempt's log begins anew") {
  std::atomic<int> asked = 0;
  ScriptServer server(one_build(kSuccess, [&](const net::HttpRequest& request) {
    const bool first = ++asked == 1;
    auto answer = stream_answer({first ? "lost" : "whole\n"}, !first);
    answer.headers.set("Footman-Log-Attempt", first ? "1" : "2");
    if (asked > 2) CHECK(request.find_query("offset") == "0");
    return answer;
  }));
  CHECK(run_footman({"run", "-q", "make"}, server.variables()).out == "lostwhole\n");
  CHECK(asked == 3);
}

TEST_CASE("a submission whose answer was lost is sent again with the same key") {
  ScriptServer server(one_build(kSuccess, [](const net::HttpRequest&) { return stream_answer({}, true); }));
  server.lose_answers(2);
  const auto ran = run_footman({"run", "--detach", "--", "make"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out == "build 17 (ad hoc #4) is queued\n");
  CHECK(server.lost() == 2);
}

TEST_CASE("the key is the same for one run and another for the next") {
  std::atomic<int> asked = 0;
  ScriptServer server([&](const net::HttpRequest&) {
    if (++asked == 1) return error_answer(504, "timeout", "too slow");
    return json_answer(build_json("queued"), 201);
  });
  CHECK(run_footman({"run", "-d", "make"}, server.variables()).code == exit_ok);
  CHECK(run_footman({"run", "-d", "make"}, server.variables()).code == exit_ok);
  const auto sent = server.requests("POST", "/api/v1/builds");
  REQUIRE(sent.size() == 3);
  CHECK(sent[0].headers.find("Idempotency-Key") == sent[1].headers.find("Idempotency-Key"));
  CHECK(sent[0].headers.find("Idempotency-Key") != sent[2].headers.find("Idempotency-Key"));
  CHECK(sent[0].body == sent[1].body);
}

TEST_CASE("what the server refuses is not tried again") {
  ScriptServer server([](const net::HttpRequest&) {
    return error_answer(400, "invalid_argument", "no", R"(,"field":"spec.label")");
  });
  const auto ran = run_footman({"run", "make"}, server.variables());
  CHECK(ran.code == exit_usage);
  CHECK(ran.err == "footman: no (at --label)\n");
  CHECK(server.requests().size() == 1);
  std::atomic<int> asked = 0;
  ScriptServer gone(one_build(kSuccess, [&](const net::HttpRequest&) {
    if (++asked == 1) return stream_answer({"x"}, false);
    return error_answer(404, "not_found", "there is no build 17");
  }));
  const auto after = run_footman({"run", "make"}, gone.variables());
  CHECK(after.code == exit_not_found);
  CHECK(asked == 2);
}

TEST_CASE("the first interrupt cancels the build, whose log is still shown to its end") {
  std::atomic<bool> cancelled = false;
  std::atomic<int> asked = 0;
  ScriptServer server([&](const net::HttpRequest& request) {
    if (request.path == "/api/v1/builds") return json_answer(build_json("queued"), 201);
    if (request.path == "/api/v1/builds/17/cancel") {
      cancelled = true;
      return json_answer(build_json("running"));
    }
    if (request.path == "/api/v1/builds/17") return json_answer(cancelled ? kAborted : build_json("running"));
    if (++asked == 1) ::raise(SIGINT);
    return stream_answer({fmt::format("{}", cancelled ? "end\n" : "")}, true);
  });
  const auto ran = run_footman({"run", "make"}, server.variables());
  CHECK(ran.code == exit_interrupted);
  CHECK(cancelled);
  CHECK(ran.err.find("cancelling the build; once more leaves at once") != std::string::npos);
  CHECK(ran.err.find("ABORTED") != std::string::npos);
  const auto sent = server.requests("POST", "/api/v1/builds/17/cancel");
  CHECK(sent.size() == 1);
}

TEST_CASE("run --json is one object a line, pieces end between characters") {
  ScriptServer server(one_build(kSuccess, [](const net::HttpRequest&) {
    return stream_answer({"a\xC3", "\xA9\n", "\xFF tail \xE2\x82"}, true);
  }));
  const auto ran = run_footman({"run", "--json", "make"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.err.empty());
  std::istringstream lines(ran.out);
  std::vector<json::value> values;
  for (std::string line; std::getline(lines, line);) values.push_back(json::parse(line));
  REQUIRE(values.size() >= 4);
  CHECK(text_of(values.front(), "event") == "submitted");
  CHECK(text_of(values.back(), "event") == "finished");
  std::string text;
  std::int64_t offset = 0;
  for (std::size_t i = 1; i + 1 < values.size(); ++i) {
    CHECK(number_of(values[i], "offset").value_or(-1) >= offset);
    offset = *number_of(values[i], "offset");
    text += text_of(values[i], "text");
  }
  CHECK(text == "aé\n\xEF\xBF\xBD tail \xEF\xBF\xBD");
}

TEST_CASE("logs without following") {
  ScriptServer server([](const net::HttpRequest&) { return stream_answer({"one\n", "two"}, true); });
  auto ran = run_footman({"build", "logs", "17", "--offset", "5"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out == "one\ntwo");
  CHECK(server.requests().back().target == "/api/v1/builds/17/log?offset=5");
  run_footman({"build", "logs", "17", "--timestamps", "--attempt", "2"}, server.variables());
  CHECK(server.requests().back().target == "/api/v1/builds/17/log?timestamps=true&attempt=2");
  CHECK(run_footman({"build", "logs", "17", "--timestamps", "-f"}, server.variables()).code == exit_usage);
}

TEST_CASE("build start with parameters, followed") {
  ScriptServer server(
      one_build(kSuccess, [](const net::HttpRequest&) { return stream_answer({"log\n"}, true); }));
  const auto ran =
      run_footman({"build", "start", "team/app", "-p", "A=1=2", "-p", "B=", "-f"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out == "log\n");
  CHECK(server.requests().front().body == R"({"job":"team/app","parameters":{"A":"1=2","B":""}})");
}

TEST_CASE("events go on behind the last one after a break") {
  std::atomic<int> asked = 0;
  const auto change = [](int number) {
    return fmt::format(
        "event: change\nid: x-{0}\ndata: "
        "{{\"sequence\":{0},\"at\":\"2026-11-24T08:40:15.123Z\",\"kind\":\"build\","
        "\"id\":\"17\",\"state\":\"running\"}}\n\n",
        number);
  };
  ScriptServer server([&](const net::HttpRequest& request) {
    if (++asked == 1) {
      return stream_answer(
          {"event: reset\nid: x-1\ndata: {\"reason\":\"new\"}\n\n", ": hello\n\n" + change(2)}, false,
          "text/event-stream");
    }
    CHECK(request.headers.value_or("Last-Event-ID", "") == "x-2");
    return stream_answer({change(3), change(4)}, true, "text/event-stream");
  });
  const auto ran = run_footman({"events", "--kinds", "build", "-n", "2"}, server.variables());
  CHECK(ran.code == exit_ok);
  CHECK(ran.out.find("build       17  running\n") != std::string::npos);
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 2);
  CHECK(server.requests().front().target == "/api/v1/events?kinds=build");
}

TEST_CASE("progress shows on a terminal only, and leaves no trace") {
  ScriptServer server(
      one_build(kSuccess, [](const net::HttpRequest&) { return stream_answer({"no line end"}, true); }));
  TextOutput out(true);
  TextOutput err(true);
  CHECK(run_words(out, err, {"run", "make"}, server.variables()) == exit_ok);
  CHECK(out.text() == "no line end\n");
  CHECK(err.text().find("\x1b[32mSUCCESS\x1b[0m") != std::string::npos);
}
